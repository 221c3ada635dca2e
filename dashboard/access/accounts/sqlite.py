"""Accounts in desk.db. Implements Accounts."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Final

from dashboard.access.accounts import Account, AccountRejected
from dashboard.access.desk_file import DeskFile

_ALL: Final = "*"
"""Stands among the places of an account of which somebody has said that it is about everything."""
_DEMO: Final = "demo"
"""Stands for the password's hash where there is none and never will be."""

_SCHEMA: Final = """
create table if not exists account(
  name text primary key, role text not null, password text not null, created_at int not null, disabled_at int
) without rowid;
create table if not exists account_place(
  account text not null, place text not null, primary key(account, place)
) without rowid;
create table if not exists account_identity(
  account text not null, provider text not null, mail blob not null, subject blob,
  primary key(account, provider), unique(provider, mail), unique(provider, subject)
) without rowid;
"""
_COLUMNS: Final = (
    "name, role, password, created_at, disabled_at is null, "
    "(select group_concat(place, ' ') from account_place where account_place.account=name)"
)


class SqliteAccounts:
    """`file`: desk.db, shared with whatever else is kept in it."""

    def __init__(self, file: DeskFile) -> None:
        self._file = file
        file.add_tables(_SCHEMA)

    def add(self, account: Account) -> None:
        password = _DEMO if account.demo else account.password
        with self._file.change() as db:
            if db.execute("select 1 from account where name=?", (account.name,)).fetchone():
                raise AccountRejected(
                    f"account {account.name!r} already exists. "
                    f"To set a new password: classair user password {account.name}"
                )
            db.execute(
                "insert into account values(?,?,?,?,?)",
                (account.name, account.role, password, account.created_at, None if account.active else 0),
            )
            if account.said:
                _put_places(db, account.name, sorted(account.places))

    def get(self, name: str) -> Account | None:
        rows = self._file.ask(f"select {_COLUMNS} from account where name=?", name)
        return _account(rows[0]) if rows else None

    def all(self) -> list[Account]:
        return [_account(row) for row in self._file.ask(f"select {_COLUMNS} from account order by name")]

    def set_password(self, name: str, hashed: str) -> None:
        with self._file.change() as db:
            changed = db.execute("update account set password=?, disabled_at=null where name=?", (hashed, name))
            if not changed.rowcount:
                raise _no_account(name)

    def set_places(self, name: str, places: Sequence[str]) -> None:
        with self._file.change() as db:
            if not db.execute("select 1 from account where name=?", (name,)).fetchone():
                raise _no_account(name)
            _put_places(db, name, places)

    def disable(self, name: str, now_ms: int) -> None:
        with self._file.change() as db:
            changed = db.execute(
                "update account set disabled_at=? where name=? and disabled_at is null", (now_ms, name)
            )
            if not changed.rowcount:
                raise AccountRejected(f"there is no active account {name!r}")

    def invite(self, name: str, provider: str, mail: bytes) -> None:
        with self._file.change() as db:
            if not db.execute("select 1 from account where name=? and disabled_at is null", (name,)).fetchone():
                raise AccountRejected(f"there is no active account {name!r}")
            db.execute("delete from account_identity where account=? and provider=?", (name, provider))
            try:
                db.execute("insert into account_identity values(?,?,?,null)", (name, provider, mail))
            except sqlite3.IntegrityError:
                raise AccountRejected(f"this address already belongs to another account at {provider}") from None

    def identify(self, provider: str, subject: bytes, mail: bytes) -> Account | None:
        with self._file.change() as db:
            known = db.execute(
                "select account from account_identity where provider=? and subject=?", (provider, subject)
            ).fetchone()
            if known is None:
                known = db.execute(
                    "select account from account_identity where provider=? and mail=? and subject is null",
                    (provider, mail),
                ).fetchone()
                if known is None:
                    return None
                db.execute(
                    "update account_identity set subject=? where provider=? and mail=?", (subject, provider, mail)
                )
        return self.get(str(known[0]))


def _put_places(db: sqlite3.Connection, name: str, places: Sequence[str]) -> None:
    db.execute("delete from account_place where account=?", (name,))
    db.executemany("insert or ignore into account_place values(?,?)", [(name, place) for place in places or (_ALL,)])


def _account(row: tuple[object, ...]) -> Account:
    name, role, password, created_at, active, places = row
    said = frozenset(str(places or "").split())
    demo = password == _DEMO
    return Account(
        str(name),
        str(role),
        "" if demo else str(password),
        said - {_ALL},
        bool(said),
        bool(active),
        demo,
        int(str(created_at)),
    )


def _no_account(name: str) -> AccountRejected:
    return AccountRejected(f"there is no account {name!r}")
