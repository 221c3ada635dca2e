"""Attempts to sign in at a provider that have begun and not come back: each once, for ten minutes, for one browser."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from classair.units import MINUTE_MS
from dashboard.access.desk_file import DeskFile
from dashboard.access.sessions import hashed

KEPT_MS: Final = 10 * MINUTE_MS
MOST: Final = 1000
"""Attempts under way; the oldest makes room, so that nobody fills the disk by pressing the button."""

_SCHEMA: Final = """
create table if not exists openid_try(
  state blob primary key, browser blob not null, provider text not null, nonce text not null, verifier text not null,
  target text not null, back text not null, at int not null
) without rowid;
create table if not exists openid_salt(salt blob not null);
"""


@dataclass(frozen=True, slots=True)
class Try:
    """`state` goes to the provider and comes back, `browser` into a cookie, `verifier` (PKCE) stays until the end.

    `back` is the address that the provider was told to send the browser to, `target` where the reader wanted to go.
    """

    provider: str
    state: str
    browser: str
    nonce: str
    verifier: str
    target: str
    back: str


class Tries:
    def __init__(self, file: DeskFile, now_ms: Callable[[], int]) -> None:
        self._file, self._now_ms = file, now_ms
        file.add_tables(_SCHEMA)

    def begin(self, provider: str, target: str, back: str) -> Try:
        state, browser, nonce = (secrets.token_urlsafe(24) for _ in range(3))
        new, now = Try(provider, state, browser, nonce, secrets.token_urlsafe(48), target, back), self._now_ms()
        with self._file.change() as db:
            db.execute("delete from openid_try where at<?", (now - KEPT_MS,))
            db.execute(
                "insert into openid_try values(?,?,?,?,?,?,?,?)",
                (hashed(state), hashed(browser), provider, nonce, new.verifier, target, back, now),
            )
            db.execute(
                "delete from openid_try where state not in (select state from openid_try order by at desc limit ?)",
                (MOST,),
            )
        return new

    def end(self, provider: str, state: str, browser: str) -> Try | None:
        """The attempt that a browser comes back from; never twice, never for another browser or provider."""
        with self._file.change() as db:
            row = db.execute(
                "delete from openid_try where state=? and browser=? and provider=? and at>=? "
                "returning nonce, verifier, target, back",
                (hashed(state), hashed(browser), provider, self._now_ms() - KEPT_MS),
            ).fetchone()
        return None if row is None else Try(provider, state, browser, *map(str, row))

    def salt(self) -> bytes:
        """Of the hashes of addresses and subjects; made once for this desk."""
        with self._file.change() as db:
            row = db.execute("select salt from openid_salt").fetchone()
            if row is None:
                row = (secrets.token_bytes(32),)
                db.execute("insert into openid_salt values(?)", row)
        return bytes(row[0])
