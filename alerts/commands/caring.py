"""`classair purifier care`: run hours, filter and cost of one purifier, from what alerts has counted."""

from __future__ import annotations

from pathlib import Path

from alerts.care import counted_in, told
from alerts.ledger_reader import LedgerReader
from classair import i18n
from classair.config import Config
from classair.control import care_words


def show(ledger: Path, config: Config, name: str, language: str, now: int) -> int:
    """Prints what is known; needs neither broker nor alerts."""
    counted = counted_in(LedgerReader(ledger).usage(), dict(config.purifiers())).get(name)
    if counted is None:
        print(i18n.t(language, "care.nothing", name=name))
        return 0
    care = told(name, counted, config.price_per_kwh, now)
    for row, said in care_words.rows(care, language):
        print(f"{row}: {' · '.join(said)}")
    print(care_words.since(care, language))
    return 0
