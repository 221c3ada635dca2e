"""Which row stands on the screen from moment to moment: held while it is true, left at once when it no longer is.

Pure: what is shown, the facts and the time go in, what is shown next comes out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from classair.science.advice import (
    ORDER,
    ROWS,
    Air,
    Facts,
    Need,
    Purifier,
    air_of,
    choose,
    level_of,
    limit_of,
    row_holds,
    row_of,
)
from classair.units import MINUTE_MS

HOLD_MS: Final = 5 * MINUTE_MS
# A row whose limits are missed by less than this stays longer, so that a value about a limit does not move it. It is a
# tenth more than two, because 23.0 itself is within 25 ± 2.
LEEWAY_UGM3: Final = 2.1
NEAR_MS: Final = 60 * MINUTE_MS
_CARRY_ON: Final = "15"


@dataclass(frozen=True, slots=True)
class Shown:
    """The row on the screen, and what was so when the table last chose it.

    `known`: which of indoor dust, outdoor dust and CO2 were known, None for a row that stood there before a restart.
    `levels`: of the two numbers of dust. The three moments are None while it is not so, else since when: the table
    chooses another row (`doubted`), one that comes before this one (`overtaken`), or this one's limits are missed by
    more than the leeway (`left`).
    """

    row: str
    known: tuple[bool, bool, bool] | None = None
    levels: tuple[int, int] = (0, 0)
    purifier: Purifier = "unknown"
    doubted: int | None = None
    overtaken: int | None = None
    left: int | None = None


def follow_row(shown: Shown | None, facts: Facts, has: frozenset[Need], now: int) -> Shown:
    """What the screen shows from `now` on."""
    chosen = choose(facts, has)
    known = (facts.indoor is not None, facts.outdoor is not None, facts.co2 is not None)
    levels = (level_of(facts.indoor), level_of(facts.outdoor))
    fresh = Shown(chosen, known, levels, facts.purifier)
    if shown is None or chosen == shown.row or shown.row not in ROWS:
        return fresh
    if shown.known is None:
        shown = replace(shown, known=known, levels=levels, purifier=facts.purifier)
    if known != shown.known or facts.purifier != shown.purifier or _two_apart(levels, shown.levels):
        return fresh
    air = air_of(facts)
    if not is_true(shown.row, facts, air, has, chosen):
        return fresh
    row = row_of(shown.row, facts.sensitive)
    doubted = _since(shown.doubted, True, now)
    overtaken = _since(shown.overtaken, ORDER[chosen] < ORDER[shown.row], now)
    left = _since(shown.left, not row_holds(row, facts, air, has, LEEWAY_UGM3), now)
    if _for(doubted, now) >= NEAR_MS or max(_for(overtaken, now), _for(left, now)) >= HOLD_MS:
        return fresh
    return replace(shown, doubted=doubted, overtaken=overtaken, left=left)


def _since(before: int | None, so: bool, now: int) -> int | None:
    if not so:
        return None
    return now if before is None or before > now else before


def _for(since: int | None, now: int) -> int:
    return -1 if since is None else now - since


def _two_apart(levels: tuple[int, int], before: tuple[int, int]) -> bool:
    return any(abs(one - other) >= 2 for one, other in zip(levels, before, strict=True))


def is_true(row_id: str, facts: Facts, air: Air, has: frozenset[Need], chosen: str) -> bool:
    """Whether a row that the table no longer chooses may still be said: nothing in it is untrue or does harm."""
    row = ROWS[row_id]
    if not row.needs <= has or row.without & has:
        return False
    if row.when[0].indoor_unknown != (air.inside is None):
        return False
    claims, inside, outside = row.claims, air.inside_measured, air.outside
    high = (limit_of(37.5, facts.sensitive) - LEEWAY_UGM3) * 10
    if row_id == _CARRY_ON:
        # Nothing to do is said only while there is nothing to do.
        return chosen == "14"
    if "opens_windows" in claims and not may_open(air):
        return False
    if "outside_cleaner" in claims and not (inside is not None and outside is not None and outside < inside):
        return False
    if "opens_door" in claims and outside is not None and outside > (750 if facts.door == "inside" else 375):
        return False
    if "runs" in claims and facts.purifier != "on":
        return False
    if "starts_itself" in claims and not (facts.purifier == "off" and facts.starts_itself):
        return False
    if "high_outside" in claims and not (outside is not None and outside > high):
        return False
    if "stuffy" in claims and not (air.co2 is not None and air.co2 > 15000):
        return False
    if "good" in claims:
        fresh = air.co2 is None or air.co2 <= 10000
        return (
            fresh
            and air.inside is not None
            and air.inside <= limit_of(25, facts.sensitive) * 10
            and facts.play is not None
            and facts.play <= 3
        )
    return True


def may_open(air: Air) -> bool:
    """Whether windows may be opened onto this air outside: clean, or not bad and no dirtier than inside."""
    if air.outside is None:
        return False
    if air.outside <= 250:
        return True
    return air.outside <= 375 and air.inside_measured is not None and air.outside <= air.inside_measured
