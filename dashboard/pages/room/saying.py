"""What a room's charts show, in words: one sentence each, and how the numbers were made."""

from __future__ import annotations

from typing import Any

from classair import i18n
from classair.timetable import local_time
from classair.units import DAY_MS, HOUR_MS, MINUTE_MS
from dashboard.context import Context
from dashboard.frame import parts
from dashboard.queries.rooms import Band, RoomMeans
from research.means import MeanRow


def pm25(ctx: Context, language: str, series: RoomMeans, outdoor: RoomMeans | None, bands: list[Band]) -> str:
    mean, peak = series.mean(), _peak(series)
    if mean is None or peak is None:
        return none_yet(ctx, language, [series])
    unit = ctx.t(language, "unit.ugm3")
    said = [
        ctx.t(
            language,
            "room.summary_pm25",
            mean=f"{mean:.1f}",
            unit=unit,
            high=f"{peak.high:.1f}",
            when=when(ctx, peak.start_ms, series.step_ms, language),
        )
    ]
    outside = outdoor.mean() if outdoor else None
    if outside is not None:
        said.append(ctx.t(language, "room.summary_outdoor", mean=f"{outside:.1f}", unit=unit))
    known = sum(b.end_ms - b.start_ms for b in bands if b.on is not None)
    if known:
        running = sum(b.end_ms - b.start_ms for b in bands if b.on)
        said.append(ctx.t(language, "room.summary_purifier", share=round(100 * running / known)))
    return " ".join([*said, *since(ctx, language, [series])])


def co2(ctx: Context, language: str, series: RoomMeans) -> str:
    mean, peak = series.mean(), _peak(series)
    if mean is None or peak is None:
        return none_yet(ctx, language, [series])
    said = ctx.t(
        language,
        "room.summary_co2",
        mean=f"{mean:,.0f}",
        high=f"{peak.high:,.0f}",
        when=when(ctx, peak.start_ms, series.step_ms, language),
    )
    return " ".join([said, *since(ctx, language, [series])])


def since(ctx: Context, language: str, series: list[RoomMeans]) -> list[str]:
    """From when on there are data, where they begin inside the range: before that nothing was there to be missed."""
    begun = _begun(series)
    if begun is None or begun - series[0].start_ms <= 2 * max(one.step_ms for one in series):
        return []
    return [ctx.t(language, "room.summary_since", when=when(ctx, begun, series[0].step_ms, language))]


def none_yet(ctx: Context, language: str, series: list[RoomMeans]) -> str:
    """No data, or not yet enough of them for an average."""
    begun = _begun(series)
    if begun is None:
        return ctx.t(language, "room.summary_none")
    return ctx.t(language, "room.summary_begun", when=when(ctx, begun, series[0].step_ms, language))


def _begun(series: list[RoomMeans]) -> int | None:
    return min((row.start_ms for one in series for row in one.rows if row.n), default=None)


def climate(ctx: Context, language: str, temperature: RoomMeans, humidity: RoomMeans) -> str:
    said = [
        ctx.t(
            language,
            f"room.summary_{key}",
            mean=f"{series.mean():.{places}f}",
            low=f"{series.low():.{places}f}",
            high=f"{series.high():.{places}f}",
        )
        for key, series, places in (("temperature", temperature, 1), ("humidity", humidity, 0))
        if series.mean() is not None
    ]
    if not said:
        return none_yet(ctx, language, [temperature, humidity])
    return " ".join([*said, *since(ctx, language, [temperature, humidity])])


def _peak(series: RoomMeans) -> MeanRow | None:
    return max((b for b in series.rows if b.high is not None), key=lambda b: b.high or 0.0, default=None)


def when(ctx: Context, at_ms: int, step_ms: int, language: str) -> str:
    """When a bucket was: its time, with the day where a range has several."""
    at = local_time(at_ms)
    if step_ms >= DAY_MS:
        return i18n.show_date(at, language)
    if step_ms <= 5 * MINUTE_MS:
        return i18n.show_date(at, language, "time")
    return i18n.show_date(at, language, "day_time")


def step(ctx: Context, language: str, step_ms: int) -> str:
    if step_ms < HOUR_MS:
        return ctx.t(language, "room.step_minutes", n=step_ms // MINUTE_MS)
    return ctx.t(language, "room.step_hours", n=step_ms // HOUR_MS)


def how_made(ctx: Context, language: str, series: RoomMeans) -> list[Any]:
    """Averaging, completeness, and whether and how the sensor's value is corrected."""
    share = series.completeness(ctx.now_ms())
    averaged = step(ctx, language, series.step_ms)
    made = (
        ctx.t(language, "room.made_nothing", step=averaged)
        if share is None
        else ctx.t(language, "room.made", step=averaged, share=percent(share))
    )
    corrected = series.quantity == "pm25" and series.correction != "none"
    told: list[Any] = [
        made,
        " ",
        "· ",
        ctx.t(language, "room.corrected", method=series.correction)
        if corrected
        else ctx.t(language, "pages.chart.not_calibrated"),
    ]
    if ctx.config().site_simulated(series.room.partition(".")[0]):
        told += [" ", parts.simulated_mark(ctx, language)]
    return told


def percent(share: float) -> str:
    """Whole per cent; 100 only for all of it, so that a small gap is not rounded away."""
    return "100" if share >= 1 else str(min(99, round(100 * share)))
