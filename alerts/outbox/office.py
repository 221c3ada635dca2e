"""What channels share: addresses that people have linked, what is kept between restarts. Used from any thread."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Final

from alerts.ledger import Ledger
from alerts.outbox.rows import Statement
from classair.config import Config

log = logging.getLogger(__name__)

_KEPT: Final = "channel:"  # before the keys of channels in the ledger's `meta`


class Office:
    """alerts.channels.Office. Addresses are kept here and in table `contact`, and written nowhere else."""

    def __init__(self, ledger: Ledger, clock: Callable[[], int]) -> None:
        self._ledger, self._clock = ledger, clock
        self._lock = threading.RLock()  # what is made to be shared looks into what is kept
        self._config: Config | None = None
        self._shared: dict[str, object] = {}
        self._remembered: dict[str, str] = {}
        self._contacts: dict[tuple[str, str], str] = {}
        self._blocked: set[tuple[str, str]] = set()
        for person, channel, address, blocked_at in ledger.rows(
            "select person, channel, address, blocked_at from contact"
        ):
            self._contacts[person, channel] = address
            if blocked_at is not None:
                self._blocked.add((person, channel))

    def follow(self, config: Config) -> None:
        self._config = config

    # -- for channels --------------------------------------------------------------------------------------------------

    def contact(self, person: str, channel: str) -> str | None:
        with self._lock:
            key = (person, channel)
            return None if key in self._blocked else self._contacts.get(key) or None

    def blocked(self, person: str, channel: str) -> None:
        with self._lock:
            if (person, channel) in self._blocked:
                return
            self._blocked.add((person, channel))
        self._ledger.together([self._left(person, channel)])
        log.warning("channel_blocked channel=%s", channel)

    def has_left(self, person: str, channel: str) -> bool:
        with self._lock:
            return (person, channel) in self._blocked

    def config(self) -> Config:
        assert self._config is not None  # channels are made from one
        return self._config

    def shared(self, name: str, make: Callable[[], object]) -> object:
        with self._lock:
            if name not in self._shared:
                self._shared[name] = make()
            return self._shared[name]

    def remember(self, key: str, value: str) -> None:
        with self._lock:
            self._remembered[key] = value
        self._ledger.write("insert or replace into meta values(?,?)", f"{_KEPT}{key}", value)

    def remembered(self, key: str) -> str | None:
        with self._lock:
            if key in self._remembered:
                return self._remembered[key]
        return self._ledger.remembered(f"{_KEPT}{key}")

    # -- for whoever is asked to change an address ---------------------------------------------------------------------

    def link(self, person: str, channel: str, address: str | None, now: int) -> list[Statement]:
        """A person's address from now on; None erases it. Call `Ledger.wipe` when the statements are committed."""
        key = (person, channel)
        with self._lock:
            self._blocked.discard(key)
            if address is None:
                self._contacts.pop(key, None)
                return [("delete from contact where person=? and channel=?", key)]
            self._contacts[key] = address
        return [("insert or replace into contact values(?,?,?,?,null)", (*key, address, now))]

    def forget(self, channel: str, address: str) -> tuple[list[str], list[Statement]]:
        """Erases an address of a channel, whoever gave it; the people, and what is to be committed."""
        with self._lock:
            keys = [key for key, known in self._contacts.items() if key[1] == channel and known == address]
            for key in keys:
                self._contacts.pop(key)
                self._blocked.discard(key)
            # An address in sensors.yaml cannot be erased here: it is known that nothing arrives there.
            named = [(name, channel) for name in self._named(channel, address)]
            self._blocked.update(named)
        statements: list[Statement] = [("delete from contact where channel=? and address=?", (channel, address))]
        statements += [self._left(*key) for key in named]
        return list(dict.fromkeys(person for person, _ in [*keys, *named])), statements

    def welcome(self, channel: str, address: str) -> tuple[list[str], list[Statement]]:
        """An address in sensors.yaml can be reached again; whose it is, and what is to be committed."""
        with self._lock:
            keys = [(name, channel) for name in self._named(channel, address) if (name, channel) in self._blocked]
            self._blocked.difference_update(keys)
        return [person for person, _ in keys], [
            ("update contact set blocked_at=null where person=? and channel=?", key) for key in keys
        ]

    def _left(self, person: str, channel: str) -> Statement:
        return (
            "insert into contact(person, channel, address, at, blocked_at) values(?,?,'',?,?) "
            "on conflict(person, channel) do update set blocked_at=excluded.blocked_at",
            (person, channel, (now := self._clock()), now),
        )

    def _named(self, channel: str, address: str) -> list[str]:
        """The people whose entry in sensors.yaml has this address."""
        people = self._config.people if self._config is not None else {}
        return [
            name
            for name, person in people.items()
            if any(
                way.channel == channel and address in way.settings().values()
                for way in (person, *([person.second] if person.second else []))
            )
        ]
