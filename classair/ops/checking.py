"""`classair check`: everything wrong with sensors.yaml, also what only a driver, a channel or a socket knows."""

from __future__ import annotations

import argparse
import importlib
import importlib.metadata
import sys
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ValidationError

from classair import PACKAGES, plugins
from classair import config as configuration
from classair.arguments import shared


def main(argv: list[str]) -> int:
    """Prints every fault with its path; the exit code is 0 when there is none, else 2."""
    parser = argparse.ArgumentParser(prog="classair check", description=__doc__, parents=[shared("--config")])
    args = parser.parse_args(argv)
    for name, owner in foreign_owners():
        print(
            f"the import name {name} belongs to the installed package {owner} too: give ClassAir an environment "
            "of its own",
            file=sys.stderr,
        )
    try:
        config = configuration.load(args.config)
    except configuration.ConfigFaults as faults:
        found = faults.faults
    else:
        found = list(plugin_faults(config))
        for line in advice(config):
            print(f"{args.config}: {line}", file=sys.stderr)
    for line in found:
        print(f"{args.config}: {line}", file=sys.stderr)
    if found:
        print(f"{len(found)} to put right", file=sys.stderr)
        return 2
    counts = [
        f"{len(config.sites)} schools",
        f"{len(list(config.rooms()))} rooms",
        f"{len(list(config.sensors()))} sensors",
        f"{len(list(config.purifiers()))} purifiers",
    ]
    print(f"{args.config}: in order ({', '.join(counts)})")
    return 0


def plugin_faults(config: configuration.Config) -> Iterator[str]:
    """What the plugins find wrong with their sections, each with its path."""
    drivers = importlib.import_module("firmware_bridge.drivers")
    for full, sensor in config.sensors():
        site, _, local = full.partition(".")
        path = f"sites.{site}.sensors.{local}"
        if sensor.port.partition(":")[0] in ("mqtt", "http"):
            yield from _foreign_faults(sensor, path)
            continue
        try:
            settings = drivers.settings_of(sensor.model)
        except LookupError as error:
            adapters = importlib.import_module("firmware_bridge.adapters")
            foreign = sensor.model in adapters.models()
            yield (
                f"{path}.port: a {sensor.model} is not at a serial line; expected mqtt:… or http:…"
                if foreign
                else f"{path}.model: {error}"
            )
            continue
        yield from _faults_of(settings, sensor.settings, f"{path}.settings")
    for full, unit in config.purifiers():
        site, _, local = full.partition(".")
        yield from _settings_faults("alerts.purifiers", unit.kind, unit.settings, f"sites.{site}.purifiers.{local}")
    for name, person in config.people.items():
        yield from _settings_faults("alerts.channels", person.channel, dict(person.model_extra or {}), f"people.{name}")


def advice(config: configuration.Config) -> Iterator[str]:
    """What works and had better be otherwise, each with its path."""
    identity = importlib.import_module("firmware_bridge.serial.identity")
    duty = importlib.import_module("firmware_bridge.serial.duty_cycle")
    drivers = importlib.import_module("firmware_bridge.drivers")
    for full, sensor in config.sensors():
        site, _, local = full.partition(".")
        path = f"sites.{site}.sensors.{local}"
        if identity.may_change(sensor.port):
            yield (
                f"{path}.port: {sensor.port} may be another sensor after the next plugging; better the name from "
                "/dev/serial/by-id/ or /dev/serial/by-path/"
            )
        if sensor.duty is None or sensor.model not in drivers.models():
            continue
        try:
            driver = drivers.driver_for(sensor.model, sensor.settings)
        except ValidationError:
            continue  # said as a fault
        if not driver.sleep():
            yield f"{path}.duty: a {sensor.model} cannot be sent to sleep; it goes on measuring"
        elif not duty.sleeps_enough(sensor.duty, driver.warm_up_s):
            yield (
                f"{path}.duty: of {sensor.duty.every:g} s nothing is left to sleep after {driver.warm_up_s:g} s of "
                f"warm-up and {sensor.duty.measure:g} s of measuring; it goes on measuring"
            )


def _foreign_faults(sensor: configuration.Sensor, path: str) -> Iterator[str]:
    adapters = importlib.import_module("firmware_bridge.adapters")
    try:
        kind = adapters.kind_of(sensor.model)
    except LookupError as error:
        yield f"{path}.model: {error}"
        return
    faults = list(_faults_of(kind.settings, sensor.settings, f"{path}.settings"))
    yield from faults
    try:
        adapters.adapter_for(sensor.model, sensor.port, {} if faults else sensor.settings)
    except ValueError as error:
        yield f"{path}.port: {error}"


def foreign_owners() -> Iterator[tuple[str, str]]:
    """Installed distributions other than ours that own one of our import names."""
    owners = importlib.metadata.packages_distributions()
    for name in PACKAGES:
        for owner in owners.get(name, []):
            if owner.lower() != "classair":
                yield name, owner


def _settings_faults(package: str, kind: str, settings: dict[str, Any], path: str) -> Iterator[str]:
    try:
        model = plugins.load(package, kind).Settings
    except plugins.UnknownPlugin as error:
        yield f"{path}: {error}"
        return
    yield from _faults_of(model, settings, path)


def _faults_of(model: type[BaseModel], settings: dict[str, Any], path: str) -> Iterator[str]:
    try:
        model.model_validate(settings)
    except ValidationError as error:
        for fault in error.errors(include_url=False, include_input=False):
            where = ".".join([path, *map(str, fault["loc"])])
            if fault["type"] == "extra_forbidden":
                yield f"{where}: unknown key; known here: {', '.join(sorted(model.model_fields)) or 'none'}"
            else:
                yield f"{where}: {fault['msg'][:1].lower()}{fault['msg'][1:]}"
