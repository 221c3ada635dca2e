"""What people may ask of smoke episodes, checked: bounded texts without control characters, places that exist."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError

from alerts.answering import Refused
from classair.wire import Id

NAME_CHARS: Final = 80
TEXT_CHARS: Final = 500
LATEST_DUE_MINUTES: Final = 14 * 24 * 60
MOST_TASKS: Final = 500
MOST_LINES: Final = 20_000


def _plain(value: Any) -> Any:
    """One line: whatever a terminal or a page would not show becomes a space."""
    if not isinstance(value, str):
        return value
    return " ".join("".join(char if char.isprintable() else " " for char in value).split())


def _paragraph(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return "\n".join(line for line in map(_plain, value.splitlines()) if line)


Name = Annotated[str, StringConstraints(max_length=NAME_CHARS), BeforeValidator(_plain)]
Text = Annotated[str, StringConstraints(max_length=TEXT_CHARS), BeforeValidator(_paragraph)]
Said = Annotated[str, StringConstraints(min_length=1, max_length=TEXT_CHARS), BeforeValidator(_paragraph)]
Key = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,64}$")]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Open(_Request):
    """`sites` empty: all schools. `name` empty: it is called by its date."""

    name: Name = ""
    sites: Annotated[list[Id], Field(max_length=500)] = []
    why: Text = ""


class Close(_Request):
    episode: Key
    summary: Text = ""


class AddTask(_Request):
    """`room` is `<site>.<room>`, or the room's id alone; `owner` is a person of sensors.yaml, "" for nobody."""

    episode: Key
    words: Said
    site: Id
    room: Annotated[str, StringConstraints(pattern=r"^([a-z0-9-]{1,32}(\.[a-z0-9-]{1,32})?)?$")] = ""
    owner: Annotated[str, StringConstraints(max_length=32)] = ""
    due_minutes: Annotated[float, Field(ge=0, le=LATEST_DUE_MINUTES)] = 60


class DoTask(_Request):
    task: Key
    note: Text = ""


class Note(_Request):
    episode: Key
    words: Said


REQUESTS: Final[Mapping[str, type[_Request]]] = {
    "episode_open": Open,
    "episode_close": Close,
    "task_add": AddTask,
    "task_done": DoTask,
    "episode_note": Note,
}


def parse(do: str, args: Mapping[str, Any]) -> _Request:
    """Raises Refused."""
    try:
        return REQUESTS[do].model_validate(args)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        raise Refused(f"{'.'.join(map(str, fault['loc'])) or do}: {fault['msg']}") from None
