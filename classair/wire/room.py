"""The room's one state; display, overview, API and every message show this and nothing of their own making."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints

from classair.wire.services import PurifierState
from classair.wire.words import FullId, Ms, Payload

Level = Literal["very_good", "good", "moderate", "starts_to_affect_health", "affects_health", "unknown"]
Phase = Literal["ok", "late", "unknown", "no_outdoor"]
Ventilation = Literal["fresh", "stuffy_soon", "stuffy", "very_stuffy", "unknown"]


def _row(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


# Rows were numbers before the table of 2026-12 gave them letters; a retained state of then is still understood.
AdviceRow = Annotated[str, StringConstraints(pattern=r"^[0-9a-z]{1,16}$"), BeforeValidator(_row)]


class Current(BaseModel):
    """A value "now". `status` is as at the state's `at`; a page goes on by itself from the three moments.

    value: µg/m³ (15 min) or ppm (5 min), None when unknown. shown: the value as every screen writes it.
    late_at / unknown_at: UTC ms at which the value becomes late / stops being current; None when there is none.
    status `filling`: measuring again after a gap, a value in `minutes_left`; `warming_up` likewise; `suspect`: the
    sensor no longer follows the school's others since `level_since` and is not trusted; `none`: no sensor.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)
    status: Literal["ok", "late", "unknown", "filling", "warming_up", "suspect", "none"]
    value: float | None = None
    shown: str = ""
    level: str = "unknown"  # Level for PM2.5, Ventilation for CO2
    level_since: int | None = None  # since when this level has held without a gap
    newest_at: int | None = None
    late_at: int | None = None
    unknown_at: int | None = None
    last_shown: str = ""  # the last value that was current, for "last value 18 at 09:05"
    last_at: int | None = None
    minutes_left: int | None = None
    source: str = ""  # sensors, or for outdoor the room or station it comes from
    correction: str = "none"
    disagree: bool = False  # the room's sensors differ too much; the value is that of the highest
    held: bool = False  # the level is not that of this value yet: it changes after five minutes


class PhaseTexts(BaseModel):
    """What the screen says while the indoor value is in one phase; `action` keeps its ‹phrases› for no-wrap."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    rule: AdviceRow
    level: str  # the word, e.g. ดี
    action: str
    reason: str
    children: str


class RoomState(Payload):
    """The room's one state; display, overview, API and later LINE show this and nothing of their own making.

    `texts[language][phase]` with phase ok, late, unknown: a page without a server goes through them by age alone. Once
    the outdoor value is too old it takes `no_outdoor` in their place, as long as `unknown` is not due.
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
    heat_index_c: float | None = None
    heat: str = ""  # the band of the heat index, as a key below [heat] in the locales; "" where it is not known
    occupied: bool = False
    rule: AdviceRow
    told_at: Ms | None = None  # when the caretaker was told of the silence, only if a delivery is recorded
    texts: dict[str, dict[Phase, PhaseTexts]] = {}
