"""The words of a whole message: of its one item, or of several under one title."""

from __future__ import annotations

import json
from typing import Final

from alerts.channels import Message
from alerts.outbox.rows import Item, Row
from classair import i18n
from classair.alerting.links import Links, alert_link, base
from classair.config import Config

SHOWN: Final = 10  # items in one message; the page has them all
PAGE: Final = "/alerts"


def composed(config: Config, language: str, site: str, items: list[Item]) -> tuple[str, str]:
    if len(items) == 1:
        return items[0].title, items[0].text
    place = config.sites[site].name.in_(language) if site in config.sites else config.org
    lines = [f"• {item.title}\n{item.text}".strip() for item in items[:SHOWN]]
    if len(items) > SHOWN:
        lines.append(i18n.t(language, "notification.more", count=len(items) - SHOWN))
    return i18n.t(language, "notification.several", site=place, count=len(items)), "\n\n".join(lines)


def message(config: Config, row: Row, links: Links) -> Message:
    if row.letter is not None:
        return Message(
            row.title,
            row.text,
            row.language,
            row.urgent,
            row.id,
            stage=row.stage,
            severity=row.severity,
            kind=row.letter.kind,
            card=json.loads(row.letter.card) if row.letter.card else None,
            picture=tuple(json.loads(row.letter.picture)) if row.letter.picture else None,
        )
    alerts = {item.alert for item in row.items}
    where = base(config)
    return Message(
        row.title,
        row.text,
        row.language,
        row.urgent,
        row.id,
        alert_link(config, alerts.pop()) if len(alerts) == 1 else f"{where}{PAGE}" if where else "",
        row.stage,
        row.severity,
        links.preferences(config, row.person, row.made_at),
    )
