"""A process that tells people of a storm of alerts, until it is killed: python -m tests.alerts.outbox.storm."""

from __future__ import annotations

import queue
import sys
import time
from collections.abc import Callable
from pathlib import Path

from alerts import channels
from alerts.ledger import Ledger
from alerts.lifecycle.model import Alert, Key, Telling
from alerts.outbox import timing
from alerts.outbox.outbox import Outbox
from classair import config as configuration
from tests.alerts.outbox.posting import TOWN, words

PACE_MS = 30


def main(folder: Path, port: int, alerts: int) -> None:
    """Tells of so many alerts, as far as the ledger does not know them yet, and ends when all is delivered."""
    channels.__path__.append(str(Path(__file__).parent / "channels"))
    timing.URGENT_MS = 20  # type: ignore[misc]  # a storm in seconds instead of minutes
    for module in (timing, sys.modules["alerts.outbox.outbox"], sys.modules["alerts.outbox.restoring"]):
        module.GROUP_MS = 50  # type: ignore[attr-defined]
    timing.PAUSES_S = (0.05,)  # type: ignore[assignment,misc]
    people = ", ".join(f"p{number}: {{channel: keyed, port: {port}, to: p{number}}}" for number in range(5))
    config = configuration.parse(TOWN.replace("people:\n  PEOPLE", f"people: {{{people}}}"))
    calls: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
    ledger = Ledger(folder / "ledger.db")
    outbox = Outbox(ledger, words, calls.put, lambda: time.time_ns() // 1_000_000)
    assert outbox.follow(config) == []
    known = {alert for (alert,) in ledger.rows("select id from alert")}
    left = [number for number in range(alerts) if f"a{number}" not in known]
    print("up", flush=True)
    next_at = 0
    while left or outbox.waiting():
        try:
            calls.get(timeout=0.002)()
        except queue.Empty:
            pass
        now = time.time_ns() // 1_000_000
        if left and now >= next_at:
            number, next_at = left.pop(0), now + PACE_MS
            alert = Alert(f"a{number}", Key("r", "s1.r1"), "silent", "s1", "s1.r1", "urgent", "firing", now, now)
            change = (
                "insert into alert(id, rule, kind, subject, part, site, room, severity, state, holds, since, "
                "changed_at) values(?, 'r', 'silent', 's1.r1', '', 's1', 's1.r1', 'urgent', 'firing', 1, ?, ?)",
                (alert.id, now, now),
            )
            told = outbox.tell(Telling(alert, "fired", tuple(config.people)), now)
            ledger.together([change, *told], outbox.committed)
    outbox.stop()
    ledger.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:4]))
