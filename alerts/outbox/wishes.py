"""What each person wants to be told of: their own word in table `preference`, else `mute` in sensors.yaml."""

from __future__ import annotations

from collections.abc import Collection

from alerts.ledger import Ledger
from alerts.outbox.rows import Statement


class Wishes:
    def __init__(self, ledger: Ledger) -> None:
        self._wanted: dict[tuple[str, str], bool] = {
            (person, kind): bool(wanted)
            for person, kind, wanted in ledger.rows("select person, kind, wanted from preference")
        }

    def wants(self, person: str, mute: Collection[str], kind: str) -> bool:
        return self._wanted.get((person, kind), kind not in mute)

    def set(self, person: str, kind: str, wanted: bool, why: str, now: int) -> list[Statement]:
        self._wanted[person, kind] = wanted
        return [("insert or replace into preference values(?,?,?,?,?)", (person, kind, now, int(wanted), why))]
