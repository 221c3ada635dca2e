"""What parts say of themselves and to each other beside the stream."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from classair.wire.words import Epoch, FullId, Id, Ms, Payload, Seq


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


class EdgeOrdered(Payload):
    """A bridge switched a purifier ON because the server was away. `at` 0: it does not know the time yet."""

    purifier: FullId
    room: FullId
    at: Ms
    reason: Literal["high", "blind"]


class BridgeStatus(Payload):
    """Retained; the last will says offline. `waiting` counts readings not yet acknowledged.

    `given_up`: readings dropped since the start because the disk space allowed to the spool was used up.
    `edge_orders`: the newest purifiers it switched ON since its start while the server was away, oldest first.
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
    given_up: int = 0
    edge_orders: Annotated[list[EdgeOrdered], Field(max_length=100)] = []


class SensorHealth(Payload):
    """Retained. `state` in machine words, `cause` in people's words per language; empty when all is well.

    `key` names the cause below [health] in the locales; `step` is the first thing to try, per language.
    `address`: the device behind the port at present. `identity`, `firmware`, `mode`, `notes`: what the sensor says of
    itself. `running_h`: hours its laser and fan have run. `newest`: the newest value of each quantity that still comes,
    without values set aside; `value_at`: when each was measured, and `newest_at` the newest of these.
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
    value_at: dict[str, Ms] = {}


class PurifierState(Payload):
    """Retained, written by alerts. `on` None: not known. `expires_at`: when the device itself switches off.

    `watts`: what it draws, None where nothing measures that. `speed`: the name of its speed, "" where it has none.
    `faults`: what is wrong with it, as keys below [purifier_fault] in the locales, or the device's own words.
    `override_on`: what the person in whose hands it is wants; `override_by`: who that is, "device" for its own button.
    """

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
    override_on: bool | None = None
    override_by: str = ""
    watts: float | None = None
    speed: str = ""
    faults: list[str] = []
    simulated: bool = False


class PurifierCare(Payload):
    """Retained, written by alerts every five minutes: what a purifier has done, and what its filter and power cost.

    `since`: the day on which counting began; `known`: share of the time since then for which its state is known, the
    rest is counted nowhere. `energy_by`: measured by the device's meter, worked out from its rated power, or both.
    `filter_dust_mg`: CADR × PM2.5 × time. `filter_used`: share of its life, by hours or load, whichever is further;
    `filter_at_least`: counting began after it was fitted. `filter_due`: at the rate of the last 30 days. Costs are in
    the currency of the configured prices. None: not known.
    """

    purifier: FullId
    at: Ms
    since: date
    hours_on: float
    known: float
    starts: int
    energy_kwh: float | None = None
    energy_by: Literal["", "meter", "rated", "both"] = ""
    cost: float | None = None
    filter_since: date | None = None
    filter_hours: float = 0.0
    filter_dust_mg: float = 0.0
    filter_used: float | None = None
    filter_at_least: bool = False
    filter_due: date | None = None
    filter_due_by: Literal["", "hours", "load"] = ""
    yearly_electricity: float | None = None
    yearly_filters: float | None = None


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
