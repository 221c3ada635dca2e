"""What bridges switched on while alerts was away: each order is one row in the ledger, however often it is told."""

from __future__ import annotations

from pathlib import Path

from alerts.ledger import Ledger
from alerts.ledger_reader import LedgerReader
from alerts.notices import Notices
from classair.wire import BridgeStatus, EdgeOrdered, Topics

TOPIC = Topics("demo-town").bridge("s1", "pi", "status")
NOW = 1_795_000_000_000


def status(*at: int) -> bytes:
    orders = [EdgeOrdered(purifier="s1.fan", room="s1.r1", at=it, reason="high") for it in at]
    return BridgeStatus(state="online", at=NOW, edge_orders=orders).model_dump_json().encode()


def rows(path: Path) -> list[tuple[int, str, str, str, str, int | None]]:
    found = LedgerReader(path).notices(0, 2 * NOW)
    return [(it.at, it.what, it.subject, it.room, it.detail, it.over_at) for it in found]


def test_each_order_is_told_once_also_over_restarts_of_alerts(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    first, second = NOW - 60_000, NOW - 30_000
    for begun in range(2):
        ledger = Ledger(path)
        notices = Notices(ledger)
        for told in (status(), status(0), status(first), status(first), status(first, second), b"", b"{", b"[]"):
            notices.edge(TOPIC, told, NOW + begun)
        notices.edge("classair/v1/demo-town/s1/nonsense", status(5), NOW)
        assert notices.open() == [], "with our return they are over"
        assert ledger.sync()
        ledger.close()
    assert rows(path) == [
        (first, "edge", "s1.fan", "s1.r1", "high", NOW),
        (second, "edge", "s1.fan", "s1.r1", "high", NOW),
    ]


def test_a_bridge_that_is_ahead_of_time_is_told_as_of_now_and_hides_nothing_that_comes_later(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.db")
    notices = Notices(ledger)
    notices.edge(TOPIC, status(NOW + 10**10), NOW)
    notices.edge(TOPIC, status(NOW + 10**10, NOW + 5_000), NOW + 6_000)
    assert ledger.sync()
    assert [it[0] for it in rows(tmp_path / "ledger.db")] == [NOW, NOW + 5_000]
    ledger.close()
