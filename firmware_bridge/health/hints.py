"""What a sensor's values and words say about its settings: a wrong type, a working period, CO₂ below open air. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

ENOUGH: Final = 60  # frames in a row before a type is called wrong
AIR_PPM: Final = 380.0
"""Open air has about 425 ppm. An hour's mean below this is a self-calibration (ABC) that took a stuffy room for air."""

_TWINS: Final[Mapping[str, str]] = {
    "pms1003": "pms5003t",
    "pms5003": "pms5003t",
    "pms7003": "pms5003t",
    "pmsa003": "pms5003t",
    "pms5003s": "pms5003t",
    "pms5003t": "pms5003",
}


class TypeHint:
    """Notices a look-alike: PMS5003 and PMS5003T send frames of one length with other words at the end.

    A 5003T read as a 5003 has temperature ×10 where the counts above 5 µm should be, so more particles above 5 than
    above 2.5 µm, which cannot be. A 5003 read as a 5003T gives its few large particles as tenths of a degree and of a
    per cent: near 0 °C and 0 %, together, all the time.
    """

    def __init__(self, model: str) -> None:
        self._twin = _TWINS.get(model, "")
        self._row = 0

    @property
    def suggests(self) -> str:
        """The model it seems to be, "" when nothing speaks against the configured one."""
        return self._twin if self._row >= ENOUGH else ""

    def add(self, values: Mapping[str, float]) -> None:
        """Takes the values of one frame."""
        if self._twin == "pms5003t":
            wrong = values.get("n5", 0) > values.get("n25", 0)
        elif self._twin:
            wrong = abs(values.get("temp_c", 99)) < 1 and values.get("rh_pct", 99) < 1
        else:
            return
        # A look-alike is wrong in every frame. One frame that is right clears it.
        self._row = self._row + 1 if wrong else 0


def has_working_period(mode: str) -> bool:
    """Whether an SDS011 sleeps by itself, as its `mode` says (`stream, period 5 min`)."""
    return "period" in mode


def below_air(mean_ppm: float | None) -> bool:
    return mean_ppm is not None and mean_ppm < AIR_PPM
