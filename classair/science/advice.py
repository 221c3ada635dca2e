"""From the air inside and outside to the one thing a class should do: a table of data with a version.

Rules, limits and order are those of the display's design; the words are in the locale files under [action].
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType
from typing import Final, Literal

from classair.science.indexes import rounded

VERSION: Final = "2026-11.1"
TENTH: Final = Decimal("0.1")
CO2_HOLD_MS: Final = 20 * 60_000  # rules with `lasting` need CO2 above their limit for this long
FLAT_AFTER_MS: Final = 30 * 60_000  # a purifier that ran this long should have brought the dust down
FALLING: Final = 0.9  # at or under this share of the earlier value the dust is falling
OUTDOOR_RULE: Final = 16  # a room outdoors has no rule of the table: it says what playing there is like

Need = Literal["purifier", "openings", "clean_room"]
Purifier = Literal["on", "off", "unknown"]
Number = Decimal | None


@dataclass(frozen=True, slots=True)
class Facts:
    """What the table asks about. Dust in µg/m³, CO2 in ppm; None is unknown.

    `flat`: the purifier has run for half an hour and the dust is not falling.
    `co2_above`: for how long (ms) CO2 has been above each limit of the table; absent where it is not.
    """

    indoor: float | None = None
    outdoor: float | None = None
    co2: float | None = None
    purifier: Purifier = "unknown"
    flat: bool = False
    co2_above: Mapping[int, int] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Rule:
    """One row. Every condition that is given must hold; an unknown value meets none, except `outdoor_unknown`."""

    number: int
    indoor_above: Number = None
    outdoor_above: Number = None
    outdoor_upto: Number = None
    or_outdoor_unknown: bool = False  # the outdoor condition also holds when it is unknown
    outdoor_unknown: bool = False
    outdoor_known: bool = False
    indoor_over_outdoor: Number = None  # indoor > outdoor + this
    co2_above: int | None = None
    lasting: bool = False
    purifier_off: bool = False
    flat: bool = False
    indoor_unknown: bool = False
    needs: frozenset[Need] = frozenset()
    opens_windows: bool = False


def _needs(*what: Need) -> frozenset[Need]:
    return frozenset(what)


_D = Decimal
# 25: Department of Health's surveillance value; 37.5 and 75: ends of the Thai index's yellow and orange bands.
TABLE: Final[tuple[Rule, ...]] = (
    Rule(0, indoor_unknown=True),
    Rule(1, indoor_above=_D(75), outdoor_upto=_D(25), needs=_needs("openings"), opens_windows=True),
    Rule(2, indoor_above=_D(75), needs=_needs("clean_room")),
    Rule(
        3,
        indoor_above=_D(25),
        outdoor_upto=_D(25),
        indoor_over_outdoor=_D(5),
        needs=_needs("openings"),
        opens_windows=True,
    ),
    Rule(4, indoor_above=_D(25), purifier_off=True, outdoor_known=True, needs=_needs("purifier")),
    Rule(5, indoor_above=_D("37.5"), flat=True, needs=_needs("purifier")),
    Rule(6, indoor_above=_D(25), outdoor_unknown=True, needs=_needs("purifier")),
    Rule(7, indoor_above=_D(25), needs=_needs("purifier")),
    Rule(8, co2_above=1500, lasting=True, outdoor_upto=_D("37.5"), needs=_needs("openings"), opens_windows=True),
    Rule(9, co2_above=1500, lasting=True, outdoor_upto=_D(75)),
    Rule(10, co2_above=1500, lasting=True, outdoor_above=_D(75)),
    Rule(11, co2_above=1000, outdoor_upto=_D(25), needs=_needs("openings"), opens_windows=True),
    Rule(12, co2_above=1000, lasting=True, outdoor_upto=_D("37.5"), or_outdoor_unknown=True),
    Rule(13, outdoor_above=_D("37.5"), needs=_needs("purifier")),
    Rule(14, outdoor_upto=_D(25), needs=_needs("openings"), opens_windows=True),
    Rule(15),
)
RULES: Final = {rule.number: rule for rule in TABLE}
CO2_LIMITS: Final = tuple(sorted({rule.co2_above for rule in TABLE if rule.co2_above is not None}))


def choose(facts: Facts, has: frozenset[Need]) -> int:
    """The number of the first rule that holds and that this room can follow. There always is exactly one."""
    indoor, outdoor, co2 = (rounded(value, TENTH) for value in (facts.indoor, facts.outdoor, facts.co2))
    for rule in TABLE:
        if rule.needs <= has and _holds(rule, facts, indoor, outdoor, co2):
            return rule.number
    raise AssertionError("the last rule has no condition")


def _holds(rule: Rule, facts: Facts, indoor: Number, outdoor: Number, co2: Number) -> bool:
    if rule.indoor_unknown and indoor is not None:
        return False
    if rule.indoor_above is not None and not (indoor is not None and indoor > rule.indoor_above):
        return False
    if rule.indoor_over_outdoor is not None and not (
        indoor is not None and outdoor is not None and indoor > outdoor + rule.indoor_over_outdoor
    ):
        return False
    if rule.outdoor_unknown and outdoor is not None:
        return False
    if rule.outdoor_known and outdoor is None:
        return False
    if (
        rule.outdoor_upto is not None
        and not (outdoor is not None and outdoor <= rule.outdoor_upto)
        and not (rule.or_outdoor_unknown and outdoor is None)
    ):
        return False
    if rule.outdoor_above is not None and not (outdoor is not None and outdoor > rule.outdoor_above):
        return False
    if rule.co2_above is not None:
        if not (co2 is not None and co2 > rule.co2_above):
            return False
        if rule.lasting and facts.co2_above.get(rule.co2_above, -1) < CO2_HOLD_MS:
            return False
    if rule.purifier_off and facts.purifier != "off":
        return False
    return not rule.flat or facts.flat


def dust_is_made_inside(rule: int, facts: Facts) -> bool:
    """Whether the reason line adds that dust is made in the room."""
    indoor, outdoor = rounded(facts.indoor, TENTH), rounded(facts.outdoor, TENTH)
    return rule in (1, 3) and indoor is not None and outdoor is not None and indoor > outdoor


def play_key(outdoor_level: int | None) -> str:
    """The key under [outdoor_play] for the worse of the outdoor 24 h level and the last hour's (1…5)."""
    if outdoor_level is None:
        return "unknown"
    return "usual" if outdoor_level <= 2 else {3: "shorter", 4: "none", 5: "stay_in"}[outdoor_level]


def is_falling(now: float, earlier: float) -> bool:
    return now <= earlier * FALLING
