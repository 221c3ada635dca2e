"""Accepting a correction, or ending one: asked for by a person, on a page or the command line, and kept for ever.

What was accepted is never changed: an end, or another range, is a new version of the same id. Raw values stay as they
are; whoever shows corrected ones reads this table (`classair.stores.corrections`).
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from classair.config import Config
from classair.science.corrections import Correction, Corrections, faults, of_record
from classair.stores import StoreAway
from classair.stores import corrections as table
from classair.wire import Ask

ACCEPT, END = "correction_accept", "correction_end"
ROLES: Final = ("researcher", "admin")
AHEAD_MS: Final = 366 * 86_400_000  # a validity that begins later than a year from now is a slip of the pen


class CorrectionRejected(ValueError):
    """Why a correction was not accepted, in words."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What is in force now; `sites` whose days from `since` (UTC ms) on mean something else, none without a change."""

    correction: Correction
    sites: tuple[str, ...] = ()
    since: int = 0


class AcceptedCorrections:
    """The table `correction`; `decide` inside a transaction of its owner."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        connection.execute(table.TABLE)
        self.known = Corrections()
        """What was accepted when last looked; outlives the file."""
        with contextlib.suppress(StoreAway):  # readings are taken in even beside a correction of a newer version
            self.known = table.read(connection)

    def keep(self, accepted: Corrections) -> None:
        """Writes what another file held: new books after damage go on with the corrections in force."""
        for one in accepted.accepted:
            table.add(self._connection, one)
        self.known = accepted

    def all(self) -> Corrections:
        self.known = table.read(self._connection)
        return self.known

    def decide(self, ask: Ask, config: Config, now_ms: int) -> Decision:
        """Does what is asked and says which version is in force; the same wish again changes nothing.

        `args`: role (whose right the asker has checked), and `correction`, a record as `as_record` gives it, whose
        version and time of acceptance are given here; or `id` and `at` (UTC ms) to end one. Raises CorrectionRejected.
        """
        if ask.args.get("role") not in ROLES:
            raise CorrectionRejected(f"role: approving or ending a correction requires one of {', '.join(ROLES)}")
        there = self.all()
        try:
            wish = self._ended(ask.args, there) if ask.do == END else self._wished(ask, config, now_ms)
        except ValueError as error:
            raise CorrectionRejected(str(error)) from error
        before = there.newest(wish.id)
        if before is not None and _same(before, wish):
            return Decision(before)
        last = max((one.accepted_at for one in there.accepted), default=0)
        fresh = replace(wish, version=before.version + 1 if before else 1, accepted_at=max(now_ms, last + 1))
        table.add(self._connection, fresh)
        self.known = there.with_one(fresh)
        # What it no longer corrects means something else as well.
        named = _sites(fresh, config) | (_sites(before, config) if before else set())
        since = fresh.valid_from if before is None else min(fresh.valid_from, before.valid_from)
        if ask.do == END:
            since = ask.args["at"]
        return Decision(fresh, tuple(sorted(named)), since)

    def _wished(self, ask: Ask, config: Config, now_ms: int) -> Correction:
        record = ask.args.get("correction")
        if not isinstance(record, Mapping):
            raise CorrectionRejected("correction: expected an object")
        wish = of_record({**record, "author": record.get("author") or ask.who})
        if against := faults(wish):
            raise CorrectionRejected("; ".join(against))
        if "valid_from" not in record:
            raise CorrectionRejected("valid_from is missing")
        if wish.valid_from > now_ms + AHEAD_MS:
            raise CorrectionRejected("valid_from: must not be more than a year ahead")
        known = {full for full, _ in config.sensors()}
        if unknown := [one for one in wish.sites if one not in config.sites]:
            raise CorrectionRejected(f"sites: {', '.join(unknown)} is not in sensors.yaml")
        if unknown := [one for one in wish.sensors if one not in known]:
            raise CorrectionRejected(f"sensors: {', '.join(unknown)} is not in sensors.yaml")
        return wish

    def _ended(self, args: Mapping[str, Any], there: Corrections) -> Correction:
        at, identity = args.get("at"), args.get("id")
        before = there.newest(str(identity))
        if before is None:
            raise CorrectionRejected(f"id: no correction {identity!r} has been approved")
        if not isinstance(at, int) or isinstance(at, bool) or at < before.valid_from:
            raise CorrectionRejected(f"at: expected UTC ms, not before valid_from ({before.valid_from})")
        if before.valid_to is not None and at > before.valid_to:
            raise CorrectionRejected(
                f"at: the correction already ended at {before.valid_to}. To extend it, approve it again"
            )
        return replace(before, valid_to=at)


def _sites(one: Correction, config: Config) -> set[str]:
    return {sensor.partition(".")[0] for sensor in one.sensors} or set(one.sites) or set(config.sites)


def _same(before: Correction, wish: Correction) -> bool:
    return replace(wish, version=before.version, accepted_at=before.accepted_at) == before
