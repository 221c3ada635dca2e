"""A room's purifiers, one card each: what it does and why, what is wrong with it, its buttons, its filter and cost.

The room page and the page behind the display's code show the same cards. A press is sent by the script beside them
(pages/purifier/switching.js); the card then shows what alerts says of it, never what was wished.
"""

from __future__ import annotations

import json
from typing import Any, Final

from markupsafe import Markup

from classair import i18n
from classair.config.purifiers import DUSTY, HEAVY, PurifierRule
from classair.control import care_words
from classair.science.purifying import DEVICE
from classair.timetable import local_time
from classair.units import MINUTE_MS
from classair.wire import PurifierCare, PurifierState, RoomState
from dashboard.context import Context
from dashboard.frame import parts, states
from dashboard.frame.markup import html, piece
from dashboard.live.lives import lives_of

PIECE: Final = "purifiers"
HOUR_MIN: Final = 60
OFFERED: Final = (10, 15, 30, 45, 60, 90, 120)  # minutes


def concerns(ctx: Context, room: str, key: str) -> bool:
    """Whether news of this key may change the cards."""
    return key == f"full/{room}" or key in {f"health/purifier/{full}" for full in ctx.config().purifiers_in(room)}


def cards(ctx: Context, language: str, room: str, control: bool) -> Markup:
    """The piece with all cards of a room; `control`: with buttons, for those who may switch."""
    units = ctx.config().purifiers_in(room)
    return html.Section(
        [
            html.H2(ctx.t(language, "switching.title")),
            *(
                [_card(ctx, language, room, full, control) for full in units]
                if units
                else [html.P(ctx.t(language, "pages.purifier.none"), className="quiet")]
            ),
        ],
        className="purifiers",
        **piece(PIECE),
    )


def _card(ctx: Context, language: str, room: str, full: str, control: bool) -> Any:
    # The last word of a control that is away, or of a device that is silent, says nothing of now.
    verdict = lives_of(ctx, [f"purifier/{full}"]).of(f"purifier/{full}")
    heard = verdict.life != "unknown" or ctx.live.purifier(full) is None
    unit = ctx.live.purifier(full) if heard else None
    away = "silent" if verdict.by == f"purifier/{full}" else "away"
    care = ctx.live.care(full)
    name = ctx.t(language, "switching.name", name=full.partition(".")[2])
    return html.Section(
        [
            html.H3(name),
            html.P(_state(ctx, language, unit), className="purifier-is", **parts.aria(live="polite")),
            html.P(
                _mode(ctx, language, unit) if heard else ctx.t(language, f"switching.mode.{away}"),
                className="purifier-why",
            ),
            *_faults(ctx, language, ctx.live.purifier(full)),
            *([_buttons(ctx, language, room, full, unit, name)] if control else []),
            *([_care(ctx, language, care)] if care is not None else []),
        ],
        className="purifier-card",
        **parts.data(purifier=full),
        **parts.spoken(name),
    )


# -- what it does ------------------------------------------------------------------------------------------------------


def _state(ctx: Context, language: str, unit: PurifierState | None) -> list[Any]:
    if unit is None:
        return [html.I(className="lamp unknown"), html.B(ctx.t(language, "pages.purifier.unknown"))]
    key = "unknown" if unit.on is None else "on" if unit.on else "off"
    said: list[Any] = [
        html.I(className=f"lamp {key}"),
        html.B(ctx.t(language, f"pages.purifier.{key}")),
        " ",
        states.age(unit.since, "for", className="quiet"),
    ]
    if unit.on is not None and not unit.confirmed:
        said.append(html.Span(f" · {ctx.t(language, 'switching.unconfirmed')}", className="quiet"))
    if unit.on and unit.speed:
        said.append(html.Span(f" · {ctx.t(language, 'switching.speed', name=unit.speed)}", className="quiet"))
    if unit.on is not None and unit.watts is not None:
        said.append(html.Span(f" · {ctx.t(language, 'switching.watts', n=f'{unit.watts:.0f}')}", className="quiet"))
    return said


def _mode(ctx: Context, language: str, unit: PurifierState | None) -> list[Any]:
    """Who decides, and until when."""
    if unit is None:
        return [ctx.t(language, "pages.no_word")]
    if unit.override_until is None:
        key = unit.mode if unit.mode in ("auto", "fail_safe") else "unknown"
        return [ctx.t(language, f"switching.mode.{key}")]
    wish = {True: "on", False: "off", None: "either"}[unit.override_on if unit.override_on is not None else unit.on]
    time = parts.moment(unit.override_until, ctx.now_ms(), language)
    return [
        html.Span(ctx.t(language, f"switching.mode.person_{wish}", time=time)),
        " ",
        html.Span(["(", states.age(unit.override_until, "left"), ")"], className="left"),
        html.Br(),
        html.Span(who(ctx, language, unit.override_by), className="quiet"),
    ]


def who(ctx: Context, language: str, by: str) -> str:
    """Whoever has set an override, by role: accounts have names that others need not read."""
    role = "home_assistant" if by == "Home Assistant" else by.partition(":")[0]
    key = f"switching.by.{role}"
    return ctx.t(language, key if role.replace("_", "").isalpha() and i18n.has(key) else "switching.by.somebody")


def _faults(ctx: Context, language: str, unit: PurifierState | None) -> list[Any]:
    if unit is None or not unit.faults:
        return []
    return [
        html.Ul(
            [html.Li(fault_words(ctx, language, fault)) for fault in unit.faults],
            className="purifier-faults",
            **parts.spoken(ctx.t(language, "switching.faults")),
        )
    ]


def fault_words(ctx: Context, language: str, fault: str) -> str:
    """A fault in words: ours by its key, the device's own as it said it."""
    if fault.startswith(DEVICE):
        return ctx.t(language, "purifier_fault.device", detail=fault.removeprefix(DEVICE))
    key = f"purifier_fault.{fault}"
    return ctx.t(language, key) if fault.replace("_", "").isalpha() and i18n.has(key) else fault


# -- buttons -----------------------------------------------------------------------------------------------------------


def _buttons(ctx: Context, language: str, room: str, full: str, unit: PurifierState | None, name: str) -> Any:
    rule, now = ctx.config().purifier_rule(), ctx.now_ms()
    dust = _dust(parts.state_of(ctx, room))
    longest = _longest(rule, dust)
    in_force = None if unit is None or unit.override_until is None else unit.override_on
    automatic = unit is None or unit.override_until is None
    return html.Div(
        [
            _order(ctx, language, "on", name, in_force is True, _on_choices(ctx, language, room, now)),
            _order(ctx, language, "off", name, in_force is False, _off_choices(ctx, language, rule, longest)),
            html.Div(
                html.Button(
                    ctx.t(language, "switching.auto"),
                    type="button",
                    className="do-auto",
                    **parts.data(order="auto"),
                    **parts.aria(label=f"{ctx.t(language, 'switching.auto')}: {name}", pressed=str(automatic).lower()),
                ),
                className="do",
            ),
        ],
        className="purifier-do",
        role="group",
        **parts.spoken(ctx.t(language, "switching.do", name=name)),
        **parts.data(
            send=f"/api/v1/purifiers/{full}/override",
            ask=_question(ctx, language, dust),
            words=json.dumps(_words(ctx, language), ensure_ascii=False),
            usual=f"{rule.person_off / 60:g}",
            longest=f"{longest:g}",
        ),
    )


def _order(ctx: Context, language: str, do: str, name: str, pressed: bool, choices: list[Any]) -> Any:
    word = ctx.t(language, f"switching.{do}")
    return html.Div(
        [
            html.Button(
                word,
                type="button",
                className=f"do-{do}",
                **parts.data(order=do),
                **parts.aria(label=f"{word}: {name}", pressed=str(pressed).lower()),
            ),
            html.Select(choices, **parts.data(minutes=do), **parts.spoken(ctx.t(language, f"switching.long_{do}"))),
        ],
        className="do",
    )


def _on_choices(ctx: Context, language: str, room: str, now: int) -> list[Any]:
    """To the end of the block, where there is one; no ON is longer than that or an hour."""
    end = ctx.config().timetable_of(room).block_end_ms(now)
    left = HOUR_MIN if end is None else max(HOUR_MIN, (end - now) // MINUTE_MS)
    until = [] if end is None else [_option("", ctx.t(language, "switching.to_block_end", time=_time(end, language)))]
    # Without a block an hour is usual.
    return until + [_minutes(ctx, language, n, end is None and n == HOUR_MIN) for n in (15, 30, 60, 120) if n <= left]


def _off_choices(ctx: Context, language: str, rule: PurifierRule, longest: float) -> list[Any]:
    usual = min(rule.person_off / 60, longest)
    whole = sorted({n for n in OFFERED if n <= longest} | {max(1, int(longest)), max(1, round(usual))})
    return [_minutes(ctx, language, n, n == max(1, round(usual))) for n in whole if n <= max(1.0, longest)]


def _minutes(ctx: Context, language: str, n: int, chosen: bool) -> Any:
    return _option(str(n), ctx.t(language, "switching.minutes", n=n), chosen)


def _option(value: str, text: str, chosen: bool = False) -> Any:
    return html.Option(text, value=value, selected=chosen)


def _dust(state: RoomState | None) -> float | None:
    """PM2.5 in the room as it is shown; None when that is not current."""
    return state.pm25.value if state is not None and state.pm25.status in ("ok", "late") else None


def _longest(rule: PurifierRule, dust: float | None) -> float:
    """How many minutes an OFF may last. The rule looks at the last minutes: what it does in the end is told after."""
    heavy = dust is not None and dust > HEAVY
    return min(rule.off_at_most, rule.off_in_heavy_dust if heavy else rule.off_at_most) / 60


def _question(ctx: Context, language: str, dust: float | None) -> str:
    """What is asked before OFF; "" when the air is good enough to do it at once."""
    if dust is None:
        return ctx.t(language, "switching.ask_unknown")
    if dust <= DUSTY:
        return ""
    return ctx.t(language, f"switching.ask_{'heavy' if dust > HEAVY else 'dusty'}", value=f"{dust:.0f}")


def _words(ctx: Context, language: str) -> dict[str, str]:
    keys = ("ask_title", "ask_end", "ask_yes", "ask_no", "done_on", "done_off", "done_auto", "shortened", "failed")
    return {key: ctx.t(language, f"switching.{key}") for key in (*keys, "signed_out", "not_yours", "no_answer")} | {
        "time": i18n.t(language, "language.time"),
        "clock": i18n.head(language).clock,
    }


def _time(at_ms: int, language: str) -> str:
    return i18n.show_date(local_time(at_ms), language, "time")


# -- what it costs -----------------------------------------------------------------------------------------------------


def _care(ctx: Context, language: str, care: PurifierCare) -> Any:
    return html.Details(
        [
            html.Summary(ctx.t(language, "care.title")),
            html.Dl(
                [html.Div([html.Dt(name), html.Dd(" · ".join(said))]) for name, said in care_words.rows(care, language)]
            ),
            html.P(care_words.since(care, language), className="quiet"),
        ],
        className="purifier-care",
    )
