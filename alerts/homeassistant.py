"""What Home Assistant is told, so that our sensors, rooms and purifiers appear there by themselves.

One retained message per device on `<prefix>/device/<object id>/config`, Home Assistant's device-based discovery (since
2024.11), in its abbreviated keys. Values are read from our own retained topics by templates, and every template looks
at the age of what it shows: a dead sensor is unavailable or unknown, never an old number.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from alerts.control.unit import FAULTS
from classair import __version__
from classair.accounts import HOME_ASSISTANT
from classair.config import Config, Sensor
from classair.i18n import t
from classair.science.purifying import DEVICE
from classair.wire import Topics

ORIGIN: Final = {"name": "ClassAir", "sw": __version__}
WHO: Final = "Home Assistant"
ASK_PREFIX: Final = "ha-"  # ids of its asks; they all come on one topic, because a command topic there is fixed
HEALTH_EVERY_S: Final = 60
ROOM_SILENT_S: Final = 120  # alerts says an unchanged room again every 30 s

PM_LEVELS: Final = ("very_good", "good", "moderate", "starts_to_affect_health", "affects_health")
AIR_LEVELS: Final = ("fresh", "stuffy_soon", "stuffy", "very_stuffy")

# Quantity → (device class or none, unit, decimals). Only what Home Assistant has a place for.
SHOWN: Final[Mapping[str, tuple[str | None, str | None, int]]] = {
    "pm1": ("pm1", "µg/m³", 0),
    "pm25": ("pm25", "µg/m³", 0),
    "pm10": ("pm10", "µg/m³", 0),
    "co2_ppm": ("carbon_dioxide", "ppm", 0),
    "temp_c": ("temperature", "°C", 1),
    "rh_pct": ("humidity", "%", 0),
    "pressure_hpa": ("atmospheric_pressure", "hPa", 0),
    "voc_index": (None, None, 0),
    "nox_index": (None, None, 0),
}


@dataclass(frozen=True, slots=True)
class _Words:
    language: str

    def __call__(self, key: str) -> str:
        return t(self.language, f"home_assistant.{key}")


class HomeAssistant:
    """Knows the devices of a configuration and what each sensor measures. Gives messages; publishes nothing itself."""

    def __init__(self) -> None:
        self._config: Config | None = None
        self._measures: dict[str, frozenset[str]] = {}

    def follow(self, config: Config) -> None:
        self._config = config

    def saw(self, sensor: str, quantities: Iterable[str]) -> bool:
        """A sensor's reading has come; whether it measures something that was not known of it."""
        known = self._measures.get(sensor, frozenset())
        found = known | SHOWN.keys() & set(quantities)
        self._measures[sensor] = found
        return found != known

    def topics(self) -> set[str]:
        """Where something of ours may be retained, whether or not it has been said yet."""
        if self._config is None or not self._config.home_assistant.enabled:
            return set()
        config = self._config
        return {
            self._topic(kind, full)
            for kind, names in (
                ("sensor", config.sensors()),
                ("room", config.rooms()),
                ("purifier", config.purifiers()),
            )
            for full, _ in names
        }

    def messages(self) -> dict[str, str]:
        """Topic → payload of everything that can be announced. A sensor is when it is known what it measures."""
        if self._config is None or not self._config.home_assistant.enabled:
            return {}
        config, topics = self._config, Topics(self._config.org)
        found: dict[str, str] = {}
        for full, _ in config.sensors():
            found.update(self.message_of(full))
        for full, _ in config.rooms():
            found[self._topic("room", full)] = _text(_room(config, topics, full))
        for full, _ in config.purifiers():
            found[self._topic("purifier", full)] = _text(_purifier(config, topics, full))
        return found

    def message_of(self, sensor: str) -> dict[str, str]:
        """The same for one sensor; nothing while it is not known what it measures."""
        if self._config is None or not self._config.home_assistant.enabled or not self._measures.get(sensor):
            return {}
        site, _, local = sensor.partition(".")
        part = self._config.sites[site].sensors.get(local) if site in self._config.sites else None
        if part is None:
            return {}
        text = _text(self._sensor(self._config, Topics(self._config.org), sensor, part))
        return {self._topic("sensor", sensor): text}

    def _topic(self, kind: str, full: str) -> str:
        assert self._config is not None
        return f"{self._config.home_assistant.prefix}/device/{_object_id(self._config, kind, full)}/config"

    def _sensor(self, config: Config, topics: Topics, full: str, sensor: Sensor) -> dict[str, Any]:
        site, _, local = full.partition(".")
        words, health = _Words(config.language), topics.sensor_health(site, local)
        me, limit_s = _object_id(config, "sensor", full), stale_after_s(sensor)
        bridge_says = {"t": topics.bridge(site, sensor.bridge, "status"), "val_tpl": "{{ value_json.get('state') }}"}
        parts = {
            key: {
                **_measuring(words, me, key),
                "exp_aft": limit_s,
                "val_tpl": "{% set values = value_json.get('newest', {}) %}"
                f"{{% set at = value_json.get('value_at', {{}}).get('{key}', value_json.get('newest_at')) %}}"
                f"{{{{ values['{key}'] if '{key}' in values and at and "
                f"utcnow().timestamp() * 1000 - at < {limit_s * 1000} else 'None' }}}}",
                # Each quantity by itself: a dead CO2 cell takes no PM2.5 away, and a board that speaks is no value.
                "avty_mode": "all",
                "avty": [
                    {
                        "t": health,
                        "val_tpl": f"{{{{ 'online' if '{key}' in value_json.get('newest', {{}}) else 'offline' }}}}",
                    },
                    bridge_says,
                ],
            }
            for key in SHOWN
            if key in self._measures[full]
        }
        return {
            "dev": _device(config, me, local, site, sensor.room, sensor.model, sensor.simulated),
            "o": ORIGIN,
            "stat_t": health,
            "qos": 1,
            "cmps": parts,
            "avty_mode": "all",
            "avty": [
                {"t": health, "val_tpl": "{{ 'online' if value_json.get('state') == 'ok' else 'offline' }}"},
                bridge_says,
            ],
        }


def stale_after_s(sensor: Sensor) -> int:
    """Seconds after which a sensor's newest value is no longer shown: health repeats each minute, foreign devices have
    intervals of their own.
    """
    if sensor.port.partition(":")[0] in ("mqtt", "http"):
        return 900
    return max(180, round(3 * sensor.every) + HEALTH_EVERY_S)


def _room(config: Config, topics: Topics, full: str) -> dict[str, Any]:
    site, _, local = full.partition(".")
    words, me, room = _Words(config.language), _object_id(config, "room", full), config.room(full)
    simulated = config.site_simulated(site)
    parts: dict[str, dict[str, Any]] = {}
    for key, part in (("pm25", "pm25"), *(() if room.outdoor else (("co2_ppm", "co2"),))):
        parts[key] = {**_measuring(words, me, key), "val_tpl": _current(part, "now.shown")}
    levels: dict[str, tuple[str, str, tuple[str, ...]]] = {"level": ("pm25", "level", PM_LEVELS)}
    if not room.outdoor:
        levels["air"] = ("co2", "ventilation", AIR_LEVELS)
    for name, (part, group, keys) in levels.items():
        texts = {key: t(config.language, f"{group}.{key}") for key in keys}
        parts[name] = {
            "p": "sensor",
            "name": words(name),
            "uniq_id": f"{me}_{name}",
            "dev_cla": "enum",
            "ops": list(texts.values()),
            "val_tpl": _current(part, f"{json.dumps(texts, ensure_ascii=False)}.get(now.level, 'None')"),
        }
    for key in ("temp_c", "rh_pct"):
        parts[key] = {
            **_measuring(words, me, key),
            "val_tpl": f"{{{{ value_json.get('{key}') if value_json.get('{key}') is not none else 'None' }}}}",
        }
    parts["suspect"] = {
        "p": "binary_sensor",
        "name": words("suspect"),
        "uniq_id": f"{me}_suspect",
        "dev_cla": "problem",
        "ent_cat": "diagnostic",
        "val_tpl": "{{ 'ON' if value_json.get('pm25', {}).get('status') == 'suspect' else 'OFF' }}",
    }
    parts["advice"] = {
        "p": "sensor",
        "name": words("advice"),
        "uniq_id": f"{me}_advice",
        "val_tpl": _action(config.language),
    }
    parts["heat_index_c"] = {
        "p": "sensor",
        "name": words("heat_index_c"),
        "uniq_id": f"{me}_heat_index_c",
        "dev_cla": "temperature",
        "unit_of_meas": "°C",
        "stat_cla": "measurement",
        "sug_dsp_prc": 1,
        "val_tpl": "{{ value_json.get('heat_index_c') if value_json.get('heat_index_c') is not none else 'None' }}",
    }
    parts["disagree"] = {
        "p": "binary_sensor",
        "name": words("disagree"),
        "uniq_id": f"{me}_disagree",
        "dev_cla": "problem",
        "ent_cat": "diagnostic",
        "val_tpl": "{{ 'ON' if value_json.get('pm25', {}).get('disagree') else 'OFF' }}",
    }
    for one in parts.values():
        one["exp_aft"] = ROOM_SILENT_S
    return {
        "dev": _device(config, me, room.name.in_(config.language), site, local, words("room"), simulated),
        "o": ORIGIN,
        "stat_t": topics.room_now(site, local),
        "qos": 1,
        "cmps": parts,
        "avty": [_alive(topics)],
    }


def _purifier(config: Config, topics: Topics, full: str) -> dict[str, Any]:
    site, _, local = full.partition(".")
    words, me, unit = _Words(config.language), _object_id(config, "purifier", full), config.sites[site].purifiers[local]
    ask = {"cmd_t": topics.ask("alerts", HOME_ASSISTANT), "ret": False, "qos": 1}
    on = "value_json.get('on')"
    return {
        "dev": _device(config, me, f"{words('purifier')} {local}", site, unit.room, unit.kind, unit.simulated),
        "o": ORIGIN,
        "stat_t": topics.purifier_state(site, local),
        "qos": 1,
        "avty": [_alive(topics)],
        "cmps": {
            "switch": {
                "p": "switch",
                "name": words("switch"),
                "uniq_id": f"{me}_switch",
                **ask,
                "cmd_tpl": _order(full, "{{ 'on' if value == 'ON' else 'off' }}"),
                "pl_on": "ON",
                "pl_off": "OFF",
                "stat_on": "ON",
                "stat_off": "OFF",
                "opt": False,
                "val_tpl": f"{{{{ 'None' if {on} is none else 'ON' if {on} else 'OFF' }}}}",
            },
            "auto": {
                "p": "button",
                "name": words("auto"),
                "uniq_id": f"{me}_auto",
                **ask,
                "cmd_tpl": _order(full, "auto"),
            },
            "mode": {
                "p": "sensor",
                "name": words("mode"),
                "uniq_id": f"{me}_mode",
                "dev_cla": "enum",
                "ops": [words(f"mode_{mode}") for mode in _MODES],
                "ent_cat": "diagnostic",
                "val_tpl": "{{ "
                + json.dumps({mode: words(f"mode_{mode}") for mode in _MODES}, ensure_ascii=False)
                + ".get(value_json.get('mode'), 'None') }}",
            },
            "override_end": {
                "p": "sensor",
                "name": words("override_end"),
                "uniq_id": f"{me}_override_end",
                "dev_cla": "timestamp",
                "val_tpl": "{% set end = value_json.get('override_until') %}{{ utcnow().fromtimestamp(end / 1000, "
                "utcnow().tzinfo).isoformat() if end else 'None' }}",
            },
            "power": {
                "p": "sensor",
                "name": words("power"),
                "uniq_id": f"{me}_power",
                "dev_cla": "power",
                "unit_of_meas": "W",
                "stat_cla": "measurement",
                "sug_dsp_prc": 0,
                # A plug that is not heard draws nobody knows what.
                "val_tpl": f"{{{{ value_json.get('watts') if value_json.get('watts') is not none and {on} is not none "
                "else 'None' }}",
            },
            "fault": {
                "p": "binary_sensor",
                "name": words("fault"),
                "uniq_id": f"{me}_fault",
                "dev_cla": "problem",
                "val_tpl": "{{ 'ON' if value_json.get('faults') else 'OFF' }}",
            },
            "fault_words": {
                "p": "sensor",
                "name": words("fault_words"),
                "uniq_id": f"{me}_fault_words",
                "ent_cat": "diagnostic",
                # Home Assistant refuses a state of more than 255 characters.
                "val_tpl": f"{{% set words = {_fault_words(config.language)} %}}{{% set found = namespace(all=[]) %}}"
                "{% for fault in value_json.get('faults', []) %}"
                f"{{% set own = fault.startswith('{DEVICE}') %}}"
                f"{{% set said = words.device.replace('{{detail}}', fault[{len(DEVICE)}:]) if own else "
                "words.get(fault, fault) %}{% set found.all = found.all + [said] %}{% endfor %}"
                "{{ (found.all | join('; '))[:255] or 'None' }}",
            },
        },
    }


def _fault_words(language: str) -> str:
    """The key of each fault of a purifier with its words, as a template writes it."""
    return json.dumps({key: t(language, f"purifier_fault.{key}") for key in FAULTS}, ensure_ascii=False)


_MODES: Final = ("auto", "person", "fail_safe", "unknown")


def _order(full: str, do: str) -> str:
    """An ask of alerts with an id of its own each time: the moment in µs beside the purifier's mark."""
    mark = hashlib.sha256(full.encode()).hexdigest()[:8]
    return (
        f'{{"v": 1, "id": "{ASK_PREFIX}{mark}-{{{{ (utcnow().timestamp() * 1000000) | int }}}}", '
        f'"do": "override", "who": "{WHO}", "args": {{"purifier": "{full}", "do": "{do}"}}}}'
    )


def _current(part: str, value: str) -> str:
    """A value of the room's state while it counts as current."""
    return (
        f"{{% set now = value_json.get('{part}', {{}}) %}}{{{{ {value} if now.status in ('ok', 'late') and "
        "now.unknown_at and utcnow().timestamp() * 1000 < now.unknown_at else 'None' }}"
    )


def _action(language: str) -> str:
    """The display's sentence for the age of the value; without the marks of its phrases."""
    return (
        "{% set now = value_json.get('pm25', {}) %}{% set at = utcnow().timestamp() * 1000 %}"
        "{% set known = now.status in ('ok', 'late') and now.unknown_at and at < now.unknown_at %}"
        "{% set out = value_json.get('outdoor', {}) %}"
        "{% set gone = out.status in ('ok', 'late') and out.unknown_at and at >= out.unknown_at %}"
        "{% set was = now.status in ('ok', 'late') %}"
        f"{{% set texts = value_json.get('texts', {{}}).get('{language}', {{}}) %}}"
        "{% set one = texts.get('no_outdoor') if gone and (known or not was) and texts.get('no_outdoor') "
        "else texts.get('ok' if known else 'unknown') %}"
        "{{ (one.action if one else 'None') | replace('‹', '') | replace('›', '') }}"
    )


def _measuring(words: _Words, me: str, key: str) -> dict[str, Any]:
    device_class, unit, decimals = SHOWN[key]
    found = {
        "p": "sensor",
        "name": words(key),
        "uniq_id": f"{me}_{key}",
        "dev_cla": device_class,
        "unit_of_meas": unit,
        "stat_cla": "measurement",
        "sug_dsp_prc": decimals,
    }
    return {name: value for name, value in found.items() if value is not None}


def _device(config: Config, me: str, name: str, site: str, room: str, model: str, simulated: bool) -> dict[str, Any]:
    language = config.language
    if simulated:
        name = f"{name} ({t(language, 'word.simulated')})"
    area = config.room(f"{site}.{room}").name.in_(language)
    return {
        "ids": [me],
        "name": name,
        "mf": "ClassAir",
        "mdl": model,
        "sa": f"{config.sites[site].name.in_(language)} {area}",
    }


def _alive(topics: Topics) -> dict[str, str]:
    return {"t": topics.service_status("alerts"), "val_tpl": "{{ value_json.get('state') }}"}


def _object_id(config: Config, kind: str, full: str) -> str:
    # Ids have no underscore, so this cannot be that of another.
    return f"classair_{config.org}_{kind}_{full.replace('.', '_')}"


def _text(message: dict[str, Any]) -> str:
    return json.dumps(message, ensure_ascii=False, separators=(",", ":"))
