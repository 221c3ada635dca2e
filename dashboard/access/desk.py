"""The desk: accounts, sessions, phones, tokens and the audit together, each in its own file, all in desk.db."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from argon2 import PasswordHasher

from dashboard.access import line_inbox, phones
from dashboard.access.accounts import (
    Account,
    AccountRejected,
    Accounts,
    check_name,
    check_password,
    check_places,
    check_role,
)
from dashboard.access.accounts.sqlite import SqliteAccounts
from dashboard.access.audit import Action, Audit
from dashboard.access.desk_file import DeskFile
from dashboard.access.openid.tries import Tries
from dashboard.access.roles import Principal
from dashboard.access.sessions import (
    IDLE_MS,
    LIMIT_ACCOUNT,
    LIMIT_ADDRESS,
    LIMIT_PLACE,
    LIMIT_WINDOW_MS,
    TOTAL_MS,
    Session,
    Sessions,
    TooMany,
    hashed,
)
from dashboard.access.tokens import TokenInfo, Tokens

__all__ = [
    "IDLE_MS",
    "LIMIT_ACCOUNT",
    "LIMIT_ADDRESS",
    "LIMIT_PLACE",
    "LIMIT_WINDOW_MS",
    "TOTAL_MS",
    "AccountRejected",
    "Desk",
    "Session",
    "TooMany",
]


class Desk:
    """`file`: desk.db, or where it is. `now_ms` is the clock. `accounts`: kept elsewhere than in desk.db."""

    def __init__(
        self,
        file: DeskFile | Path,
        now_ms: Callable[[], int],
        hasher: PasswordHasher | None = None,
        accounts: Accounts | None = None,
    ) -> None:
        self.file = file if isinstance(file, DeskFile) else DeskFile(file)
        self._now_ms = now_ms
        self._hasher = hasher or PasswordHasher()
        self.known: Accounts = accounts if accounts is not None else SqliteAccounts(self.file)
        self._sessions = Sessions(self.file, self.known, now_ms, self._hasher)
        self._tokens = Tokens(self.file, now_ms)
        self.history = Audit(self.file, now_ms)
        self.file.add_tables(phones.SCHEMA + line_inbox.SCHEMA)
        self.phones = phones.Phones(self.file, self.known, hashed, now_ms)
        self.line = line_inbox.LineInbox(self.file)
        self.tries = Tries(self.file, now_ms)

    def close(self) -> None:
        self.file.close()

    # -- accounts -----------------------------------------------------------------------------------------------------

    def add_account(self, name: str, role: str, password: str, places: Sequence[str] | None = None) -> None:
        """`password` empty: none, for those who sign in elsewhere. `places`: see `set_places`; None: nobody has said.

        Raises AccountRejected.
        """
        self.check_account(name, role, places or ())
        if password:
            check_password(password, name)
        secret = self._hasher.hash(password) if password else ""
        said = places is not None
        self.known.add(Account(name, role, secret, frozenset(places or ()), said, created_at=self._now_ms()))

    @staticmethod
    def check_account(name: str, role: str, places: Sequence[str]) -> None:
        """Raises AccountRejected for what no account can be, whoever there is."""
        check_name(name)
        check_role(role)
        check_places(role, places)

    def set_places(self, name: str, places: Sequence[str]) -> None:
        """The rooms (`<site>.<room>`) and sites that an account is about; none: all. Raises AccountRejected."""
        found = self.known.get(name)
        check_places(found.role if found else "", places)
        self.known.set_places(name, places)

    def places(self) -> dict[str, list[str]]:
        """Of each account that is tied to places: which."""
        return {one.name: sorted(one.places) for one in self.known.all() if one.places}

    def set_password(self, name: str, password: str) -> None:
        """Ends all sessions of the account and forgets its phones. Raises AccountRejected."""
        check_password(password, name)
        self.known.set_password(name, self._hasher.hash(password))
        self._leave(name)

    def disable_account(self, name: str) -> None:
        """Ends the sign-in, all sessions and phones; what it did stays in the audit. Raises AccountRejected."""
        try:
            self.known.disable(name, self._now_ms())
        finally:
            self._leave(name)

    def accounts(self) -> list[tuple[str, str, bool]]:
        """Name, role and whether it is active."""
        return [(one.name, one.role, one.active) for one in self.known.all()]

    def _leave(self, name: str) -> None:
        self._sessions.end_all(name)
        self.phones.forget_all(name)

    # -- signing in ---------------------------------------------------------------------------------------------------

    def sign_in(self, name: str, password: str, address: str, place: str = "") -> Session | None:
        """See Sessions.sign_in. Raises TooMany."""
        return self._sessions.sign_in(name, password, address, place)

    def sign_in_as(self, name: str) -> Session:
        """A session of an account that has proved itself elsewhere. Raises AccountRejected where it is not active."""
        found = self.known.get(name)
        if found is None or not found.active:
            raise AccountRejected(f"there is no active account {name!r}")
        return self._sessions.begin(name)

    def demo_session(self, name: str, role: str, places: Sequence[str]) -> Session:
        """A session of an account without a password, which is worth something in the demo alone; made when missing.

        Raises AccountRejected where an account of this name is none of the demo.
        """
        found = self.known.get(name)
        if found is None:
            self.known.add(Account(name, role, "", frozenset(places), True, demo=True, created_at=self._now_ms()))
        elif not found.demo:
            raise AccountRejected(f"account {name!r} already exists")
        return self.sign_in_as(name)

    def session(self, secret: str) -> Principal | None:
        return self._sessions.principal(secret)

    def sign_out(self, secret: str) -> None:
        self._sessions.end(secret)

    # -- tokens -------------------------------------------------------------------------------------------------------

    def create_token(self, name: str, scopes: Sequence[str], days: int, places: Sequence[str] = ()) -> str:
        return self._tokens.create(name, scopes, days, places)

    def tokens(self) -> list[TokenInfo]:
        return self._tokens.all()

    def revoke_token(self, token: str) -> None:
        self._tokens.revoke(token)

    def token(self, secret: str) -> Principal | None:
        return self._tokens.principal(secret)

    # -- who changed what ---------------------------------------------------------------------------------------------

    def note(self, who: str, do: Action, about: str, outcome: str) -> None:
        self.history.note(who, do, about, outcome)

    def audit(self, limit: int = 100) -> list[tuple[int, str, str, str, str]]:
        """Newest first: at, who, do, about, outcome."""
        return [(one.at, one.who, one.do, one.about, one.outcome) for one in self.history.page(limit)]
