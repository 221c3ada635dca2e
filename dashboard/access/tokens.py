"""Tokens of programs: scopes, places and an end. Only the hash of each is kept."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from classair.units import DAY_MS
from dashboard.access.accounts import NAME_PATTERN, AccountRejected, check_places
from dashboard.access.desk_file import DeskFile
from dashboard.access.roles import TOKEN_SCOPES, Principal
from dashboard.access.sessions import hashed

TOKEN_PREFIX: Final = "classair_"  # noqa: S105  how a leaked token is recognised

_SCHEMA: Final = """
create table if not exists token(
  id text primary key, hash blob not null unique, name text not null, scopes text not null,
  created_at int not null, expires_at int not null, revoked_at int
) without rowid;
create table if not exists token_place(
  token text not null, place text not null, primary key(token, place)
) without rowid;
"""
_PLACES: Final = "(select group_concat(place, ' ') from token_place where token=token.id)"


@dataclass(frozen=True, slots=True)
class TokenInfo:
    id: str
    name: str
    scopes: tuple[str, ...]
    created_at: int
    expires_at: int
    revoked_at: int | None
    places: tuple[str, ...] = ()


class Tokens:
    def __init__(self, file: DeskFile, now_ms: Callable[[], int]) -> None:
        self._file, self._now_ms = file, now_ms
        file.add_tables(_SCHEMA)

    def create(self, name: str, scopes: Sequence[str], days: int, places: Sequence[str] = ()) -> str:
        """The token, to be shown once; only its hash is kept. No `places`: all. Raises AccountRejected."""
        if not NAME_PATTERN.fullmatch(name):
            raise AccountRejected(f"token name {name!r}: expected 2 to 32 of a-z, 0-9, . _ and -")
        unknown = [scope for scope in scopes if scope not in TOKEN_SCOPES]
        if unknown or not scopes:
            raise AccountRejected(f"scope {', '.join(unknown) or 'missing'}: expected {', '.join(TOKEN_SCOPES)}")
        if not 1 <= days <= 730:
            raise AccountRejected("days: expected 1 to 730")
        check_places("", places)
        secret, now, identity = TOKEN_PREFIX + secrets.token_urlsafe(32), self._now_ms(), secrets.token_hex(4)
        with self._file.change() as db:
            db.execute(
                "insert into token values(?,?,?,?,?,?,null)",
                (identity, hashed(secret), name, " ".join(sorted(set(scopes))), now, now + days * DAY_MS),
            )
            db.executemany("insert or ignore into token_place values(?,?)", [(identity, place) for place in places])
        return secret

    def all(self) -> list[TokenInfo]:
        rows = self._file.ask(
            f"select id, name, scopes, created_at, expires_at, revoked_at, {_PLACES} from token order by created_at"
        )
        return [
            TokenInfo(
                str(identity),
                str(name),
                tuple(str(scopes).split()),
                int(str(created)),
                int(str(expires)),
                None if revoked is None else int(str(revoked)),
                tuple(sorted(str(places or "").split())),
            )
            for identity, name, scopes, created, expires, revoked, places in rows
        ]

    def revoke(self, token: str) -> None:
        """By id or, when there is one of it, by name. Raises AccountRejected."""
        with self._file.change() as db:
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

    def principal(self, secret: str) -> Principal | None:
        """What a token stands for; None when unknown, expired or revoked. Every scope includes reading."""
        if not secret.startswith(TOKEN_PREFIX):
            return None
        rows = self._file.ask(
            f"select name, scopes, {_PLACES} from token where hash=? and revoked_at is null and expires_at>?",
            hashed(secret),
            self._now_ms(),
        )
        if not rows:
            return None
        name, scopes, places = rows[0]
        scope = frozenset({"read", *str(scopes).split()})
        return Principal("token", str(name), "", scope, places=frozenset(str(places or "").split()))
