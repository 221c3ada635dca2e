"""Phones and tablets that an account has asked to be remembered, to switch purifiers without signing in each time.

A remembered phone may read and control, never export or administer: it lies about on a desk. Its secret is in its own
cookie; desk.db keeps the hash. It ends after 30 days, when it is forgotten, and with the account's password.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from classair.units import DAY_MS, HOUR_MS
from dashboard.access.accounts import Accounts
from dashboard.access.desk_file import DeskFile
from dashboard.access.roles import SCOPES_OF, Principal

KEPT_MS: Final = 30 * DAY_MS
MOST: Final = 20
"""Remembered phones of one account; the oldest makes room."""
MAY: Final = frozenset({"read", "control"})

SCHEMA: Final = """
create table if not exists phone(
  id text primary key, hash blob not null unique, account text not null, label text not null, csrf text not null,
  created_at int not null, seen_at int not null
) without rowid;
create index if not exists phone_account on phone(account, created_at);
"""

_NAMES: Final = ("iPhone", "iPad", "Android", "Windows", "Macintosh", "Linux")
_BROWSERS: Final = (
    ("Line/", "LINE"),
    ("Edg", "Edge"),
    ("Firefox", "Firefox"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)


@dataclass(frozen=True, slots=True)
class Phone:
    id: str
    account: str
    label: str
    created_at: int
    seen_at: int

    @property
    def expires_at(self) -> int:
        return self.created_at + KEPT_MS


def label_of(user_agent: str) -> str:
    """What a phone is called in the list, from what its browser says of itself."""
    device = next((name for name in _NAMES if name in user_agent), "")
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), "")
    return " · ".join(part for part in (device, browser) if part) or "?"


class Phones:
    """The phones of all accounts, through the desk's one connection."""

    def __init__(
        self, file: DeskFile, accounts: Accounts, hashed: Callable[[str], bytes], now_ms: Callable[[], int]
    ) -> None:
        self._change, self._ask, self._hashed, self._now_ms = file.change, file.ask, hashed, now_ms
        self._accounts = accounts

    def remember(self, account: str, label: str, csrf: str) -> str:
        """The secret for the phone's cookie. `csrf` proves its changes, as a session's does."""
        secret, now = secrets.token_urlsafe(32), self._now_ms()
        with self._change() as db:
            db.execute("delete from phone where created_at<=?", (now - KEPT_MS,))
            db.execute(
                "insert into phone values(?,?,?,?,?,?,?)",
                (secrets.token_hex(4), self._hashed(secret), account, label[:60], csrf, now, now),
            )
            db.execute(
                "delete from phone where account=? and id not in "
                "(select id from phone where account=? order by created_at desc, id limit ?)",
                (account, account, MOST),
            )
        return secret

    def renew(self, secret: str, account: str, csrf: str) -> bool:
        """Gives a phone that is signed in again the session's proof; False when it is not this account's."""
        with self._change() as db:
            changed = db.execute(
                "update phone set csrf=? where hash=? and account=? and created_at>?",
                (csrf, self._hashed(secret), account, self._now_ms() - KEPT_MS),
            ).rowcount
        return bool(changed)

    def principal(self, secret: str) -> Principal | None:
        """Who uses the phone; None when it is unknown, forgotten, too old, or the account is disabled."""
        now, key = self._now_ms(), self._hashed(secret)
        rows = self._ask(
            "select id, account, csrf, seen_at from phone where hash=? and created_at>?", key, now - KEPT_MS
        )
        if not rows:
            return None
        phone, name, csrf, seen_at = rows[0]
        account = self._accounts.get(str(name))
        if account is None or not account.active:
            return None
        if now - int(str(seen_at)) > HOUR_MS:  # not a write for every request
            with self._change() as db:
                db.execute("update phone set seen_at=? where hash=?", (now, key))
        return Principal(
            "account",
            account.name,
            account.role,
            SCOPES_OF[account.role] & MAY,
            str(csrf),
            account.places,
            str(phone),
        )

    def of(self, account: str | None = None) -> list[Phone]:
        """Those that are still remembered, newest first; of one account or of all."""
        rows = self._ask(
            "select id, account, label, created_at, seen_at from phone where created_at>? and (? is null or account=?) "
            "order by created_at desc, id",
            self._now_ms() - KEPT_MS,
            account,
            account,
        )
        return [Phone(str(i), str(a), str(label), int(str(c)), int(str(s))) for i, a, label, c, s in rows]

    def forget(self, phone: str, account: str | None = None) -> bool:
        """By id; with `account` only if it is that account's."""
        with self._change() as db:
            gone = db.execute(
                "delete from phone where id=? and (? is null or account=?)", (phone, account, account)
            ).rowcount
        return bool(gone)

    def forget_all(self, account: str) -> None:
        with self._change() as db:
            db.execute("delete from phone where account=?", (account,))

    def forget_secret(self, secret: str) -> None:
        with self._change() as db:
            db.execute("delete from phone where hash=?", (self._hashed(secret),))
