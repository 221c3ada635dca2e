"""Notifications in the recipient's language: a matter or its end → title and text."""

from __future__ import annotations

from alerts.channels import Message
from alerts.control.managed import Matter
from classair import i18n
from classair.config import Config
from classair.timetable import local_time

_PURIFIER = "told_purifier"


def silence(config: Config, language: str, room: str, since: int, *, over: bool, never: bool) -> Message:
    """A room without a valid value since `since`, or with values again."""
    places = {**_names(config, language, room), "since": i18n.show_date(local_time(since), language, "day_time")}
    if over:
        return _message(config, language, room, "silent_over_title", "silent_over_text", places, urgent=False)
    return _message(config, language, room, "silent_title", "silent_never" if never else "silent_text", places)


def purifier(config: Config, language: str, matter: Matter) -> Message:
    """What is wrong with a purifier, or that it is over."""
    places = {
        **_names(config, language, matter.room),
        "purifier": matter.purifier.partition(".")[2],
        "tries": str(matter.tries),
        "wanted": i18n.t(language, "control.on" if matter.wanted else "control.off"),
        "detail": matter.detail,
    }
    if matter.over:
        key = "person_off_over" if matter.what.startswith("person_off") else "fault_over"
        return _message(config, language, matter.room, f"{key}_title", f"{key}_text", places, False, _PURIFIER)
    return _message(
        config, language, matter.room, f"{matter.what}_title", f"{matter.what}_text", places, True, _PURIFIER
    )


def _names(config: Config, language: str, room: str) -> dict[str, str]:
    site = config.sites[room.partition(".")[0]]
    return {"site": site.name.in_(language), "room": config.room(room).name.in_(language)}


def _message(
    config: Config,
    language: str,
    room: str,
    title: str,
    text: str,
    places: dict[str, str],
    urgent: bool = True,
    table: str = "told",
) -> Message:
    said = i18n.t(language, f"{table}.{text}", **places)
    if config.site_simulated(room.partition(".")[0]):
        said = f"{said} ({i18n.t(language, 'told.simulated')})"
    return Message(i18n.t(language, f"{table}.{title}", **places), said, language, urgent)
