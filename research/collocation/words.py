"""What `classair collocate` prints: a collocation in words and columns."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from classair.science.indexes.known import DEFAULT
from research.collocation.agreement import targets
from research.collocation.calibration import Calibration
from research.collocation.report import Comparison, Findings, local


def in_words(result: dict[str, Any], found: Comparison, fit: Calibration, more: Findings) -> str:
    """The report for people; `result` is the same as JSON."""
    lines = [f"{fit.n} hours on {fit.days} days, {local(fit.start)} to {local(fit.end)}"]
    lines += [f"note: {note}" for note in result["notes"]]
    lines += ["", "Sensor against reference", _row("", "n", "slope", "icept", "R²", "RMSE", "NRMSE%", "MBE", "CV%")]
    for name, one in (("1 h", found.hours), ("24 h", found.days)):
        lines.append(_row(name, one.n, one.slope, one.intercept, one.r2, one.rmse, one.nrmse, one.mbe, one.cv))
    if more.deming:
        (low, high), (least, most) = more.deming.intervals
        lines.append(
            f"  Deming, error variances {more.deming.ratio:g} : 1, 1 h: slope {more.deming.slope:.3f} "
            f"({_ends(low, high)}), intercept {more.deming.intercept:.3f} ({_ends(least, most)})"
        )
    lines += ["", "EPA targets for 24 h means"]
    for target in targets(found.days):
        word = {True: "met", False: "not met", None: "cannot be estimated"}[target.met]
        lines.append(f"  {target.name:<15}{target.wanted:<24}{target.value:<20}{word}")
    lines += ["", f"Correction ({fit.model}: {result['correction']['formula']})"]
    for name, value in fit.coefficients.items():
        low, high = fit.intervals[name]
        lines.append(f"  {name:<12}{value:>10.4f}   95% CI {low:.4f} … {high:.4f}")
    lines.append(f"  for sensor values of {result['correction']['low']:g} … {fit.high:g} µg/m³ only")
    if "rh" in fit.coefficients:
        lines.append(f"  at {fit.humidity[0]:.1f} … {fit.humidity[1]:.1f}% relative humidity only")
    if len(more.units) > 1:
        lines += ["", "Each sensor alone, on unseen days", _row("", "n", "slope", "icept", "R²", "RMSE")]
        for unit in more.units:
            own = unit.fit
            cells = (
                (own.n, own.coefficients["slope"], own.coefficients["intercept"]) if own else (0, math.nan, math.nan)
            )
            judged = (own.validated.r2, own.validated.rmse) if own else (math.nan, math.nan)
            lines.append(_row(unit.sensor, *cells, *judged) + ("  differs" if unit.differs else ""))
    lines += ["", "Models on the same hours of unseen days", _row("", "n", "R²", "RMSE", "NRMSE%", "MBE", "MAE")]
    for model in more.models:
        how = model.quality
        lines.append(
            _row(model.model, how.n, how.r2, how.rmse, how.nrmse, how.mbe, how.mae)
            if how
            else f"  {model.model:<18}{model.why}"
        )
    lines.append(
        f"  95% of hours: reference = corrected {more.prediction.low:+.1f} … {more.prediction.high:+.1f} µg/m³ "
        f"(coverage {more.prediction.coverage:.0%} on unseen days)"
    )
    lines += ["", "Against the reference", _row("", "n", "R²", "RMSE", "NRMSE%", "MBE", "MAE")]
    lines += [
        _row(name, how.n, how.r2, how.rmse, how.nrmse, how.mbe, how.mae)
        for name, how in (("raw", fit.uncorrected), ("own days", fit.fitted), ("unseen days", fit.validated))
    ]
    return "\n".join(lines + _changes_in_words(result["changes"]))


def _changes_in_words(found: Sequence[dict[str, Any]] | None) -> list[str]:
    if found is None:
        return []
    other = [one for one in found if one["level_changes"]]
    lines = ["", f"If approved: {len(found)} room-days change, {len(other)} of them in level ({DEFAULT.key})"]
    for one in other:
        before, after = (
            "no value" if told["mean"] is None else f"{told['mean']:.1f} {told['level']}"
            for told in (one["before"], one["after"])
        )
        lines.append(f"  {one['room']:<24}{one['date']}  {before} → {after}")
    return lines


def _ends(low: float, high: float) -> str:
    return f"95% CI {low:.3f} … {high:.3f}" if math.isfinite(low) else "no CI"


def _row(name: str, *cells: object) -> str:
    return f"  {name:<18}" + "".join(
        f"{cell:>9.3f}"
        if isinstance(cell, float) and math.isfinite(cell)
        else f"{'–' if isinstance(cell, float) else cell!s:>9}"
        for cell in cells
    )
