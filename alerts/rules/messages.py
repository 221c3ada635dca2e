"""Notifications in the recipient's language: an alert and why it is told → title and text.

The words stand below [alert_message.<kind>] in the locales; what an alert saw is in its `words`. A title has at most
TITLE characters, so that no phone cuts it: a long name is shortened in it, and stands in full in the text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from alerts.lifecycle.model import Alert
from classair import i18n
from classair.alerting.words import Stage
from classair.config import Config
from classair.timetable import local_time

TITLE: Final = 60
_TABLE: Final = "alert_message"
_SHORTEST: Final = 6  # of a name that is shortened, in letters
_DUST: Final = "pm25"

Places = dict[str, str]
Known = Mapping[str, str | int | float]


def words(config: Config, language: str, alert: Alert, stage: Stage) -> tuple[str, str]:
    """What one person is told of one alert."""
    places = _places(config, language, alert)
    if stage == "recovered":
        title, sentences = _over(language, alert, places)
    else:
        title, sentences = _problem(language, alert, stage, places)
    if alert.acknowledged_by:
        sentences.append(_t(language, "acknowledged", who=alert.acknowledged_by))
    if alert.site in config.sites and config.site_simulated(alert.site):
        sentences.append(f"({_t(language, 'simulated')})")
    return title, " ".join(sentences)


# -- the two halves of an alert's life ---------------------------------------------------------------------------------


def _problem(language: str, alert: Alert, stage: Stage, places: Places) -> tuple[str, list[str]]:
    table, prefix = _where(alert)
    later = stage == "escalated" and i18n.has(f"{_TABLE}.{table}.later_text")
    if later:
        prefix = "later_"

    def title(places: Places) -> str:
        plain = _t(language, f"{table}.{prefix}title", **places)
        if later or stage not in ("escalated", "reminder"):
            return plain
        return _t(language, f"{stage}_title", title=plain)

    sentences = _sentences(language, alert, table, prefix, places)
    if stage == "escalated" and alert.fired_at is not None:
        sentences.append(_t(language, "escalated", since=_day_time(language, alert.fired_at)))
    elif stage == "reminder":
        sentences.append(_t(language, "reminder"))
    return _fitting(title, places), sentences


def _sentences(language: str, alert: Alert, table: str, prefix: str, places: Places) -> list[str]:
    """What is the matter, and what to do."""
    known = alert.words
    if table in ("above", "level_5") and known.get("quantity", _DUST) == _DUST:
        sentences = [_t(language, "dust", **places)]
        if known.get("purifier") == "full":
            sentences.append(_t(language, "full"))
        sentences.append(_t(language, f"{table}.dust_text", **places))
    else:
        sentences = [_t(language, f"{table}.{_variant(alert, prefix)}text", **places)]
    action = str(known.get(f"action_{language}") or known.get(f"action_{i18n.REFERENCE}") or "")
    if action and table in ("above", "level_5", "rising"):
        sentences.append(_t(language, "advice", action=action.replace("‹", "").replace("›", "")))
    return sentences


def _variant(alert: Alert, prefix: str) -> str:
    """Which text it is where a kind has several for one title."""
    known = alert.words
    if alert.kind == "silent" and not prefix and known.get("never"):
        return "never_"
    if alert.kind == "silent" and prefix == "bridge_" and known.get("offline"):
        return "offline_"
    if alert.kind == "rising" and known.get("quantity") == "co2":
        return "co2_"
    if alert.kind == "filter_due" and "used" not in known:
        return "unknown_share_"
    if alert.kind == "purifier_fault" and prefix == "not_obeying_" and not known.get("tries"):
        return "not_obeying_lasts_"
    return prefix


def _over(language: str, alert: Alert, places: Places) -> tuple[str, list[str]]:
    table, prefix = _where(alert)
    whole = f"{prefix}over_" if alert.kind == "silent" else "over_"

    def title(places: Places) -> str:
        if alert.kind == "system":
            places = {**places, "title": _t(language, f"{table}.{prefix}title", **places)}
        return _t(language, f"{table}.{whole}title", **places)

    if alert.words.get("over") == "when":
        return _fitting(title, places), [_t(language, "out_of_hours", **places)]
    return _fitting(title, places), [_t(language, f"{table}.{whole}text", **places)]


def _where(alert: Alert) -> tuple[str, str]:
    """The table of its texts, and what its keys begin with."""
    kind, part, what = alert.kind, alert.key.part, str(alert.words.get("what", ""))
    if kind == "above" and part == "level_5":
        return "level_5", ""
    if kind == "silent":
        return kind, "broker_" if alert.key.subject == "broker" else f"{part}_" if part else ""
    if kind in ("purifier_fault", "system"):
        return kind, f"{what}_"
    return kind, ""


# -- what is put into the texts ----------------------------------------------------------------------------------------


def _places(config: Config, language: str, alert: Alert) -> Places:
    known = alert.words
    quantity = str(known.get("quantity", _DUST))
    colour = str(known.get("level", "unknown"))
    if not i18n.has(f"{_TABLE}.colour.{colour}"):
        colour = "unknown"
    at, since = known.get("at"), known.get("since", alert.since)
    names = [_room(config, language, room) for room in str(known.get("names", "")).split(",") if room]
    if len(names) < int(known.get("rooms", 0)):
        names.append("…")
    places = {
        **{key: str(value) for key, value in known.items()},
        "site": _site(config, language, alert.site),
        "room": _room(config, language, alert.room),
        "bridge": _bridge(config, language, alert.key.subject),
        "purifier": str(known.get("purifier", "")).partition(".")[2],
        "quantity": _t(language, f"quantity.{quantity}"),
        "unit": _t(language, f"unit.{quantity}"),
        "value": _value(language, known),
        "limit": _number(known.get("limit", "")),
        "lowest": _number(known.get("from", "")),
        "minutes": _number(float(known.get("within", 0)) / 60),
        "share": f"{100 * float(known.get('used', 0)):.0f}",
        "colour": _t(language, f"colour.{colour}"),
        "at": i18n.show_date(local_time(int(at if at is not None else alert.changed_at)), language, "time"),
        "since": _day_time(language, int(since)),
        "wanted": i18n.t(language, f"control.{known.get('wanted', 'on')}"),
        "names": ", ".join(names),
        "detail": str(known.get(f"detail_{language}", known.get("detail", ""))),
    }
    return places | {"problem": _problem_word(language, known)}


def _value(language: str, known: Known) -> str:
    shown = known.get("shown") or known.get("value")
    return _t(language, "no_value") if shown in (None, "") else _number(shown)


def _number(value: object) -> str:
    """Without a decimal that says nothing."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def _problem_word(language: str, known: Known) -> str:
    key = f"purifier_fault.{known.get('what', '')}"
    return i18n.t(language, key, detail=known.get("detail", "")) if i18n.has(key) else ""


def _site(config: Config, language: str, site: str) -> str:
    return config.sites[site].name.in_(language) if site in config.sites else site


def _room(config: Config, language: str, room: str) -> str:
    return config.room(room).name.in_(language) if config.has_room(room) else room


def _bridge(config: Config, language: str, full: str) -> str:
    site, _, local = full.partition(".")
    settings = config.sites[site].bridges.get(local) if site in config.sites else None
    return settings.name.in_(language) if settings is not None and settings.name is not None else local


def _day_time(language: str, at: int) -> str:
    return i18n.show_date(local_time(at), language, "day_time")


def _t(language: str, key: str, **places: str) -> str:
    return i18n.t(language, f"{_TABLE}.{key}", **places)


def _fitting(title: Callable[[Places], str], places: Places) -> str:
    """The title with its names, the longest of them shortened until it fits."""
    names = {key: places[key] for key in ("room", "site", "bridge", "subject") if places.get(key)}
    while len(made := title({**places, **names})) > TITLE:
        longest = max(names, key=lambda key: len(names[key]), default="")
        if not longest or len(names[longest]) <= _SHORTEST:
            return f"{made[: TITLE - 1]}…"
        names[longest] = f"{names[longest].removesuffix('…')[:-1]}…"
    return made
