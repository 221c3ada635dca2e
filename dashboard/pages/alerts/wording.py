"""Alerts, people and channels in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from classair import i18n
from classair.alerting.records import AlertRecord, NotificationRecord, SilenceRecord
from dashboard.access.roles import Principal
from dashboard.context import Context
from dashboard.frame import parts, purifiers
from dashboard.frame.markup import html

SILENCED: Final = "silenced"
_UNITS: Final = {"pm25": "ugm3", "pm10": "ugm3", "co2": "ppm"}


def what(ctx: Context, language: str, alert: AlertRecord) -> str:
    """What it is about in a few words, with the numbers it is known by."""
    part = alert.part.partition("/")[0]
    special = f"alerts_page.part.{alert.kind}.{part}"
    title = ctx.t(language, special) if part.isidentifier() and i18n.has(special) else kind(ctx, language, alert.kind)
    more = _numbers(ctx, language, alert) or _what_code(ctx, language, alert)
    return f"{title}: {more}" if more else title


def kind(ctx: Context, language: str, name: str) -> str:
    key = f"alert_kind.{name}"
    return ctx.t(language, key) if i18n.has(key) else name


def _numbers(ctx: Context, language: str, alert: AlertRecord) -> str:
    words, quantity = alert.words, str(alert.words.get("quantity", "pm25"))
    value = words.get("shown") or words.get("value")
    if value is None or not i18n.has(f"alerts_page.quantity.{quantity}"):
        return ""
    said = value if isinstance(value, str) else f"{value:g}"
    unit = ctx.t(language, f"unit.{_UNITS[quantity]}") if quantity in _UNITS else ""
    return f"{ctx.t(language, f'alerts_page.quantity.{quantity}')} {said}\u00a0{unit}".strip()


def _what_code(ctx: Context, language: str, alert: AlertRecord) -> str:
    """What a rule of several matters means here: a purifier's fault, a part of the system."""
    code = str(alert.words.get("what", ""))
    if alert.kind == "purifier_fault" and code:
        return purifiers.fault_words(ctx, language, code)
    key = f"alerts_page.system.{code}"
    return ctx.t(language, key) if code.isidentifier() and i18n.has(key) else ""


def where(ctx: Context, language: str, alert: AlertRecord) -> str:
    """School and room, and the part's own name where the alert is not about the room itself."""
    found = []
    if alert.site in ctx.config().sites:
        found.append(ctx.config().sites[alert.site].name.in_(language))
    room = full_room(alert)
    if room and ctx.config().has_room(room):
        found.append(parts.room_name(ctx, language, room))
    if alert.subject not in ("", room, alert.site):
        found.append(alert.subject.removeprefix(f"{alert.site}."))
    return " · ".join(found)


def full_room(alert: AlertRecord) -> str:
    return alert.room if "." in alert.room or not alert.room else f"{alert.site}.{alert.room}"


def silence_about(ctx: Context, language: str, silence: SilenceRecord) -> str:
    """What a silence names."""
    config, found = ctx.config(), []
    about = silence.room or silence.subject
    site = silence.site or about.partition(".")[0]
    if site not in config.sites:
        site = ""  # a part of the whole system, or one that is gone: named as it is
    if site in config.sites:
        found.append(config.sites[site].name.in_(language))
    found += [
        parts.room_name(ctx, language, part)
        if config.has_room(part)
        else part.removeprefix(f"{site}.")
        if site
        else part
        for part in dict.fromkeys((silence.site if not site else "", silence.room, silence.subject))
        if part not in ("", site)
    ]
    if silence.rule:
        rule = config.rules.get(silence.rule)
        found.append(kind(ctx, language, rule.kind) if rule is not None else silence.rule)
    return " · ".join(found) or ctx.t(language, "alerts_page.everything")


# -- people and channels -----------------------------------------------------------------------------------------------


def by(ctx: Context, language: str, who: str, reader: Principal) -> str:
    """Whoever did it, `<role>:<name>`: the role for everybody, the name for those who are signed in."""
    role, _, name = who.partition(":")
    key = f"alerts_page.by.{role}"
    said = ctx.t(language, key if role.isidentifier() and i18n.has(key) else "alerts_page.by.somebody")
    return f"{said} ({name})" if reader.signed_in and name else said


def person(ctx: Context, language: str, name: str, reader: Principal) -> str:
    return name if reader.signed_in else ctx.t(language, "alerts_page.a_person")


def channel(ctx: Context, language: str, name: str) -> str:
    key = f"alerts_page.channel.{name}"
    return ctx.t(language, key) if i18n.has(key) else name


def time(ctx: Context, language: str, at_ms: int) -> str:
    return parts.moment(at_ms, ctx.now_ms(), language)


def told(ctx: Context, language: str, reader: Principal, notifications: Sequence[NotificationRecord]) -> list[Any]:
    """Who was told and when by what: only of channels that reach a person, and only what they have confirmed."""
    found: list[Any] = []
    for one in sorted((it for it in notifications if it.told_at is not None), key=lambda it: it.told_at or 0):
        assert one.told_at is not None
        said = ctx.t(
            language,
            "alerts_page.told_by",
            time=time(ctx, language, one.told_at),
            who=person(ctx, language, one.person, reader),
            channel=channel(ctx, language, one.channel),
        )
        found.append(html.Li(said))
    return found


def nobody(ctx: Context, language: str, alert: AlertRecord) -> str:
    return ctx.t(language, "alerts_page.told_none" if alert.state == "closed" else "alerts_page.told_nobody")


def reason(ctx: Context, language: str, one: NotificationRecord) -> str:
    """Why a message was not sent, or not yet."""
    return why_not(ctx, language, one.state, one.reason)


def why_not(ctx: Context, language: str, state: str, reason: str) -> str:
    key = f"alerts_page.reason.{reason}"
    if reason and i18n.has(key):
        return ctx.t(language, key)
    return ctx.t(language, "alerts_page.reason.failed") if state == "abandoned" else reason


def word(ctx: Context, language: str, table: str, code: str) -> str:
    """A code of a closed set in words; one that a later version has added as it is."""
    key = f"alerts_page.{table}.{code}"
    return ctx.t(language, key) if code and i18n.has(key) else code
