"""How a room's state is drawn in live views: a level's face and bars, a number, an age that goes on counting.

Numbers, levels and texts come from the state as it is; nothing here works out a value.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from markupsafe import Markup

from classair.wire import Current, PurifierState, RoomState
from dashboard.context import Context
from dashboard.frame.markup import html
from dashboard.frame.parts import aria, data, moment, spoken
from dashboard.frame.served import address
from dashboard.live.ages import PROMISED_MS, SILENT_MS, current_as_of, phase_of, text_phase
from dashboard.live.alive import ALIVE, Verdict
from dashboard.live.lives import Lives

LEVELS: Final = ("very_good", "good", "moderate", "starts_to_affect_health", "affects_health")
WINDOWS: Final[Mapping[str, str]] = {
    "fresh": "open",
    "stuffy_soon": "ajar",
    "stuffy": "closed",
    "very_stuffy": "alert",
    "unknown": "unknown",
}


def age(at_ms: int, form: str, **attributes: Any) -> Markup:
    """A time since `at_ms` that goes on counting in the browser; `form` is a key of pages.age.

    It is left open here, so that a piece is the same text as long as it says the same.
    """
    return html.Span(**data(age=form, at=str(at_ms)), **attributes)


def phase_marks(current: Current, now_ms: int) -> dict[str, Any]:
    """Attributes by which the page's script takes a value from ok to late to unknown without asking the server."""
    marks = data(phase=phase_of(current_as_of(current, now_ms)))
    if marks["data-phase"] != "unknown":
        marks |= {
            f"data-{name}-at": str(at)
            for name, at in (("late", current.late_at), ("unknown", current.unknown_at))
            if at is not None
        }
    return marks


def level_word(ctx: Context, language: str, level: str) -> str:
    return ctx.t(language, f"level.{level}" if level in LEVELS else "level.unknown")


def bars(ctx: Context, language: str, level: str) -> Markup:
    """n of five small bars; none are filled while the level is unknown."""
    filled = LEVELS.index(level) + 1 if level in LEVELS else 0
    return html.Span(
        [html.I(className="full" if i < filled else "") for i in range(5)],
        className="bars",
        role="img",
        **spoken(ctx.t(language, "pages.bars", n=filled) if filled else ctx.t(language, "level.unknown")),
    )


def face(level: str) -> Markup:
    """The level's face; the word beside it says the same, so it is silent for screen readers."""
    return html.Img(src=address(f"page-face-{level if level in LEVELS else 'unknown'}.svg"), alt="", className="face")


def window(level: str) -> Markup:
    return html.Img(src=address(f"page-window-{WINDOWS.get(level, 'unknown')}.svg"), alt="", className="window")


def number(ctx: Context, language: str, current: Current, unit: str) -> Markup:
    """The number as every screen writes it, with its unit spelled out for screen readers."""
    return html.Span(
        [
            html.B(current.shown or "–"),
            html.Span(
                f"\u00a0{ctx.t(language, f'unit.{unit}')}",
                className="unit",
                **spoken(ctx.t(language, f"pages.spoken.{unit}")),
            ),
        ],
        className="number",
    )


def held(ctx: Context, language: str, current: Current) -> str:
    """Why a number stands beside the level of another one; empty where it does not."""
    return ctx.t(language, "pages.held") if current.held else ""


def unknown_reason(ctx: Context, language: str, current: Current, verdict: Verdict = ALIVE) -> str:
    """Why there is no current value, as far as the state knows. A silent source promises nothing."""
    if verdict.life != "alive" and current.status in ("filling", "warming_up"):
        return ctx.t(language, "pages.not_current")
    if current.status == "filling" and current.minutes_left is not None:
        return ctx.t(language, "pages.filling", n=current.minutes_left)
    if current.status == "warming_up" and current.minutes_left is not None:
        return ctx.t(language, "pages.warming_up", n=current.minutes_left)
    if current.status == "suspect":
        return ctx.t(language, "pages.suspect")
    if current.status == "none":
        return ctx.t(language, "pages.no_sensor")
    return ctx.t(language, "pages.not_current")


def last_value(ctx: Context, language: str, current: Current) -> str:
    """What was measured last and when; empty when nothing ever was."""
    shown, at = current.last_shown or current.shown, current.last_at or current.newest_at
    if not shown or at is None:
        return ""
    return ctx.t(language, "pages.last_value", value=shown, time=moment(at, ctx.now_ms(), language))


def ventilation(ctx: Context, language: str, co2: Current) -> Markup:
    """CO2 with its word and window, greyed out by age like everything else."""
    waits = held(ctx, language, co2)
    after = [html.Span(f" · {waits}", className="quiet")] if waits else []
    return _ventilation(ctx, language, co2, [html.B(co2.shown), f"\u00a0{ctx.t(language, 'unit.ppm')} "], after)


def ventilation_word(ctx: Context, language: str, co2: Current) -> Markup:
    """The same without the number, for the public."""
    return _ventilation(ctx, language, co2, [])


def _ventilation(ctx: Context, language: str, co2: Current, value: list[Any], after: Sequence[Any] = ()) -> Markup:
    level = current_as_of(co2, ctx.now_ms()).level
    known = html.Span([window(level), *value, ctx.t(language, f"ventilation.{level}"), *after], className="if-known")
    missing = html.Span(
        [
            window("unknown"),
            ctx.t(language, "pages.no_sensor") if co2.status == "none" else ctx.t(language, "ventilation.unknown"),
        ],
        className="if-unknown",
    )
    return html.Span([known, missing], className="phased", **phase_marks(co2, ctx.now_ms()))


def advice(ctx: Context, language: str, state: RoomState) -> list[Any]:
    """The one action and its reason for each phase; the browser shows the one that fits the age.

    `state` as alerts said it: one that was brought to the present no longer tells whether its outdoor value was known.
    """
    shown: list[Any] = []
    texts = state.texts.get(language, {})
    at = ctx.now_ms()
    first = text_phase(state, at)
    newest = state.pm25.newest_at or state.pm25.last_at
    # Without a current value the place for known values is hidden, and the other way round.
    known = "ok" if first == "unknown" else first
    unknown = first if phase_of(current_as_of(state.pm25, at)) == "unknown" else "unknown"
    for phase, name in ((known, "if-known"), (unknown, "if-unknown")):
        told = texts.get(phase)
        if told is None:
            continue
        said = [html.P(phrases(told.action), className="action", **aria(live="polite"))]
        if told.reason:
            said.append(html.P(_counted(ctx, language, told.reason, newest), className="reason"))
        shown.append(html.Div(said, className=name))
    return shown


def _counted(ctx: Context, language: str, reason: str, newest: int | None) -> list[Any]:
    """A silent room's reason leaves its minutes open, because they go on growing; of what never came there are none."""
    before, minutes, behind = reason.partition("{minutes}")
    if not minutes:
        return list(phrases(reason))
    if newest is None:
        return [ctx.t(language, "display.waiting")]
    return [*phrases(before), age(newest, "count"), *phrases(behind)]


def purifier_word(ctx: Context, language: str, unit: PurifierState | None) -> Markup:
    """On, off or unknown, since when, and who decided; a room may have none."""
    if unit is None:
        return html.Span(ctx.t(language, "pages.purifier.none"), className="quiet")
    key = "unknown" if unit.on is None else "on" if unit.on else "off"
    decided = (
        [html.Span(f" · {ctx.t(language, f'pages.purifier.mode.{unit.mode}')}", className="quiet")]
        if unit.mode in ("person", "fail_safe")
        else []
    )
    return html.Span(
        [
            html.I(className=f"lamp {key}"),
            html.Span(ctx.t(language, f"pages.purifier.{key}")),
            " ",
            age(unit.since, "for", className="quiet"),
            *decided,
        ],
        className="purifier",
    )


def purifier_tile(ctx: Context, language: str, state: RoomState, lives: Lives) -> Markup:
    """The purifier that the room's state tells of, with its own age: fresh, late and unknown as on the display."""
    unit = state.purifier
    if unit is None:
        return purifier_word(ctx, language, None)
    heard = max(state.at, unit.at)
    verdict, now = lives.of(f"purifier/{unit.purifier}"), ctx.now_ms()
    unknown = verdict.life == "unknown" or unit.on is None or now - heard >= SILENT_MS
    marks = data(phase="unknown" if unknown else "late" if now - heard >= PROMISED_MS else "ok")
    if not unknown:
        marks |= data(late_at=str(heard + PROMISED_MS), unknown_at=str(heard + SILENT_MS))
    return html.Span(
        [
            html.Span(
                [
                    purifier_word(ctx, language, unit),
                    html.Span([" ", age(heard, "late", className="late-chip")], className="if-late"),
                ],
                className="if-known",
            ),
            html.Span(
                [
                    html.I(className="lamp unknown"),
                    ctx.t(language, "pages.purifier.unknown"),
                    " ",
                    age(verdict.since if verdict.since is not None else heard, "silent", className="quiet"),
                ],
                className="if-unknown purifier",
            ),
        ],
        className="phased",
        **marks,
    )


def outdoor_value(ctx: Context, language: str, current: Current, verdict: Verdict = ALIVE) -> Markup:
    """The value outside with its level and its own age: fresh, late and unknown as on the display; or why none."""
    if current.status == "none":
        return html.Span(ctx.t(language, "pages.no_outdoor"), className="quiet")
    told: list[Any] = []
    if current.newest_at is not None:
        told = [
            age(current.newest_at, "measured", className="if-ok tile-age quiet"),
            html.Span(age(current.newest_at, "late", className="late-chip"), className="if-late tile-age"),
        ]
    last = last_value(ctx, language, current)
    return html.Span(
        [
            html.Span(
                [
                    number(ctx, language, current, "ugm3"),
                    " ",
                    html.Span(
                        [bars(ctx, language, current.level), level_word(ctx, language, current.level)],
                        className="swatch level",
                        **data(level=current.level),
                    ),
                    *(
                        [html.Span(f" {waits}", className="quiet held")]
                        if (waits := held(ctx, language, current))
                        else []
                    ),
                ],
                className="if-known",
            ),
            *told,
            html.Span(
                [
                    unknown_reason(ctx, language, current, verdict),
                    *([html.Span(f" · {last}", className="quiet")] if last else []),
                ],
                className="if-unknown",
            ),
        ],
        className="phased",
        **phase_marks(current, ctx.now_ms()),
    )


def phrases(text: str) -> list[str]:
    """A text whose ‹phrases› are not broken across lines."""
    found = re.split(r"‹([^›]*)›", text)
    return [html.Span(part, className="nowrap") if index % 2 else part for index, part in enumerate(found) if part]
