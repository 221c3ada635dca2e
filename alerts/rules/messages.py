"""Notifications in the recipient's language: a matter or its end → title and text."""

from __future__ import annotations

from alerts.channels import Message
from classair import i18n
from classair.config import Config
from classair.timetable import local_time


def silence(config: Config, language: str, room: str, since: int, *, over: bool, never: bool) -> Message:
    """A room without a valid value since `since`, or with values again."""
    places = {**_names(config, language, room), "since": i18n.show_date(local_time(since), language, "day_time")}
    if over:
        return _message(config, language, room, "silent_over_title", "silent_over_text", places, urgent=False)
    return _message(config, language, room, "silent_title", "silent_never" if never else "silent_text", places)


def purifier(config: Config, language: str, room: str, name: str, *, over: bool, wanted: bool, tries: int) -> Message:
    """A purifier that does not confirm, or does again."""
    places = {
        **_names(config, language, room),
        "purifier": name.partition(".")[2],
        "tries": str(tries),
        "wanted": i18n.t(language, "control.on" if wanted else "control.off"),
    }
    if over:
        return _message(config, language, room, "fault_over_title", "fault_over_text", places, urgent=False)
    return _message(config, language, room, "fault_title", "fault_text", places)


def _names(config: Config, language: str, room: str) -> dict[str, str]:
    site = config.sites[room.partition(".")[0]]
    return {"site": site.name.in_(language), "room": config.room(room).name.in_(language)}


def _message(
    config: Config, language: str, room: str, title: str, text: str, places: dict[str, str], urgent: bool = True
) -> Message:
    said = i18n.t(language, f"told.{text}", **places)
    if config.site_simulated(room.partition(".")[0]):
        said = f"{said} ({i18n.t(language, 'told.simulated')})"
    return Message(i18n.t(language, f"told.{title}", **places), said, language, urgent)
