"""Accounts: what is known of each, and what a place that keeps them must do. SQLite's is sqlite.py beside this."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from dashboard.access.roles import ROLES

NAME_PATTERN: Final = re.compile(r"^[a-z0-9][a-z0-9._-]{1,31}$")
PLACE_PATTERN: Final = re.compile(r"^[a-z0-9-]{1,32}(\.[a-z0-9-]{1,32})?$")
PASSWORD_LEAST: Final = 10
TIED: Final = ("teacher", "caretaker", "head")
"""Roles whose places must be said, even if they are all."""


class AccountRejected(ValueError):
    """An account or token that cannot be made so; the message says what would be right."""


@dataclass(frozen=True, slots=True)
class Account:
    """`places`: sites and rooms it is tied to, empty: all. `said`: somebody has said so, and it was not left open.

    `password` is a hash, empty where the account has none; `demo` accounts sign in on a button, in the demo alone.
    """

    name: str
    role: str
    password: str
    places: frozenset[str]
    said: bool
    active: bool = True
    demo: bool = False
    created_at: int = 0


class Accounts(Protocol):
    """Keeps accounts. Callable from any thread; each change is whole or not at all, and seen by whoever asks next.

    A name or an identity belongs to one account. What is said here is held by one suite over every implementation
    (tests/dashboard/access/test_accounts_contract.py).
    """

    def add(self, account: Account) -> None:
        """Raises AccountRejected where the name is taken."""
        ...

    def get(self, name: str) -> Account | None: ...

    def all(self) -> list[Account]:
        """In order of their names, disabled ones included."""
        ...

    def set_password(self, name: str, hashed: str) -> None:
        """Makes a disabled account active again. Raises AccountRejected where there is none of this name."""
        ...

    def set_places(self, name: str, places: Sequence[str]) -> None:
        """Empty: all, said so. Raises AccountRejected where there is none of this name."""
        ...

    def disable(self, name: str, now_ms: int) -> None:
        """Raises AccountRejected where there is no active one of this name."""
        ...

    def invite(self, name: str, provider: str, mail: bytes) -> None:
        """The first who signs in at the provider with this address (a hash) is this account from then on.

        Takes the place of the account's earlier invitation and identity there. Raises AccountRejected where there is no
        active one of this name, or the address is another account's at this provider.
        """
        ...

    def identify(self, provider: str, subject: bytes, mail: bytes) -> Account | None:
        """Whose identity it is: known by its subject (a hash), or invited by its address and known from now on.

        None for strangers; a disabled account is given as such.
        """
        ...


def check_name(name: str) -> None:
    """Raises AccountRejected, as all checks do."""
    if not NAME_PATTERN.fullmatch(name):
        raise AccountRejected(f"account name {name!r}: expected 2 to 32 of a-z, 0-9, . _ and -")


def check_role(role: str) -> None:
    if role not in ROLES:
        raise AccountRejected(f"role {role!r}: expected one of {', '.join(ROLES)}")


def check_password(password: str, name: str) -> None:
    if len(password) < PASSWORD_LEAST:
        raise AccountRejected(
            f"password: must have at least {PASSWORD_LEAST} characters, for example three or four unrelated words"
        )
    if len(password) > 1024:
        raise AccountRejected("password: must have at most 1024 characters")
    if name and name in password.lower():
        raise AccountRejected("password: must not contain the account's name")


def check_places(role: str, places: Sequence[str]) -> None:
    """`role` is empty for a token."""
    if places and role == "admin":
        raise AccountRejected("role admin: an administrator is responsible for everything and cannot be tied to places")
    for place in places:
        if not PLACE_PATTERN.fullmatch(place):
            raise AccountRejected(f"place {place!r}: expected <site>.<room> or <site>, such as ban-suan.p1-2")
