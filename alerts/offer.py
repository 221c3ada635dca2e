"""What alerts know of a configuration (classair.offers): faults of purifiers and people, accounts of purifiers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from pydantic import ValidationError

from alerts import purifiers
from alerts.advising import advice
from classair import plugins
from classair.accounts import HOME_ASSISTANT, Account, account_fault
from classair.config import Config, Purifier
from classair.config.words import settings_faults
from classair.control.orders import EdgeDevice
from classair.control.relays import KIND as RELAY
from classair.plugins import UnknownPlugin
from classair.wire import Topics

__all__ = ["accounts", "advice", "faults", "second_paths"]


def faults(config: Config) -> Iterator[str]:
    """Kinds and channels that do not exist, and settings that they do not take."""
    bridges = _bridges(config)
    for full, unit in config.purifiers():
        site, _, local = full.partition(".")
        path = f"sites.{site}.purifiers.{local}"
        found = list(_plugin_faults("alerts.purifiers", "kind", unit.kind, unit.settings, path)) or [
            f"{path}.{fault}" for fault in purifiers.faults(unit)
        ]
        yield from found
        if (
            not found
            and (account := _account(full, unit))
            and (fault := account_fault(account, _others(unit, bridges)))
        ):
            yield f"{path}: {fault}"
    for name, person in config.people.items():
        yield from _plugin_faults("alerts.channels", "channel", person.channel, person.settings(), f"people.{name}")
        if (second := person.second) is not None:
            where = f"people.{name}.second"
            yield from _plugin_faults("alerts.channels", "channel", second.channel, second.settings(), where)


def accounts(config: Config) -> Iterator[Account]:
    """Each purifier's own; ours speaks with all of them, and with Home Assistant."""
    bridges, topics = _bridges(config), Topics(config.org)
    for full, unit in config.purifiers():
        account = _account(full, unit)
        if account is not None and not account_fault(account, _others(unit, bridges)):
            yield account
            yield Account(name="alerts", writes=account.reads, reads=account.writes)
            # A person's `classair purifier`; it also looks for commands that wait for the device at the broker.
            yield Account(name="tool", writes=account.reads, reads=(*account.writes, *account.reads))
    if config.home_assistant.enabled:
        prefix = config.home_assistant.prefix
        yield Account(name="alerts", writes=(f"{prefix}/device/+/config",))
        yield Account(
            name=HOME_ASSISTANT,
            writes=(f"{prefix}/status", topics.ask("alerts", HOME_ASSISTANT)),
            reads=(
                f"{prefix}/#",
                topics.room_now("+", "+"),
                topics.purifier_state("+", "+"),
                topics.sensor_health("+", "+"),
                topics.bridges("status"),
                topics.service_status("alerts"),
            ),
        )


def second_paths(config: Config) -> Iterator[EdgeDevice]:
    """Every purifier, and how a bridge switches it ON when the server is away."""
    for full, unit in config.purifiers():
        try:
            order = purifiers.make(full, unit, lambda: 0).edge()
        except (UnknownPlugin, ValidationError):
            continue
        yield EdgeDevice(full, f"{full.partition('.')[0]}.{unit.room}", order)


def _plugin_faults(package: str, key: str, name: str, settings: dict[str, object], path: str) -> Iterator[str]:
    try:
        model = plugins.load(package, name).Settings
    except UnknownPlugin as error:
        yield f"{path}.{key}: {error}"
        return
    yield from settings_faults(model, settings, path)


def _account(full: str, unit: Purifier) -> Account | None:
    """What a purifier needs at the broker; None when that is nothing, or when it is faulty."""
    try:
        own = purifiers.make(full, unit, lambda: 0).account()
    except (UnknownPlugin, ValidationError):
        return None
    device = "" if unit.kind == RELAY else full
    return replace(own, name=own.name or full, device=device) if own.writes or own.reads else None


def _others(unit: Purifier, bridges: set[str]) -> set[str]:
    """The users that a purifier may not have: a relay on a board has its own bridge's, one of Home Assistant its."""
    if unit.kind == RELAY:
        return bridges - {unit.settings.get("bridge")}
    return bridges if unit.kind == HOME_ASSISTANT else bridges | {HOME_ASSISTANT}


def _bridges(config: Config) -> set[str]:
    return {full.partition(".")[2] for full, _ in config.bridges()}
