"""Episodes as the ledger knows them after a restart."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields

from alerts.episodes.episode import Episode, Row, Task
from classair.alerting.reading import Records
from classair.alerting.records import EpisodeLogRecord, EpisodeRecord, TaskRecord


def lines_of(records: Records, episode: str) -> list[EpisodeLogRecord]:
    found: list[EpisodeLogRecord] = []
    while more := records.episode_log(episode, after=found[-1].id if found else 0):
        found += more
    return found


def as_it_was(record: EpisodeRecord, lines: Iterable[EpisodeLogRecord], tasks: Iterable[TaskRecord]) -> Episode:
    found = Episode(record.id, record.name, record.sites, record.opened_at, record.opened_by, record.why)
    for line in lines:
        found = found.after(Row(line.episode, line.at, line.who, line.what, line.words))  # type: ignore[arg-type]
    for task in tasks:
        found = found.with_task(Task(**{one.name: getattr(task, one.name) for one in fields(Task)}))
    return found
