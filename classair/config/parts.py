"""The part of a configuration that concerns one bridge, as text: what is announced to it and what a bundle holds."""

from __future__ import annotations

from typing import Any

import yaml

from classair.config import yamltext
from classair.config.settings import FOR_EVERY_BRIDGE
from classair.control.relays import KIND as RELAY


def part_text(text: str, bridge: str) -> str:
    """Only the sensors of `bridge` (`<site>.<id>`), their rooms and purifiers, and the rule of purifiers; no people, no
    other rules, no store. A room that several bridges measure is in the part of each, with all of its purifiers.

    Works on the text, so that `${NAME}` stays a name and no secret travels. The text must be a valid configuration.
    """
    whole = yamltext.read(text)
    site_id, _, bridge_id = bridge.partition(".")
    site = whole["sites"][site_id]
    sensors = {key: it for key, it in (site.get("sensors") or {}).items() if it["bridge"] == bridge_id}
    every = site.get("purifiers") or {}
    # A relay on its board may be of a room that another bridge measures.
    relays = [it for it in every.values() if it["kind"] == RELAY and it.get("bridge") == bridge_id]
    known = {it["room"] for it in (*sensors.values(), *relays)}
    rooms = {key: it for key, it in site["rooms"].items() if key in known}
    purifiers = {key: it for key, it in every.items() if it["room"] in rooms}
    part: dict[str, Any] = {key: whole[key] for key in FOR_EVERY_BRIDGE if key in whole}
    rules = {key: it for key, it in (whole.get("rules") or {}).items() if it["kind"] == "purifier"}
    if purifiers and rules:
        part["rules"] = rules
    part["sites"] = {
        site_id: {
            **{key: site[key] for key in ("name", "position") if key in site},
            "bridges": {bridge_id: site["bridges"][bridge_id] or {}},
            "rooms": rooms,
            "sensors": sensors,
            "purifiers": purifiers,
        }
    }
    return yaml.safe_dump(part, allow_unicode=True, sort_keys=False, width=120)
