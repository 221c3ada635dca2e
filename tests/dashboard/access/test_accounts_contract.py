"""What every place that keeps accounts must do. A new implementation is one more of MAKERS."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dashboard.access.accounts import Account, AccountRejected, Accounts
from dashboard.access.accounts.sqlite import SqliteAccounts
from dashboard.access.desk_file import DeskFile

MAKERS: dict[str, Callable[[Path], tuple[Accounts, Accounts]]] = {
    # Two that keep the same accounts, as a command and the dashboard have.
    "sqlite": lambda path: (SqliteAccounts(DeskFile(path)), SqliteAccounts(DeskFile(path))),
}
SOMSRI = Account("somsri", "teacher", "a hash", frozenset({"ban-suan.p1-2", "rim-khlong"}), said=True, created_at=5)


@pytest.fixture(params=MAKERS)
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Accounts, Accounts]]:
    yield MAKERS[request.param](tmp_path / "accounts")


@pytest.fixture
def known(pair: tuple[Accounts, Accounts]) -> Accounts:
    pair[0].add(SOMSRI)
    return pair[0]


def test_an_account_is_given_back_as_it_was_kept(known: Accounts) -> None:
    assert known.get("somsri") == SOMSRI
    assert known.get("nobody") is None and known.get("") is None


@pytest.mark.parametrize("said", [True, False])
def test_everything_said_and_nothing_said_stay_apart(known: Accounts, said: bool) -> None:
    known.add(Account("mali", "caretaker", "x", frozenset(), said))
    found = known.get("mali")
    assert found is not None and found.places == frozenset() and found.said is said
    known.set_places("mali", [])
    found = known.get("mali")
    assert found is not None and found.said


def test_a_name_belongs_to_one_account(known: Accounts) -> None:
    with pytest.raises(AccountRejected, match="already exists"):
        known.add(Account("somsri", "admin", "other", frozenset(), True))
    assert known.get("somsri") == SOMSRI


def test_accounts_are_listed_by_name_disabled_ones_too(known: Accounts) -> None:
    known.add(Account("anan", "viewer", "", frozenset(), False, demo=True))
    known.disable("anan", 9)
    assert [(one.name, one.active, one.demo) for one in known.all()] == [
        ("anan", False, True),
        ("somsri", True, False),
    ]


def test_a_new_password_opens_a_disabled_account_again(known: Accounts) -> None:
    known.disable("somsri", 9)
    with pytest.raises(AccountRejected):
        known.disable("somsri", 10)
    known.set_password("somsri", "another hash")
    found = known.get("somsri")
    assert found is not None and found.active and found.password == "another hash"


def test_what_is_not_there_cannot_be_changed(known: Accounts) -> None:
    for change in (
        lambda: known.set_password("nobody", "x"),
        lambda: known.set_places("nobody", []),
        lambda: known.disable("nobody", 1),
        lambda: known.invite("nobody", "school", b"mail"),
    ):
        with pytest.raises(AccountRejected, match="there is no"):
            change()


def test_an_address_invites_once_and_then_the_subject_counts(known: Accounts) -> None:
    known.invite("somsri", "school", b"mail")
    assert known.identify("other", b"subject", b"mail") is None
    found = known.identify("school", b"subject", b"mail")
    assert found is not None and found.name == "somsri"
    # The address may go to somebody else one day, and the person may change theirs.
    assert known.identify("school", b"another person", b"mail") is None
    found = known.identify("school", b"subject", b"new mail")
    assert found is not None and found.name == "somsri"


def test_an_address_is_one_accounts_and_a_new_invitation_takes_the_old_ones_place(known: Accounts) -> None:
    known.add(Account("mali", "viewer", "x", frozenset(), True))
    known.invite("somsri", "school", b"mail")
    with pytest.raises(AccountRejected, match="another account"):
        known.invite("mali", "school", b"mail")
    assert known.identify("school", b"subject", b"mail") is not None
    known.invite("somsri", "school", b"new mail")
    assert known.identify("school", b"subject", b"mail") is None


def test_a_disabled_account_is_known_as_such(known: Accounts) -> None:
    known.invite("somsri", "school", b"mail")
    known.disable("somsri", 9)
    found = known.identify("school", b"subject", b"mail")
    assert found is not None and not found.active
    with pytest.raises(AccountRejected):
        known.invite("somsri", "school", b"mail")


def test_a_change_is_seen_by_whoever_asks_next(pair: tuple[Accounts, Accounts]) -> None:
    pair[0].add(SOMSRI)
    assert pair[1].get("somsri") == SOMSRI
    pair[1].set_places("somsri", ["ban-suan"])
    found = pair[0].get("somsri")
    assert found is not None and found.places == {"ban-suan"}


def test_many_at_once_make_one_account(pair: tuple[Accounts, Accounts]) -> None:
    made: list[str] = []

    def make(accounts: Accounts, password: str) -> None:
        try:
            accounts.add(Account("one", "viewer", password, frozenset({"a", "b"}), True))
            made.append(password)
        except AccountRejected:
            pass

    threads = [threading.Thread(target=make, args=(pair[n % 2], str(n))) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = pair[0].get("one")
    assert found is not None and made == [found.password] and found.places == {"a", "b"}
