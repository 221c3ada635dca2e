"""What purifiers used in a range of days, from the ledger's daily counts; and which filters are due, at what price."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date

from classair.alerting.records import UsageRecord
from classair.config import Config
from classair.wire import PurifierCare


@dataclass(frozen=True, slots=True)
class Energy:
    """`kwh` None: of no purifier is known what it draws. `without`: purifiers of which it is not known.

    `cost` in the currency of the configured price, None without one.
    """

    kwh: float | None = None
    cost: float | None = None
    without: tuple[str, ...] = ()
    hours_on: float = 0.0

    def per_hour(self, protected_hours: float | None) -> tuple[float | None, float | None]:
        """(kWh, cost) for each protected pupil-hour; None where either is not known, or there was none."""
        if not protected_hours:
            return None, None
        return (
            self.kwh / protected_hours if self.kwh is not None else None,
            self.cost / protected_hours if self.cost is not None else None,
        )


def energy_of(config: Config, purifiers: Iterable[str], usage: Iterable[UsageRecord]) -> Energy:
    """Of these purifiers; `usage` are the rows of the days in question."""
    wanted = frozenset(purifiers)
    wh = on = 0.0
    counted: set[str] = set()
    not_known: set[str] = set()
    for row in usage:
        if row.purifier not in wanted:
            continue
        counted.add(row.purifier)
        on += row.on_s
        wh += row.metered_wh + row.rated_wh
        if row.on_s > 0 and row.metered_s + row.rated_s <= 0:
            not_known.add(row.purifier)
    known = counted - not_known
    kwh = wh / 1000 if known else None
    price = config.price_per_kwh
    return Energy(
        kwh,
        kwh * price if kwh is not None and price is not None else None,
        tuple(sorted(wanted - known)),
        on / 3600,
    )


@dataclass(frozen=True, slots=True)
class Filters:
    """Filters due by the end of a month, those that are overdue among them. `budget` None: of none is the price known.

    `unpriced`: how many of them have no price; `unknown`: purifiers whose filter's end is not known.
    """

    due: tuple[str, ...] = ()
    budget: float | None = None
    unpriced: int = 0
    unknown: tuple[str, ...] = ()


def filters_due(
    config: Config, purifiers: Iterable[str], care: Callable[[str], PurifierCare | None], last: date
) -> Filters:
    """`last`: the month's last day."""
    units, due, unknown, prices = dict(config.purifiers()), [], [], []
    for full in sorted(purifiers):
        told = care(full)
        if told is None or told.filter_due is None:
            unknown.append(full)
        elif told.filter_due <= last:
            due.append(full)
            prices.append(units[full].filter.price)
    known = [price for price in prices if price is not None]
    return Filters(tuple(due), sum(known) if known else None, len(prices) - len(known), tuple(unknown))
