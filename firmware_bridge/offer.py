"""What a bridge knows of a configuration (classair.offers): faults of sensors, advice, accounts of foreign devices."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace

from pydantic import ValidationError

from classair import offers
from classair.accounts import Account, account_fault
from classair.config import Config, Sensor
from classair.config.words import settings_faults
from classair.control.orders import EdgeDevice
from classair.wire import Topics
from firmware_bridge import adapters, drivers
from firmware_bridge.relays.configured import relay_faults
from firmware_bridge.serial import duty_cycle, identity, presence

log = logging.getLogger(__name__)


def faults(config: Config) -> Iterator[str]:
    """Unknown models, settings that drivers and adapters do not take, ports where a device cannot be."""
    bridges = _bridges(config)
    for full, sensor in config.sensors():
        path = _path(full)
        if adapters.is_foreign(sensor.port):
            yield from _foreign_faults(full, sensor, path, bridges)
            continue
        try:
            settings = drivers.settings_of(sensor.model)
        except LookupError as error:
            if sensor.model in adapters.models():
                yield f"{path}.port: a {sensor.model} is not a serial sensor; expected mqtt:… or http:…"
            else:
                yield f"{path}.model: {error}"
            continue
        yield from settings_faults(settings, sensor.settings, f"{path}.settings")
    yield from relay_faults(config)


def advice(config: Config) -> Iterator[str]:
    """Ports that are not there, ports that may become another sensor's, and sleep that cannot be had."""
    for full, sensor in config.sensors():
        path = _path(full)
        if lacking := presence.lacking(sensor.port):
            yield f"{path}.port: {lacking}"
        if identity.may_change(sensor.port):
            yield (
                f"{path}.port: {sensor.port} may point to another sensor after the next replug; use the name from "
                "/dev/serial/by-id/ or /dev/serial/by-path/"
            )
        if sensor.duty is None or sensor.model not in drivers.models():
            continue
        try:
            driver = drivers.driver_for(sensor.model, sensor.settings)
        except ValidationError:
            continue  # said as a fault
        if not driver.sleep():
            yield f"{path}.duty: a {sensor.model} cannot sleep; it will measure continuously"
        elif not duty_cycle.sleeps_enough(sensor.duty, driver.warm_up_s):
            yield (
                f"{path}.duty: {sensor.duty.every:g} s leave no time to sleep after {driver.warm_up_s:g} s of "
                f"warm-up and {sensor.duty.measure:g} s of measuring; it will measure continuously"
            )


def accounts(config: Config) -> Iterator[Account]:
    """Each foreign device's own, and for its bridge the topics to hear."""
    bridges = _bridges(config)
    for full, sensor in config.sensors():
        if not adapters.is_foreign(sensor.port):
            continue
        try:
            adapter = adapters.adapter_for(sensor.model, sensor.port, sensor.settings)
        except (LookupError, ValueError) as error:
            log.warning("device_account_skipped sensor=%s error=%s", full, str(error).splitlines()[0])
            continue
        account = _account(full, adapter)
        if adapter.topics() and not account_fault(account, bridges):
            yield account
            yield Account(name=sensor.bridge, reads=tuple(adapter.topics()))
    yield from _edge_accounts(config)


def _edge_accounts(config: Config) -> Iterator[Account]:
    """What a bridge needs to switch the purifiers of the rooms it measures ON while the server is away."""
    topics = Topics(config.org)
    measured = {(f"{full.partition('.')[0]}.{it.room}", it.bridge) for full, it in config.sensors()}
    for device in offers.second_paths(config):
        site, _, local = device.purifier.partition(".")
        messages = () if device.order is None else device.order.messages(1)
        commands = tuple(dict.fromkeys(one.topic for one in messages))
        foreign = tuple(topic for topic in commands if topic != topics.purifier_set(site, local))
        if device.order is None or account_fault(Account(writes=foreign, name="edge"), ()):
            continue
        for room, bridge in sorted(measured):
            if room == device.room:
                yield Account(name=bridge, writes=commands, reads=(topics.purifier_state(site, "+"),))


def second_paths(config: Config) -> Iterator[EdgeDevice]:
    """None: it switches no purifier."""
    yield from ()


def _foreign_faults(full: str, sensor: Sensor, path: str, bridges: set[str]) -> Iterator[str]:
    try:
        kind = adapters.kind_of(sensor.model)
    except LookupError as error:
        yield f"{path}.model: {error}"
        return
    found = list(settings_faults(kind.settings, sensor.settings, f"{path}.settings"))
    yield from found
    try:
        adapter = adapters.adapter_for(sensor.model, sensor.port, {} if found else sensor.settings)
    except ValidationError:
        return  # without its settings nothing more can be said
    except ValueError as error:
        yield f"{path}.port: {error}"
        return
    if fault := account_fault(_account(full, adapter), bridges):
        yield f"{path}.port: {fault}"


def _account(full: str, adapter: adapters.Adapter) -> Account:
    own = adapter.account()
    return replace(own, name=own.name or full, device=full)


def _bridges(config: Config) -> set[str]:
    return {full.partition(".")[2] for full, _ in config.bridges()}


def _path(full: str) -> str:
    site, _, local = full.partition(".")
    return f"sites.{site}.sensors.{local}"
