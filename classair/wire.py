"""The MQTT contract: topics and payloads, both directions, nowhere else. JSON Schemas are published from here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as dataclass_of

from classair.model import MISSING_REASONS, QUANTITIES, Flag

VERSION: Final = 1
ROOT: Final = "classair/v1"
MAX_PAYLOAD: Final = 256 * 1024  # bytes; the broker's limit as well
MAX_LIST: Final = 500            # readings in one message

ID_PATTERN: Final = r"^[a-z0-9-]{1,32}$"
Id = Annotated[str, StringConstraints(pattern=ID_PATTERN)]
FullId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,32}\.[a-z0-9-]{1,32}$")]
Epoch = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]{8,32}$")]
Ms = Annotated[int, Field(strict=True, ge=-(2**53), le=2**53)]
Seq = Annotated[int, Field(strict=True, ge=1, le=2**53)]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
if TYPE_CHECKING:
    QuantityKey = str
    FlagName = str
    MissingReason = str
else:
    QuantityKey = Literal[tuple(QUANTITIES)]
    FlagName = Literal[tuple(f.name for f in Flag if f.name)]
    MissingReason = Literal[MISSING_REASONS]


# -- topics ------------------------------------------------------------------------------------------------------------

@dataclass(frozen=True, slots=True)
class Topics:
    """Every topic of one organisation."""

    org: str

    def bridge(self, site: str, bridge: str, leaf: str) -> str:
        """leaf: reading, stored, replay, status, config, time."""
        return f"{ROOT}/{self.org}/{site}/bridge/{bridge}/{leaf}"

    def bridges(self, leaf: str) -> str:
        return self.bridge("+", "+", leaf)

    def sensor_health(self, site: str, sensor: str) -> str:
        return f"{ROOT}/{self.org}/{site}/sensor/{sensor}/health"

    def room_now(self, site: str, room: str) -> str:
        return f"{ROOT}/{self.org}/{site}/room/{room}/now"

    def purifier_state(self, site: str, purifier: str) -> str:
        return f"{ROOT}/{self.org}/{site}/purifier/{purifier}/state"

    def purifier_set(self, site: str, purifier: str) -> str:
        return f"{ROOT}/{self.org}/{site}/purifier/{purifier}/set"

    @property
    def beat(self) -> str:
        return f"{ROOT}/{self.org}/control/beat"

    @property
    def config(self) -> str:
        """The whole accepted configuration, retained, for services beside the server; bridges get only their part."""
        return f"{ROOT}/{self.org}/control/config"

    @property
    def corrections(self) -> str:
        """Every correction ever accepted, retained, so that "now" means the same as history."""
        return f"{ROOT}/{self.org}/control/corrections"

    def service_status(self, service: str) -> str:
        """A service's own word on how it is (retained, last will "offline")."""
        return f"{ROOT}/{self.org}/control/service/{service}"

    def ask(self, service: str, request: str) -> str:
        return f"{ROOT}/{self.org}/ask/{service}/{request}"

    def answer(self, request: str) -> str:
        return f"{ROOT}/{self.org}/answer/{request}"


_TOPIC = re.compile(
    r"^classair/v1/(?P<org>[a-z0-9-]{1,32})/(?P<site>[a-z0-9-]{1,32})/"
    r"(?P<kind>bridge|sensor|room|purifier)/(?P<id>[a-z0-9-]{1,32})/(?P<leaf>[a-z]{1,16})$"
)


@dataclass(frozen=True, slots=True)
class Address:
    """A topic taken apart; `full` is `<site>.<id>`."""

    org: str
    site: str
    kind: str
    id: str
    leaf: str

    @property
    def full(self) -> str:
        return f"{self.site}.{self.id}"


def address(topic: str) -> Address | None:
    """The parts of a topic below a site, None when it is not one of ours."""
    match = _TOPIC.fullmatch(topic)
    return Address(**match.groupdict()) if match else None


# -- payloads ----------------------------------------------------------------------------------------------------------

class Payload(BaseModel):
    """Unknown fields are ignored, so that a newer sender can talk to an older receiver."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    v: Literal[1] = 1


# The stream's items are slotted pydantic dataclasses: half the cost of a model, and they are the hot path.
_ITEM_CONFIG = ConfigDict(extra="ignore")


@dataclass_of(slots=True, kw_only=True, config=_ITEM_CONFIG)
class ReadingItem:
    """A reading as in `classair.model.Reading`, ids inside the site. `at`: UTC ms, end of the averaged interval.

    `bridge` must be the bridge of the topic it arrives on. Unknown fields are ignored, unknown quantities refused.
    """

    bridge: Id
    epoch: Epoch
    seq: Seq
    sensor: Id
    at: Ms
    values: Annotated[dict[QuantityKey, Number], Field(min_length=1, max_length=40)]
    kind: Literal["reading"] = "reading"
    v: Literal[1] = 1
    interval_s: Annotated[float, Field(gt=0, le=86400)] = 10.0
    n: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    clock: Literal["sync", "holdover", "server", "receipt", "unsync"] = "sync"
    flags: Annotated[list[FlagName] | None, Field(max_length=32)] = None
    value_flags: Annotated[dict[QuantityKey, list[FlagName]] | None, Field(max_length=40)] = None
    late: bool = False
    simulated: bool = False


@dataclass_of(slots=True, kw_only=True, config=_ITEM_CONFIG)
class GapItem:
    """Sequence numbers `first`…`last` will never come. It has no seq of its own."""

    kind: Literal["gap"]
    bridge: Id
    epoch: Epoch
    first: Seq
    last: Seq
    reason: Annotated[str, StringConstraints(min_length=1, max_length=120)]
    v: Literal[1] = 1


@dataclass_of(slots=True, kw_only=True, config=_ITEM_CONFIG)
class SwitchItem:
    """A purifier this bridge drives or plays was seen on or off; in the same sequence as the readings."""

    kind: Literal["switch"]
    bridge: Id
    epoch: Epoch
    seq: Seq
    purifier: Id
    at: Ms
    on: bool | None
    reason: Annotated[str, StringConstraints(max_length=120)] = ""
    v: Literal[1] = 1
    late: bool = False
    simulated: bool = False


@dataclass_of(slots=True, kw_only=True, config=_ITEM_CONFIG)
class MissingItem:
    """Readings expected of a sensor from `start` up to `end` that are not there, and why; in the same sequence.

    `expected` counts them at the sensor's `every:`. With `broker_away` they were measured and came late.
    """

    kind: Literal["missing"]
    bridge: Id
    epoch: Epoch
    seq: Seq
    sensor: Id
    start: Ms
    end: Ms
    expected: Annotated[int, Field(ge=0, le=2**40)]
    reason: MissingReason
    v: Literal[1] = 1
    late: bool = False
    simulated: bool = False


Item = ReadingItem | GapItem | SwitchItem | MissingItem
# Readings first: the ordinary case pays for no other.
_ONE = Annotated[Item, Field(union_mode="left_to_right")]
ITEM: Final[TypeAdapter[Any]] = TypeAdapter(_ONE)
_SEVERAL = Annotated[list[_ONE], Field(min_length=1, max_length=MAX_LIST)]
ITEMS: Final[TypeAdapter[Any]] = TypeAdapter(_SEVERAL)
MESSAGE: Final[TypeAdapter[Any]] = TypeAdapter(_ONE | _SEVERAL)  # what the published schema says

# Past the adapter's wrapper: a microsecond for each message.
_item_of, _items_of = ITEM.validator.validate_json, ITEMS.validator.validate_json


def stream_items(payload: bytes) -> list[Item]:
    """The items of a message on `…/reading`, one or a list; an item without `kind` is a reading.

    Raises pydantic.ValidationError when it is neither; `faults` says it in words.
    """
    if payload[:1] == b"[":
        return _items_of(payload)  # type: ignore[no-any-return]
    return [_item_of(payload)]


def faults(error: ValidationError) -> str:
    """What is wrong with a payload in one line, without repeating the payload."""
    wrong: dict[str, str] = {}
    for fault in error.errors(include_url=False, include_input=False, include_context=False):
        where = [str(part) for part in fault["loc"]]
        branch = next((part for part in where if part.endswith("Item")), "ReadingItem")
        if branch != "ReadingItem" and "kind" in where:
            continue
        path = ".".join(part for part in where if not part.endswith("Item")) or "payload"
        if branch == "ReadingItem":
            wrong.setdefault(path, fault["msg"])
    return "; ".join(f"{path}: {message}" for path, message in list(wrong.items())[:8]) or "not a message of ours"


class Stored(Payload):
    """Ingest to one bridge: every seq up to `upto` is dealt with. `answer_to` echoes a `TimeQuestion`."""

    epoch: Epoch
    upto: Annotated[int, Field(ge=0)]
    server_time: Ms
    answer_to: str | None = None


class Replay(Payload):
    """Ingest asks a bridge to send a range again."""

    epoch: Epoch
    first: Seq
    last: Seq


class TimeQuestion(Payload):
    """A bridge asks for the server's time afresh; the answer is a `Stored` that echoes `id`."""

    id: Annotated[str, StringConstraints(min_length=1, max_length=32)]


class BridgeStatus(Payload):
    """Retained; the last will says offline. `waiting` counts readings not yet acknowledged.

    `thinned`, `given_up`: readings joined to means of a minute, and dropped, since the start because the disk space
    allowed to the spool was used up.
    """

    state: Literal["online", "offline"]
    at: Ms = 0
    epoch: str = ""
    next_seq: int = 0
    waiting: int = 0
    version: str = ""
    config_version: int = 0
    clock: str = ""
    storage: str = ""
    thinned: int = 0
    given_up: int = 0


class SensorHealth(Payload):
    """Retained. `state` in machine words, `cause` in people's words per language; empty when all is well.

    `key` names the cause below [health] in the locales; `step` is the first thing to try, per language.
    `address`: the device behind the port at present. `identity`, `firmware`, `mode`, `notes`: what the sensor says of
    itself. `running_h`: hours its laser and fan have run. `newest`: its newest reading, without values set aside.
    """

    state: Literal["ok", "starting", "asleep", "silent", "unplugged", "error", "stopped"]
    at: Ms
    bridge: Id
    port: str = ""
    model: str = ""
    key: str = ""
    cause: dict[str, str] = {}
    step: dict[str, str] = {}
    counters: dict[str, int] = {}
    address: str = ""
    identity: str = ""
    firmware: str = ""
    mode: str = ""
    notes: dict[str, str] = {}
    running_h: float | None = None
    newest_at: Ms | None = None
    newest: dict[str, float] = {}


class PurifierState(Payload):
    """Retained, written by alerts. `on` None: not known. `expires_at`: when the device itself switches off."""

    purifier: FullId
    room: FullId
    on: bool | None
    since: Ms
    at: Ms
    mode: Literal["auto", "person", "fail_safe", "unknown"] = "unknown"
    reason: str = ""
    confirmed: bool = False
    expires_at: Ms | None = None
    override_until: Ms | None = None
    simulated: bool = False


class Beat(Payload):
    """Alerts lives; `term` is durable and rises at each start."""

    term: int
    at: Ms


class ConfigAnnouncement(Payload):
    """The accepted configuration. `text` is the YAML as accepted, or for a bridge the part that concerns it."""

    version: Annotated[int, Field(ge=1)]
    accepted_at: Ms
    text: str
    refused: str | None = None  # why the newest edit of the file is not in force


class CorrectionsTold(Payload):
    """All versions, as records of `classair.science.corrections.as_record`; written by ingest."""

    accepted: Annotated[list[dict[str, Any]], Field(max_length=5000)] = []


class ServiceStatus(Payload):
    """Retained under control/service/<name>."""

    service: str
    state: Literal["online", "offline"]
    at: Ms = 0
    pid: int = 0
    version: str = ""
    config_version: int = 0
    figures: dict[str, float | int | str | None] = {}
    warnings: list[str] = []
    # The same warnings in each language (`{"th": …, "en": …}`), for screens; empty where a service has none.
    causes: list[dict[str, str]] = []


class Ask(Payload):
    """One service wants something of another; `id` makes repeating harmless. `who` is for the log."""

    id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{8,64}$")]
    do: Annotated[str, StringConstraints(max_length=64)]
    who: Annotated[str, StringConstraints(max_length=64)] = ""
    args: dict[str, Any] = {}


class Answer(Payload):
    id: str
    ok: bool
    result: dict[str, Any] = {}
    error: str = ""


# -- the room's state --------------------------------------------------------------------------------------------------

Level = Literal["very_good", "good", "moderate", "starts_to_affect_health", "affects_health", "unknown"]
Ventilation = Literal["fresh", "stuffy_soon", "stuffy", "very_stuffy", "unknown"]


class Current(BaseModel):
    """A value "now". `status` is as at the state's `at`; a page goes on by itself from the three moments.

    value: µg/m³ (15 min) or ppm (5 min), None when unknown. shown: the value as every screen writes it.
    late_at / unknown_at: UTC ms at which the value becomes late / stops being current; None when there is none.
    status `filling`: measuring again after a gap, a value in `minutes_left`; `warming_up` likewise; `none`: no sensor.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)
    status: Literal["ok", "late", "unknown", "filling", "warming_up", "none"]
    value: float | None = None
    shown: str = ""
    level: str = "unknown"          # Level for PM2.5, Ventilation for CO2
    level_since: int | None = None  # since when this level has held without a gap
    newest_at: int | None = None
    late_at: int | None = None
    unknown_at: int | None = None
    last_shown: str = ""            # the last value that was current, for "last value 18 at 09:05"
    last_at: int | None = None
    minutes_left: int | None = None
    source: str = ""                # sensors, or for outdoor the room or station it comes from
    correction: str = "none"


class PhaseTexts(BaseModel):
    """What the screen says while the indoor value is in one phase; `action` keeps its ‹phrases› for no-wrap."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    rule: int
    level: str                      # the word, e.g. ดี
    action: str
    reason: str
    children: str


class RoomState(Payload):
    """The room's one state; display, overview, API and later LINE show this and nothing of their own making.

    `texts[language][phase]` with phase ok, late, unknown: a page without a server goes through them by age alone.
    """

    room: FullId
    at: Ms
    simulated: bool = False
    config_version: int = 0
    advice_version: str = ""
    pm25: Current
    co2: Current
    outdoor: Current
    purifier: PurifierState | None = None
    temp_c: float | None = None
    rh_pct: float | None = None
    occupied: bool = False
    rule: int
    told_at: Ms | None = None       # when the caretaker was told of the silence, only if a delivery is recorded
    texts: dict[str, dict[Literal["ok", "late", "unknown"], PhaseTexts]] = {}


def schemas() -> dict[str, dict[str, Any]]:
    """JSON Schema of every payload, by topic leaf, as published in docs/wire/."""
    parts: dict[str, Any] = {
        "reading": MESSAGE, "stored": Stored, "replay": Replay, "time": TimeQuestion, "status": BridgeStatus,
        "health": SensorHealth, "now": RoomState, "state": PurifierState, "beat": Beat, "config": ConfigAnnouncement,
        "service": ServiceStatus, "corrections": CorrectionsTold, "ask": Ask, "answer": Answer,
    }
    return {
        name: part.json_schema() if isinstance(part, TypeAdapter) else TypeAdapter(part).json_schema()
        for name, part in parts.items()
    }
