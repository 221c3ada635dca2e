"""Who is notified of what: rules, escalation chains and people of sensors.yaml."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

from classair.alerting.words import ESCALATE_AFTER_S, Severity
from classair.config.purifiers import Part
from classair.config.scalars import Block, Duration, DurationOrNone, Language
from classair.wire import FullId, Id

Place = Annotated[str, Field(pattern=r"^[a-z0-9-]{1,32}(\.[a-z0-9-]{1,32})?$")]
When = Literal["always", "occupied", "school_days"]


class EscalationStep(Part):
    """`tell` these people `after` so long without an acknowledgement (default: at once, 10 min, 30 min)."""

    tell: Annotated[list[str], Field(min_length=1)]
    after: Duration | None = None


class AlertRule(Part):
    """What all rules have that people are notified by.

    `tell` is the whole chain in one step, `escalation` names one. `when`: only while the room's timetable says that
    children are there, only on school days, or always. `places`: `<site>` or `<site>.<room>`; empty is everywhere.
    `remind`: again while it lasts and nobody has acknowledged it.
    """

    for_: Annotated[Duration, Field(alias="for")] = 600.0
    clear_for: Duration = 300.0
    when: When = "always"
    severity: Severity = "warning"
    tell: list[str] = []
    escalation: str | None = None
    remind: Duration = 14_400.0
    places: list[Place] = []


class AboveRule(AlertRule):
    """A quantity is above a limit for `for`, and until it has been below `clear_below` for `clear_for`."""

    kind: Literal["above"]
    quantity: Literal["pm25", "pm10", "co2", "temperature", "humidity"] = "pm25"
    above: Annotated[float, Field(gt=0)] = 37.5
    clear_below: float | None = None  # a fifth below the limit
    when: When = "occupied"

    @model_validator(mode="after")
    def _band(self) -> AboveRule:
        if self.clear_below is not None and self.clear_below >= self.above:
            raise ValueError(f"clear_below ({self.clear_below:g}) must be lower than above ({self.above:g})")
        return self


class RisingRule(AlertRule):
    """A quantity has risen by so much within so long: smoke that comes in, a fire nearby."""

    kind: Literal["rising"]
    quantity: Literal["pm25", "co2"] = "pm25"
    by: Annotated[float, Field(gt=0)] = 25.0
    within: Duration = 900.0
    for_: Annotated[Duration, Field(alias="for")] = 180.0
    when: When = "occupied"


class SilentRule(AlertRule):
    """No valid reading of a room for `for`; one message for a bridge that is behind several rooms."""

    kind: Literal["silent"]
    for_: Annotated[Duration, Field(alias="for")] = 900.0


class DisagreeRule(AlertRule):
    """Two sensors of one room differ by more than `by` µg/m³ and by more than `share` of the larger one."""

    kind: Literal["disagree"]
    by: Annotated[float, Field(gt=0)] = 15.0
    share: Annotated[float, Field(gt=0, lt=1)] = 0.5
    for_: Annotated[Duration, Field(alias="for")] = 1800.0


class CO2HighRule(AlertRule):
    """CO2 above the limit while children are there: time to air the room."""

    kind: Literal["co2_high"]
    above: Annotated[float, Field(gt=0)] = 1500.0
    clear_below: float | None = None
    for_: Annotated[Duration, Field(alias="for")] = 1200.0
    when: When = "occupied"
    severity: Severity = "info"


class PurifierFaultRule(AlertRule):
    """A purifier does not do what it is told; the machine has waited already."""

    kind: Literal["purifier_fault"]
    for_: Annotated[DurationOrNone, Field(alias="for")] = 0.0
    clear_for: DurationOrNone = 0.0


class PersonOffRule(AlertRule):
    """A person switched a purifier off in dusty air while children are there: `tell` at once, `tell_later` later."""

    kind: Literal["person_off"]
    for_: Annotated[DurationOrNone, Field(alias="for")] = 0.0
    clear_for: DurationOrNone = 0.0
    tell_later: list[str] = []
    later: Duration = 900.0


class FilterDueRule(AlertRule):
    """A purifier's filter is due, by its hours or by its falling performance."""

    kind: Literal["filter_due"]
    for_: Annotated[DurationOrNone, Field(alias="for")] = 0.0
    severity: Severity = "info"
    remind: Duration = 86_400.0 * 7


class SmokeEpisodeRule(AlertRule):
    """Outdoor PM2.5 (1 h mean) above the limit at a school: opens a smoke episode; see docs/episodes.md."""

    kind: Literal["smoke_episode"]
    above: Annotated[float, Field(gt=0)] = 75.0
    clear_below: float | None = 37.5
    for_: Annotated[Duration, Field(alias="for")] = 3600.0
    clear_for: Duration = 86_400.0
    severity: Severity = "urgent"


class SystemRule(AlertRule):
    """The system's own trouble: full disks, backups that fail, services that hang, a database that is away."""

    kind: Literal["system"]
    of: list[Literal["disk", "backup", "service", "store", "broker", "clock", "quota"]] = [
        "disk",
        "backup",
        "service",
        "store",
        "broker",
        "quota",
    ]
    for_: Annotated[DurationOrNone, Field(alias="for")] = 60.0


NotifyingRule = (
    AboveRule
    | RisingRule
    | SilentRule
    | DisagreeRule
    | CO2HighRule
    | PurifierFaultRule
    | PersonOffRule
    | FilterDueRule
    | SmokeEpisodeRule
    | SystemRule
)
KINDS: Final[tuple[str, ...]] = tuple(
    kind for rule in get_args(NotifyingRule) for kind in get_args(rule.model_fields["kind"].annotation)
)


class Address(BaseModel):
    """One way to a person. `channel` is a file in alerts/channels; the rest is that plugin's."""

    model_config = ConfigDict(extra="allow", frozen=True)
    channel: Annotated[str, Field(pattern=r"^[a-z0-9_]{1,32}$")]

    def settings(self) -> dict[str, Any]:
        return dict(self.model_extra or {})


class Person(Address):
    """Who is told. `second`: the way that is used when the first one fails, or has no quota left.

    `sites`: only of these schools; empty for all. `quiet`: hours in which only urgent messages come. `mute`: kinds of
    rules that this person is not told of. `daily`: rooms whose day they are sent a summary of. `weekly`: schools and
    rooms (`<site>`, `<site>.<room>`) whose weekly report this person is sent.
    """

    language: Language = "th"
    second: Address | None = None
    sites: list[Id] = []
    quiet: Block | None = None
    mute: list[Annotated[str, Field(pattern=r"^[a-z0-9_]{1,32}$")]] = []
    daily: Annotated[list[FullId], Field(max_length=40)] = []
    weekly: list[Annotated[str, Field(pattern=r"^[a-z0-9-]{1,32}(\.[a-z0-9-]{1,32})?$")]] = []


def chain(rule: AlertRule, chains: dict[str, list[EscalationStep]]) -> list[tuple[float, list[str]]]:
    """Who is told after how many seconds, in order of time."""
    steps = list(chains.get(rule.escalation, [])) if rule.escalation else []
    if rule.tell:
        steps.insert(0, EscalationStep(tell=rule.tell, after=None))
    found = [
        (0.0 if place == 0 and step.after is None else step.after or _usual(place), list(step.tell))
        for place, step in enumerate(steps)
    ]
    if isinstance(rule, PersonOffRule) and rule.tell_later:
        found.append((rule.later, list(rule.tell_later)))
    return sorted(found, key=lambda it: it[0])


def _usual(place: int) -> float:
    return ESCALATE_AFTER_S[min(place, len(ESCALATE_AFTER_S) - 1)]
