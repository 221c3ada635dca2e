"""From messages of bridges to judged readings in their rooms; what is too old to matter is skipped unread."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Final

from pydantic import ValidationError

from classair.config import Config
from classair.model import Flag, Reading
from classair.science.quality_checks.realtime import Memories
from classair.wire import ITEM, MAX_LIST, MAX_PAYLOAD, Item, ReadingItem, Topics, stream_items

KEEP_MS: Final = 3 * 3_600_000  # older readings change no state; a bridge may send days of them
_AT: Final = re.compile(rb'"at"\s*:\s*(-?\d{1,16})')


def too_old(payload: bytes, now_ms: int) -> bool:
    """Whether every reading in the message is older than anything of interest. Costs no parsing."""
    newest = max(map(int, _AT.findall(payload)), default=None)
    return newest is not None and newest < now_ms - KEEP_MS


class SensorStream:
    """Knows which sensor stands in which room. Counts what it leaves out; ingest keeps and explains it."""

    def __init__(self, config: Config) -> None:
        self.refused = 0
        self._memories = Memories()
        self.follow(config)

    def follow(self, config: Config) -> None:
        topics = Topics(config.org)
        self._bridges = {
            topics.bridge(site, bridge, "reading"): f"{site}.{bridge}"
            for site, part in config.sites.items()
            for bridge in part.bridges
        }
        self._sensors = {
            full: (
                f"{full.partition('.')[0]}.{sensor.room}",
                f"{full.partition('.')[0]}.{sensor.bridge}",
                sensor.model,
                sensor.simulated,
            )
            for full, sensor in config.sensors()
        }

    def readings(self, topic: str, payload: bytes, now_ms: int) -> list[Reading]:
        """The readings of one message, flagged like ingest flags them. Never raises for what a bridge sends."""
        bridge = self._bridges.get(topic)
        if bridge is None or len(payload) > MAX_PAYLOAD:
            self.refused += 1
            return []
        try:
            items: Iterable[Item] = stream_items(payload)
        except (ValidationError, ValueError, RecursionError):
            items = self._one_by_one(payload)
        site, _, local = bridge.partition(".")
        found = []
        for item in items:
            if type(item) is not ReadingItem or item.at < now_ms - KEEP_MS:
                continue
            known = self._sensors.get(f"{site}.{item.sensor}")
            if known is None or item.bridge != local or known[1] != bridge or (item.simulated and not known[3]):
                self.refused += 1
                continue
            own = Flag.NONE
            for name in item.flags or ():
                own |= Flag[name]
            value_flags = {
                key: int(sum(Flag[name] for name in set(names))) for key, names in (item.value_flags or {}).items()
            }
            full = f"{site}.{item.sensor}"
            flags, judged = self._memories.of(full).judge(
                item.values,
                own,
                value_flags,
                at_ms=item.at,
                now_ms=now_ms,
                clock=item.clock,
                model=known[2],
                late=item.late,
            )
            found.append(
                Reading(
                    full,
                    bridge,
                    item.epoch,
                    item.seq,
                    item.at,
                    item.values,
                    item.interval_s,
                    item.n,
                    item.clock,
                    flags,
                    judged,
                    known[0],
                    known[3],
                    item.late,
                )
            )
        return found

    def prime(self, readings: Iterable[Reading]) -> None:
        """What the store knows of the last hour, so that a restart forgets no sensor that is stuck."""
        self._memories.prime(readings)

    def _one_by_one(self, payload: bytes) -> list[Item]:
        """One bad item does not silence the good ones beside it."""
        try:
            parts = json.loads(payload)
        except (ValueError, RecursionError):
            parts = None
        good: list[Item] = []
        if not isinstance(parts, list) or len(parts) > MAX_LIST:
            self.refused += 1
            return good
        for part in parts:
            try:
                good.append(ITEM.validate_json(json.dumps(part)))
            except (ValidationError, ValueError, RecursionError):
                self.refused += 1
        return good
