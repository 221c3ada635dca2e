"""Messages that an earlier process left behind, and when people were last sent one."""

from __future__ import annotations

from alerts.ledger import Ledger
from alerts.outbox.rows import Item, Letter, Row
from alerts.outbox.timing import PAUSES_S
from classair.alerting.words import GROUP_MS
from classair.units import HOUR_MS


def unfinished(ledger: Ledger, now: int) -> dict[str, Row]:
    """Waiting, or frozen and on their way; each with its items.

    A machine whose clock stood still while it was off must not keep them until the moment that the old clock meant.
    """
    rows: dict[str, Row] = {}
    for key, *values, title, text, state, reason, attempts, began_at in ledger.rows(
        "select id, made_at, due_at, site, person, stage, severity, language, episode, title, text, state, reason, "
        "attempts, (select min(at) from attempt where notification=id) "
        "from notification where state in ('waiting', 'sending') order by made_at, id"
    ):
        row = rows[key] = Row(key, *values)
        row.title, row.text, row.state, row.reason = title, text, state, reason
        row.attempts, row.began_at = attempts, began_at
        if not reason:
            longest = GROUP_MS if state == "waiting" else round(PAUSES_S[-1] * 1000)
            row.due_at = min(row.due_at, now + longest)
    for key, *values in ledger.rows(
        "select i.notification, i.place, i.alert, i.stage, i.kind, i.title, i.text from notification n "
        "join notification_item i on i.notification=n.id where n.state in ('waiting', 'sending') "
        "order by i.notification, i.place"
    ):
        item = Item(*values)
        rows[key].items.append(item)
        rows[key].places = item.place + 1
    for key, *values in ledger.rows("select notification, channel, address, kind, card, picture, until from letter"):
        if key in rows:
            rows[key].letter = Letter(*values)
    return rows


def last_sent(ledger: Ledger, now: int) -> dict[tuple[str, str], int]:
    """Person and school → when the last message was tried, of those that the next one must keep away from."""
    return {
        (person, site): at
        for person, site, at in ledger.rows(
            "select n.person, n.site, max(a.at) from notification n join attempt a on a.notification=n.id "
            "where n.made_at>? and a.at>? and n.stage<>'test' group by n.person, n.site",
            now - HOUR_MS,
            now - GROUP_MS,
        )
    }
