"""desk.db: accounts, sessions, phones, tokens, attempts to sign in, who changed what. Only the dashboard writes it."""

from __future__ import annotations

import hashlib
import ipaddress
import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from classair.units import MINUTE_MS
from dashboard.access import line_inbox, phones
from dashboard.access.desk_file import DeskFile
from dashboard.access.roles import ROLES, SCOPES_OF, TOKEN_SCOPES, Principal

IDLE_MS: Final = 30 * MINUTE_MS
TOTAL_MS: Final = 12 * 60 * MINUTE_MS
LIMIT_WINDOW_MS: Final = 15 * MINUTE_MS
# Failures within the window. An account's are counted apart for each place (the school, the internet, one remembered
# phone), so that strangers cannot lock anybody out of the school.
LIMIT_ACCOUNT: Final = 10  # of one account from one address
LIMIT_PLACE: Final = 30  # of one account from all addresses of a place
LIMIT_ADDRESS: Final = 30  # of all accounts from one address; a school shares one
TOKEN_PREFIX: Final = "classair_"  # noqa: S105  how a leaked token is recognised
PASSWORD_LEAST: Final = 10
NAME_PATTERN: Final = re.compile(r"^[a-z0-9][a-z0-9._-]{1,31}$")
PLACE_PATTERN: Final = re.compile(r"^[a-z0-9-]{1,32}(\.[a-z0-9-]{1,32})?$")

_SCHEMA: Final = """
create table if not exists account(
  name text primary key, role text not null, password text not null, created_at int not null, disabled_at int
) without rowid;
create table if not exists account_place(
  account text not null, place text not null, primary key(account, place)
) without rowid;
create table if not exists session(
  hash blob primary key, account text not null, csrf text not null, began_at int not null, seen_at int not null
) without rowid;
create table if not exists token(
  id text primary key, hash blob not null unique, name text not null, scopes text not null,
  created_at int not null, expires_at int not null, revoked_at int
) without rowid;
create table if not exists failure(at int not null, account blob not null, address text not null);
create index if not exists failure_at on failure(at);
create table if not exists audit(
  id integer primary key, at int not null, who text not null, do text not null, about text not null,
  outcome text not null
);
"""


class AccountRejected(ValueError):
    """An account or token that cannot be made so; the message says what would be right."""


class TooMany(Exception):
    """Too many failed attempts to sign in; the same for accounts that exist and for those that do not."""


@dataclass(frozen=True, slots=True)
class Session:
    """`secret` goes to the browser alone; here only its hash is kept."""

    secret: str
    csrf: str


@dataclass(frozen=True, slots=True)
class TokenInfo:
    id: str
    name: str
    scopes: tuple[str, ...]
    created_at: int
    expires_at: int
    revoked_at: int | None


def _hash(secret: str) -> bytes:
    # Secrets of 256 random bits need no slow hash; passwords do and get argon2id.
    return hashlib.sha256(secret.encode()).digest()


class Desk:
    """`file`: desk.db, or where it is. `now_ms` is the clock."""

    def __init__(self, file: DeskFile | Path, now_ms: Callable[[], int], hasher: PasswordHasher | None = None) -> None:
        self.file = file if isinstance(file, DeskFile) else DeskFile(file)
        self._now_ms = now_ms
        self._hasher = hasher or PasswordHasher()
        self._nobody = self._hasher.hash(secrets.token_urlsafe())
        self._change, self._ask = self.file.change, self.file.ask
        self.file.add_tables(_SCHEMA + phones.SCHEMA + line_inbox.SCHEMA)
        self.phones = phones.Phones(self._change, self._ask, _hash, now_ms)
        self.line = line_inbox.LineInbox(self._change, self._ask)

    def close(self) -> None:
        self.file.close()

    # -- accounts -----------------------------------------------------------------------------------------------------

    def add_account(self, name: str, role: str, password: str, places: Sequence[str] = ()) -> None:
        """`places`: see `set_places`. Raises AccountRejected."""
        if not NAME_PATTERN.fullmatch(name):
            raise AccountRejected(f"account name {name!r}: expected 2 to 32 of a-z, 0-9, . _ and -")
        if role not in ROLES:
            raise AccountRejected(f"role {role!r}: expected one of {', '.join(ROLES)}")
        _check_password(password, name)
        _check_places(role, places)
        hashed = self._hasher.hash(password)
        with self._change() as db:
            if db.execute("select 1 from account where name=?", (name,)).fetchone():
                raise AccountRejected(
                    f"account {name!r} already exists. To set a new password: classair user password {name}"
                )
            db.execute("insert into account values(?,?,?,?,null)", (name, role, hashed, self._now_ms()))
            db.executemany("insert or ignore into account_place values(?,?)", [(name, place) for place in places])

    def set_places(self, name: str, places: Sequence[str]) -> None:
        """The rooms (`<site>.<room>`) and sites that an account may control; none: all. Raises AccountRejected."""
        role = self._ask("select role from account where name=?", name)
        if not role:
            raise AccountRejected(f"there is no account {name!r}")
        _check_places(str(role[0][0]), places)
        with self._change() as db:
            db.execute("delete from account_place where account=?", (name,))
            db.executemany("insert or ignore into account_place values(?,?)", [(name, place) for place in places])

    def places(self) -> dict[str, list[str]]:
        """Of each account that is tied to places: which."""
        found: dict[str, list[str]] = {}
        for name, place in self._ask("select account, place from account_place order by account, place"):
            found.setdefault(str(name), []).append(str(place))
        return found

    def set_password(self, name: str, password: str) -> None:
        """Ends all sessions of the account and forgets its phones. Raises AccountRejected."""
        _check_password(password, name)
        hashed = self._hasher.hash(password)
        with self._change() as db:
            changed = db.execute(
                "update account set password=?, disabled_at=null where name=?", (hashed, name)
            ).rowcount
            db.execute("delete from session where account=?", (name,))
            db.execute("delete from phone where account=?", (name,))
        if not changed:
            raise AccountRejected(f"there is no account {name!r}")

    def disable_account(self, name: str) -> None:
        """Ends the sign-in, all sessions and phones; what it did stays in the audit. Raises AccountRejected."""
        with self._change() as db:
            changed = db.execute(
                "update account set disabled_at=? where name=? and disabled_at is null", (self._now_ms(), name)
            ).rowcount
            db.execute("delete from session where account=?", (name,))
            db.execute("delete from phone where account=?", (name,))
        if not changed:
            raise AccountRejected(f"there is no active account {name!r}")

    def accounts(self) -> list[tuple[str, str, bool]]:
        """Name, role and whether it is active."""
        rows = self._ask("select name, role, disabled_at is null from account order by name")
        return [(str(name), str(role), bool(active)) for name, role, active in rows]

    # -- signing in ---------------------------------------------------------------------------------------------------

    def sign_in(self, name: str, password: str, address: str, place: str = "") -> Session | None:
        """A new session, None when name or password is wrong. Raises TooMany. Takes as long for unknown names.

        The name that was typed is kept only as a hash: people type passwords into the wrong field.
        """
        now, account, address = self._now_ms(), _hash(f"{place}\0{name}"), _one_network(address)
        with self._change() as db:
            db.execute("delete from failure where at<?", (now - LIMIT_WINDOW_MS,))
            of_place, of_account = db.execute(
                "select count(*), count(case when address=? then 1 end) from failure where account=?",
                (address, account),
            ).fetchone()
            of_address = db.execute("select count(*) from failure where address=?", (address,)).fetchone()[0]
        if of_account >= LIMIT_ACCOUNT or of_place >= LIMIT_PLACE or of_address >= LIMIT_ADDRESS:
            raise TooMany
        row = self._ask("select password from account where name=? and disabled_at is null", name)
        try:
            self._hasher.verify(str(row[0][0]) if row else self._nobody, password)
            good = bool(row)
        except (VerifyMismatchError, InvalidHashError):
            good = False
        if not good:
            with self._change() as db:
                db.execute("insert into failure values(?,?,?)", (now, account, address))
            return None
        fresh = Session(secrets.token_urlsafe(32), secrets.token_urlsafe(24))
        with self._change() as db:
            # Those of others stay: a guesser must not begin anew whenever the owner signs in.
            db.execute("delete from failure where account=? and address=?", (account, address))
            db.execute("delete from session where began_at<? or seen_at<?", (now - TOTAL_MS, now - IDLE_MS))
            db.execute("insert into session values(?,?,?,?,?)", (_hash(fresh.secret), name, fresh.csrf, now, now))
        return fresh

    def session(self, secret: str) -> Principal | None:
        """Whose session this is, None when it is unknown, too old or idle for too long."""
        now, key = self._now_ms(), _hash(secret)
        rows = self._ask(
            "select account, role, csrf, began_at, seen_at, "
            "(select group_concat(place, ' ') from account_place where account_place.account=name) "
            "from session join account on name=account where hash=? and disabled_at is null",
            key,
        )
        if not rows:
            return None
        name, role, csrf, began_at, seen_at, places = rows[0]
        assert isinstance(began_at, int) and isinstance(seen_at, int)
        if now - began_at > TOTAL_MS or now - seen_at > IDLE_MS:
            self.sign_out(secret)
            return None
        if now - seen_at > MINUTE_MS:  # not a write for every request
            with self._change() as db:
                db.execute("update session set seen_at=? where hash=?", (now, key))
        tied = frozenset(str(places or "").split())
        return Principal("account", str(name), str(role), SCOPES_OF[str(role)], str(csrf), tied)

    def sign_out(self, secret: str) -> None:
        with self._change() as db:
            db.execute("delete from session where hash=?", (_hash(secret),))

    # -- tokens -------------------------------------------------------------------------------------------------------

    def create_token(self, name: str, scopes: tuple[str, ...], days: int) -> str:
        """The token, to be shown once; only its hash is kept. Raises AccountRejected."""
        if not NAME_PATTERN.fullmatch(name):
            raise AccountRejected(f"token name {name!r}: expected 2 to 32 of a-z, 0-9, . _ and -")
        unknown = [scope for scope in scopes if scope not in TOKEN_SCOPES]
        if unknown or not scopes:
            raise AccountRejected(f"scope {', '.join(unknown) or 'missing'}: expected {', '.join(TOKEN_SCOPES)}")
        if not 1 <= days <= 730:
            raise AccountRejected("days: expected 1 to 730")
        secret, now = TOKEN_PREFIX + secrets.token_urlsafe(32), self._now_ms()
        with self._change() as db:
            db.execute(
                "insert into token values(?,?,?,?,?,?,null)",
                (
                    secrets.token_hex(4),
                    _hash(secret),
                    name,
                    " ".join(sorted(set(scopes))),
                    now,
                    now + days * 86_400_000,
                ),
            )
        return secret

    def tokens(self) -> list[TokenInfo]:
        rows = self._ask("select id, name, scopes, created_at, expires_at, revoked_at from token order by created_at")
        return [
            TokenInfo(
                str(i), str(n), tuple(str(s).split()), int(str(c)), int(str(e)), None if r is None else int(str(r))
            )
            for i, n, s, c, e, r in rows
        ]

    def revoke_token(self, token: str) -> None:
        """By id or, when there is one of it, by name. Raises AccountRejected."""
        with self._change() as db:
            ids = [
                row[0]
                for row in db.execute(
                    "select id from token where (id=? or name=?) and revoked_at is null", (token, token)
                )
            ]
            if len(ids) == 1:
                db.execute("update token set revoked_at=? where id=?", (self._now_ms(), ids[0]))
        if not ids:
            raise AccountRejected(f"there is no active token {token!r}")
        if len(ids) > 1:
            raise AccountRejected(f"several tokens are named {token!r}. Revoke by id: {', '.join(ids)}")

    def token(self, secret: str) -> Principal | None:
        """What a token stands for; None when unknown, expired or revoked. Every scope includes reading."""
        if not secret.startswith(TOKEN_PREFIX):
            return None
        rows = self._ask(
            "select name, scopes from token where hash=? and revoked_at is null and expires_at>?",
            _hash(secret),
            self._now_ms(),
        )
        if not rows:
            return None
        return Principal("token", str(rows[0][0]), "", frozenset({"read", *str(rows[0][1]).split()}))

    # -- who changed what ---------------------------------------------------------------------------------------------

    def note(self, who: str, do: str, about: str, outcome: str) -> None:
        with self._change() as db:
            db.execute(
                "insert into audit(at, who, do, about, outcome) values(?,?,?,?,?)",
                (self._now_ms(), who, do, about[:200], outcome[:200]),
            )

    def audit(self, limit: int = 100) -> list[tuple[int, str, str, str, str]]:
        """Newest first: at, who, do, about, outcome."""
        rows = self._ask("select at, who, do, about, outcome from audit order by id desc limit ?", limit)
        return [(int(str(at)), str(who), str(do), str(about), str(outcome)) for at, who, do, about, outcome in rows]


def _one_network(address: str) -> str:
    """What one person can take addresses from: of IPv6 the /64."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network((found, 64), strict=False)) if found.version == 6 else address


def _check_password(password: str, name: str) -> None:
    if len(password) < PASSWORD_LEAST:
        raise AccountRejected(
            f"password: must have at least {PASSWORD_LEAST} characters, for example three or four unrelated words"
        )
    if len(password) > 1024:
        raise AccountRejected("password: must have at most 1024 characters")
    if name and name in password.lower():
        raise AccountRejected("password: must not contain the account's name")


def _check_places(role: str, places: Sequence[str]) -> None:
    if places and role != "teacher":
        raise AccountRejected(f"role {role}: only teachers can be tied to rooms; other roles control all or none")
    for place in places:
        if not PLACE_PATTERN.fullmatch(place):
            raise AccountRejected(f"room {place!r}: expected <site>.<room> or <site>, such as ban-suan.p1-2")
