"""What an address of the explorer asks for: the selection, its step, what it is compared with; and back again. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from classair import dates
from classair.model import QUANTITIES
from classair.science.corrections import SHORTEST_MS
from classair.units import DAY_MS
from research.selection import STEP_MS, Selection, SelectionRefused

MAX_POINTS: Final = 2000
"""Points of a line that are drawn; what is asked for more finely is drawn coarser, and the figure says so."""
MAX_LINES: Final = 8
"""Lines in one chart; from there on each room has a chart of its own, all on one scale."""
MAX_ROOMS: Final = 40
PRESETS: Final[Mapping[str, int]] = {"today": 1, "days7": 7, "days30": 30, "days90": 90, "year": 365}
"""Stretches that end today, in days."""
MAX_HOURS: Final = 200_000
"""Hours of all rooms together that heat map, scatter and comparison are made from: 23 rooms for a year."""
HOURLY_DAYS: Final = 31
"""Longest range whose completeness is shown by hour; beyond, by day."""

_AUTO: Final = ((1, "5m"), (7, "15m"), (80, "1h"))
_OWN: Final = frozenset({"rooms", "quantities", "first", "last", "step", "method", "lesson", "completeness"})
_SECOND: Final = ("rooms2", "first2", "last2")


@dataclass(frozen=True, slots=True)
class View:
    """`selection` has its step worked out; `auto`: nobody chose it. `second`: what the first is compared with."""

    selection: Selection
    auto: bool
    second: Selection | None = None

    @property
    def days(self) -> int:
        return len(self.selection.days())

    @property
    def drawn(self) -> Selection:
        """The selection as its lines are drawn: no more than MAX_POINTS each."""
        return self.at_step(drawn_step(self.selection))

    @property
    def hourly(self) -> Selection:
        """The same by hours, of the first quantity: what heat map, scatter and comparison are made from."""
        return self.at_step("1h").model_copy(update={"quantities": self.selection.quantities[:1]})

    @property
    def too_many_hours(self) -> bool:
        second = len(self.second.rooms) * len(self.second.days()) if self.second else 0
        return 24 * (len(self.selection.rooms) * self.days + second) > MAX_HOURS

    @property
    def strip(self) -> Selection:
        return self.hourly if self.days <= HOURLY_DAYS else self.hourly.model_copy(update={"step": "1d"})

    def at_step(self, step: str) -> Selection:
        return self.selection.model_copy(update={"step": step})

    def query(self, **change: str | None) -> str:
        """The keys of a link that reproduces the view, some changed; None takes a key away."""
        said: dict[str, Any] = {
            "rooms": ",".join(self.selection.rooms),
            "quantities": ",".join(self.selection.quantities),
            "first": self.selection.first.isoformat(),
            "last": self.selection.last.isoformat(),
            "step": self.selection.step,
            "method": self.selection.method,
            "lesson": "1" if self.selection.lesson else None,
            "completeness": f"{self.selection.completeness:g}",
        }
        if self.second is not None:
            said |= {
                "rooms2": ",".join(self.second.rooms),
                "first2": self.second.first.isoformat(),
                "last2": self.second.last.isoformat(),
            }
        said |= change
        return urlencode({key: value for key, value in said.items() if value}, safe=",:")


def auto_step(quantities: Sequence[str], days: int) -> str:
    """The step that shows a range well: five minutes in a day, days in a year."""
    step = next((step for longest, step in _AUTO if days <= longest), "1d")
    slow = any(not QUANTITIES[key].shown for key in quantities if key in QUANTITIES)
    return "1h" if slow and STEP_MS[step] < STEP_MS["1h"] else step


def drawn_step(selection: Selection) -> str:
    """The asked step, or the next one that leaves a line at most MAX_POINTS points."""
    span = selection.end_ms - selection.start_ms
    fitting = (step for step, ms in STEP_MS.items() if ms >= selection.step_ms and span <= ms * MAX_POINTS)
    return next(fitting, "1d")


def asked(given: Mapping[str, str], rooms: Sequence[str], default: Sequence[str], today: date) -> View:
    """What an address means; what it leaves out is as by default: seven days of `default`, PM2.5 as measured.

    `rooms` are those that exist. Raises SelectionRefused with everything that is wrong.
    """
    wanted: dict[str, Any] = {key: value for key, value in given.items() if key in _OWN}
    wanted.setdefault("rooms", ",".join(default))
    wanted.setdefault("last", today.isoformat())
    if "first" not in wanted:
        try:
            wanted["first"] = (dates.day(wanted["last"]) - timedelta(days=6)).isoformat()
        except ValueError as error:
            raise SelectionRefused([f"last: {error}"], [("last", "form")]) from None
    auto = wanted.get("step", "auto") == "auto"
    if auto:
        wanted["step"] = "1h"
    selection = Selection.parse(wanted)
    if selection.step == "reading":
        raise SelectionRefused(
            ["step: single readings are only available as an export; choose an averaging interval"],
            [("step", "step_of_readings")],
        )
    if auto:
        # Checked again: a step of minutes must fit the quantities.
        fitting = auto_step(selection.quantities, len(selection.days()))
        selection = Selection.parse({**selection.model_dump(), "step": fitting})
    _check(selection, rooms)
    return View(selection, auto, _second(given, selection, rooms))


def _second(given: Mapping[str, str], first: Selection, rooms: Sequence[str]) -> Selection | None:
    """Other rooms at the same time, the same rooms at another time, or both; None where nothing is compared."""
    said = {key: given[key] for key in _SECOND if given.get(key)}
    if not said:
        return None
    wanted = first.model_dump(mode="json") | {"step": "1h"}
    if "rooms2" in said:
        wanted["rooms"] = said["rooms2"]
    if "first2" in said:
        wanted["first"] = said["first2"]
        try:
            end = dates.day(said["first2"]) + (first.last - first.first)
        except ValueError as error:
            raise SelectionRefused([f"first2: {error}"], [("first2", "form")]) from None
        wanted["last"] = end.isoformat()
    if "last2" in said:
        wanted["last"] = said["last2"]
    try:
        second = Selection.parse(wanted)
        _check(second, rooms)
    except SelectionRefused as refused:
        named = [(f"{field}2" if field in ("rooms", "first", "last") else field, kind) for field, kind in refused.wrong]
        raise SelectionRefused(refused.faults, named) from None
    return second


def _check(selection: Selection, rooms: Sequence[str]) -> None:
    faults = [f"rooms: unknown room {room!r}" for room in selection.rooms if room not in rooms]
    wrong = [("rooms", "unknown_room")] if faults else []
    if len(selection.rooms) > MAX_ROOMS:
        faults.append(f"rooms: {len(selection.rooms)} selected; choose at most {MAX_ROOMS}")
        wrong.append(("rooms", "too_many_rooms"))
    if selection.method != "none" and selection.step_ms < SHORTEST_MS:
        faults.append("step: corrections need an averaging interval of at least 5m")
        wrong.append(("step", "step_too_short"))
    if faults:
        raise SelectionRefused(faults, wrong)


def steps_until(selection: Selection, now_ms: int) -> int:
    """How many whole steps of the range have begun by `now_ms`: time to come is not missing."""
    step = selection.step_ms or DAY_MS
    return max(0, -(-(min(selection.end_ms, now_ms) - selection.start_ms) // step))
