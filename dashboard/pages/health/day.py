"""The last 24 hours of a sensor's gap ledger in words and as a strip of hours. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from classair.model import PRESENT_REASONS, WITHOUT_REASONS, Missing
from classair.timetable import local_time
from classair.units import HOUR_MS
from dashboard.context import Context
from dashboard.frame import parts
from dashboard.pages.health.health_rows import Day

HOURS = 24


def day_of(ctx: Context, language: str, lines: Sequence[Missing], now_ms: int) -> Day:
    """What is missing of the 24 hours before `now_ms`; hours are counted back from now.

    A line that reaches out of them counts with the share of it that lies inside. Lines of what is there after all
    (late, as means, or without a quantity) are named and take nothing away.
    """
    start = now_ms - HOURS * HOUR_MS
    absent = [line for line in lines if line.reason not in PRESENT_REASONS]
    shares, titles = [], []
    for hour in range(HOURS):
        begin, end = start + hour * HOUR_MS, start + (hour + 1) * HOUR_MS
        by_reason = _by_reason(absent, begin, end)
        lost = min(HOUR_MS, sum(ms for ms, _ in by_reason.values()))
        clock = f"{local_time(begin):%H:%M}–{local_time(end):%H:%M}"
        shares.append(lost / HOUR_MS)
        if by_reason:
            titles.append(f"{clock} {_said(ctx, language, by_reason)}")
    missing = _by_reason(absent, start, now_ms)
    there = [line for line in lines if line.reason in PRESENT_REASONS]
    late = _by_reason([line for line in there if line.reason not in WITHOUT_REASONS], start, now_ms)
    without = _by_reason([line for line in there if line.reason in WITHOUT_REASONS], start, now_ms)
    words = (
        ctx.t(language, "health_page.day.missing", what=_said(ctx, language, missing))
        if missing
        else ctx.t(language, "health_page.day.none")
    )
    more = " ".join(
        ctx.t(language, f"health_page.day.{name}", what=_said(ctx, language, found))
        for name, found in (("without", without), ("late", late))
        if found
    )
    return Day(shares, titles, words, more)


def _by_reason(lines: Iterable[Missing], start: int, end: int) -> dict[str, tuple[int, int]]:
    """Milliseconds and expected readings inside start … end for each reason, the longest first."""
    found: dict[str, tuple[int, int]] = {}
    for line in lines:
        inside = min(line.end_ms, end) - max(line.start_ms, start)
        if inside <= 0:
            continue
        share = inside / (line.end_ms - line.start_ms)
        ms, expected = found.get(line.reason, (0, 0))
        found[line.reason] = (ms + inside, expected + round(line.expected * share))
    return dict(sorted(found.items(), key=lambda item: -item[1][0]))


def _said(ctx: Context, language: str, by_reason: dict[str, tuple[int, int]]) -> str:
    return ", ".join(
        ctx.t(
            language,
            "health_page.day.reason",
            reason=ctx.t(language, f"health_page.gap.{reason}"),
            n=f"{expected:,}",
            length=parts.duration(ctx, language, ms),
        )
        for reason, (ms, expected) in by_reason.items()
    )
