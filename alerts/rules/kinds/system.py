"""The system's own trouble: disks, backups, services, database, broker, clock, LINE's quota."""

from __future__ import annotations

from collections.abc import Iterator

from alerts.lifecycle.model import Key, Sight
from alerts.rules.facts import Trouble, World
from alerts.rules.kinds import RuleKind
from alerts.rules.kinds.silent import BROKER, INGEST
from classair.config.notifying import SystemRule


class Rule(RuleKind[SystemRule]):
    def beside_rooms(self, world: World) -> Iterator[Sight]:
        for trouble in world.troubles:
            if trouble.of in self.settings.of:
                yield self._sight(trouble)

    def is_over(self, key: Key, world: World) -> bool:
        return key.part.partition("/")[0] not in world.unknown

    def _sight(self, trouble: Trouble) -> Sight:
        explains = ""
        if trouble.of == "broker":
            explains = BROKER
        elif trouble.of == "service":
            explains = f"service:{trouble.subject}"
        return self.sight(
            explains or trouble.subject,
            True,
            part=f"{trouble.what}/{trouble.since}" if trouble.once else trouble.what,
            since=trouble.since,
            causes=(INGEST,) if trouble.of == "store" else (),
            explains=explains,
            words={
                "what": trouble.what,
                "subject": trouble.subject,
                "detail": trouble.detail,
                "since": trouble.since,
                **{f"detail_{language}": text for language, text in trouble.details.items()},
            },
            once=trouble.once,
        )
