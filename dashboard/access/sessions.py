"""Signing in with a password, limits of guessing, and the sessions that come of it."""

from __future__ import annotations

import hashlib
import ipaddress
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from classair.units import MINUTE_MS
from dashboard.access.accounts import Account, Accounts
from dashboard.access.desk_file import DeskFile
from dashboard.access.roles import SCOPES_OF, Principal

IDLE_MS: Final = 30 * MINUTE_MS
TOTAL_MS: Final = 12 * 60 * MINUTE_MS
LIMIT_WINDOW_MS: Final = 15 * MINUTE_MS
# Failures within the window. An account's are counted apart for each place (the school, the internet, one remembered
# phone), so that strangers cannot lock anybody out of the school.
LIMIT_ACCOUNT: Final = 10  # of one account from one address
LIMIT_PLACE: Final = 30  # of one account from all addresses of a place
LIMIT_ADDRESS: Final = 30  # of all accounts from one address; a school shares one

_SCHEMA: Final = """
create table if not exists session(
  hash blob primary key, account text not null, csrf text not null, began_at int not null, seen_at int not null
) without rowid;
create table if not exists failure(at int not null, account blob not null, address text not null);
create index if not exists failure_at on failure(at);
"""


class TooMany(Exception):
    """Too many failed attempts to sign in; the same for accounts that exist and for those that do not."""


@dataclass(frozen=True, slots=True)
class Session:
    """`secret` goes to the browser alone; here only its hash is kept."""

    secret: str
    csrf: str


def hashed(secret: str) -> bytes:
    # Secrets of 256 random bits need no slow hash; passwords do and get argon2id.
    return hashlib.sha256(secret.encode()).digest()


class Sessions:
    def __init__(self, file: DeskFile, accounts: Accounts, now_ms: Callable[[], int], hasher: PasswordHasher) -> None:
        self._file, self._accounts, self._now_ms, self._hasher = file, accounts, now_ms, hasher
        self._nobody = hasher.hash(secrets.token_urlsafe())
        file.add_tables(_SCHEMA)

    def sign_in(self, name: str, password: str, address: str, place: str = "") -> Session | None:
        """A new session, None when name or password is wrong. Raises TooMany. Takes as long for unknown names.

        The name that was typed is kept only as a hash: people type passwords into the wrong field.
        """
        now, account, address = self._now_ms(), hashed(f"{place}\0{name}"), _one_network(address)
        with self._file.change() as db:
            db.execute("delete from failure where at<?", (now - LIMIT_WINDOW_MS,))
            of_place, of_account = db.execute(
                "select count(*), count(case when address=? then 1 end) from failure where account=?",
                (address, account),
            ).fetchone()
            of_address = db.execute("select count(*) from failure where address=?", (address,)).fetchone()[0]
        if of_account >= LIMIT_ACCOUNT or of_place >= LIMIT_PLACE or of_address >= LIMIT_ADDRESS:
            raise TooMany
        known = self._accounts.get(name)
        usable = known is not None and known.active and bool(known.password)
        try:
            self._hasher.verify(known.password if known is not None and usable else self._nobody, password)
            good = usable
        except (VerifyMismatchError, InvalidHashError):
            good = False
        if not good:
            with self._file.change() as db:
                db.execute("insert into failure values(?,?,?)", (now, account, address))
            return None
        with self._file.change() as db:
            # Those of others stay: a guesser must not begin anew whenever the owner signs in.
            db.execute("delete from failure where account=? and address=?", (account, address))
        return self.begin(name)

    def begin(self, name: str) -> Session:
        """A new session of an account that has proved itself."""
        fresh, now = Session(secrets.token_urlsafe(32), secrets.token_urlsafe(24)), self._now_ms()
        with self._file.change() as db:
            db.execute("delete from session where began_at<? or seen_at<?", (now - TOTAL_MS, now - IDLE_MS))
            db.execute("insert into session values(?,?,?,?,?)", (hashed(fresh.secret), name, fresh.csrf, now, now))
        return fresh

    def principal(self, secret: str) -> Principal | None:
        """Whose session this is, None when it is unknown, too old or idle for too long."""
        now, key = self._now_ms(), hashed(secret)
        rows = self._file.ask("select account, csrf, began_at, seen_at from session where hash=?", key)
        if not rows:
            return None
        name, csrf, began_at, seen_at = rows[0]
        assert isinstance(began_at, int) and isinstance(seen_at, int)
        if now - began_at > TOTAL_MS or now - seen_at > IDLE_MS:
            self.end(secret)
            return None
        account = self._accounts.get(str(name))
        if account is None or not account.active:
            return None
        if now - seen_at > MINUTE_MS:  # not a write for every request
            with self._file.change() as db:
                db.execute("update session set seen_at=? where hash=?", (now, key))
        return principal_of(account, str(csrf))

    def end(self, secret: str) -> None:
        with self._file.change() as db:
            db.execute("delete from session where hash=?", (hashed(secret),))

    def end_all(self, name: str) -> None:
        with self._file.change() as db:
            db.execute("delete from session where account=?", (name,))


def principal_of(account: Account, csrf: str) -> Principal:
    return Principal(
        "account", account.name, account.role, SCOPES_OF[account.role], csrf, account.places, demo=account.demo
    )


def _one_network(address: str) -> str:
    """What one person can take addresses from: of IPv6 the /64."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network((found, 64), strict=False)) if found.version == 6 else address
