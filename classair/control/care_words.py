"""What a purifier has done and costs, in words: the same on screens and in a terminal."""

from __future__ import annotations

from datetime import date

from classair import i18n
from classair.wire import PurifierCare

MOST_USED = 9.99  # a share that is larger is an old filter, whatever it is


def rows(care: PurifierCare, language: str) -> list[tuple[str, list[str]]]:
    """A name and what is known under it; what is not known has no row."""

    def t(key: str, **places: object) -> str:
        return i18n.t(language, f"care.{key}", **places)

    found = [(t("hours"), [t("hours_value", n=_number(care.hours_on), starts=_number(care.starts))])]
    if care.filter_used is not None:
        least = "at_least" if care.filter_at_least else "used"
        share = f"{min(MOST_USED, care.filter_used):.0%}"
        found.append((t("filter"), [t(least, share=share), _due(care, language)]))
    found.append((t("dust"), [t("mg", n=_number(care.filter_dust_mg))]))
    if care.energy_kwh is not None and care.energy_by:
        found.append((t("energy"), [t("kwh", n=_number(care.energy_kwh)), t(f"by.{care.energy_by}")]))
    if care.cost is not None:
        found.append((t("cost"), [t("baht", n=_number(care.cost))]))
    yearly = {"of_electricity": care.yearly_electricity, "of_filters": care.yearly_filters}
    known = {key: value for key, value in yearly.items() if value is not None}
    if known:
        parts = [t(key, n=_number(value)) for key, value in known.items()] if len(known) > 1 else []
        found.append((t("yearly"), [t("baht", n=_number(sum(known.values()))), *parts]))
    return found


def since(care: PurifierCare, language: str) -> str:
    """What the figures stand on."""
    return i18n.t(language, "care.since", day=_day(care.since, language), share=f"{care.known:.0%}")


def _due(care: PurifierCare, language: str) -> str:
    if care.filter_due is None:
        return i18n.t(language, "care.no_due")
    key = "overdue" if care.filter_used is not None and care.filter_used >= 1 else f"due_{care.filter_due_by}"
    return i18n.t(language, f"care.{key}", day=_day(care.filter_due, language))


def _day(day: date, language: str) -> str:
    return i18n.show_date(day, language, "medium")


def _number(value: float) -> str:
    """Whole numbers from ten on, one decimal below."""
    return f"{value:,.{0 if abs(value) >= 10 or value == int(value) else 1}f}"
