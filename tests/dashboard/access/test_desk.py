"""Accounts, sessions, tokens: what is kept, how long it lasts, and what the command says."""

from __future__ import annotations

import io
import sqlite3
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from classair.places import Places
from dashboard.access import command
from dashboard.access.desk import (
    IDLE_MS,
    LIMIT_ACCOUNT,
    LIMIT_ADDRESS,
    LIMIT_PLACE,
    LIMIT_WINDOW_MS,
    TOTAL_MS,
    AccountRejected,
    Desk,
    TooMany,
)
from tests.dashboard.access.conftest import SECRET, Clock

pytestmark = pytest.mark.thorough

MINUTE = 60_000


@pytest.fixture
def desk(tmp_path: Path, clock: Clock) -> Iterator[Desk]:
    opened = Desk(tmp_path / "desk.db", clock)
    opened.add_account("teacher", "teacher", SECRET)
    yield opened
    opened.close()


@pytest.fixture
def cheap(tmp_path: Path, clock: Clock) -> Iterator[Desk]:
    """Its passwords are hashed quickly, for many attempts."""
    opened = Desk(tmp_path / "cheap.db", clock, PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    opened.add_account("teacher", "teacher", SECRET)
    yield opened
    opened.close()


@pytest.mark.parametrize("name", ["head\n", "", "a", "Head", "-head", "a" * 33])
def test_a_name_is_an_id_and_nothing_around_it(desk: Desk, name: str) -> None:
    with pytest.raises(AccountRejected, match="expected 2 to 32"):
        desk.add_account(name, "viewer", SECRET)
    with pytest.raises(AccountRejected, match="expected 2 to 32"):
        desk.create_token(name, ("read",), 10)


def test_a_session_ends_after_half_an_hour_without_use(desk: Desk, clock: Clock) -> None:
    session = desk.sign_in("teacher", SECRET, "10.0.0.1")
    assert session is not None
    clock.now += IDLE_MS - 1
    assert desk.session(session.secret) is not None
    clock.now += IDLE_MS + MINUTE
    assert desk.session(session.secret) is None
    assert desk.session(session.secret) is None


def test_a_session_in_use_ends_after_twelve_hours(desk: Desk, clock: Clock) -> None:
    session = desk.sign_in("teacher", SECRET, "10.0.0.1")
    assert session is not None
    end = clock.now + TOTAL_MS
    while clock.now + 20 * MINUTE <= end:
        clock.now += 20 * MINUTE
        assert desk.session(session.secret) is not None
    clock.now = end + 1
    assert desk.session(session.secret) is None


def test_disabling_an_account_and_a_new_password_end_its_sessions(desk: Desk) -> None:
    first = desk.sign_in("teacher", SECRET, "10.0.0.1")
    assert first is not None
    desk.set_password("teacher", "another long secret")
    assert desk.session(first.secret) is None
    second = desk.sign_in("teacher", "another long secret", "10.0.0.1")
    assert second is not None
    desk.disable_account("teacher")
    assert desk.session(second.secret) is None
    assert desk.sign_in("teacher", "another long secret", "10.0.0.1") is None


def test_the_file_holds_no_secret_in_the_clear_and_is_its_owners_alone(desk: Desk, tmp_path: Path) -> None:
    session = desk.sign_in("teacher", SECRET, "10.0.0.1")
    token = desk.create_token("reader", ("read",), 30)
    desk.sign_in("my-typed-password", "x", "10.0.0.1")
    assert session is not None
    kept = b"".join(path.read_bytes() for path in tmp_path.glob("desk.db*"))
    for secret in (SECRET, session.secret, token, "my-typed-password"):
        assert secret.encode() not in kept
    assert b"$argon2id$" in kept
    assert (tmp_path / "desk.db").stat().st_mode & 0o077 == 0


def test_guessing_is_limited_per_account_and_forgiven_with_time(cheap: Desk, clock: Clock) -> None:
    for _ in range(LIMIT_ACCOUNT):
        assert cheap.sign_in("teacher", "wrong", "10.0.0.1", "school") is None
    with pytest.raises(TooMany):
        cheap.sign_in("teacher", SECRET, "10.0.0.1", "school")
    clock.now += LIMIT_WINDOW_MS + 1
    assert cheap.sign_in("teacher", SECRET, "10.0.0.1", "school") is not None


def test_many_addresses_of_a_place_share_a_limit_and_lock_nobody_out_elsewhere(cheap: Desk) -> None:
    for number in range(LIMIT_PLACE):
        assert cheap.sign_in("teacher", "wrong", f"20.30.40.{number}", "internet") is None
    with pytest.raises(TooMany):
        cheap.sign_in("teacher", SECRET, "20.30.50.1", "internet")
    assert cheap.sign_in("teacher", SECRET, "10.0.0.1", "school") is not None
    with pytest.raises(TooMany):
        cheap.sign_in("teacher", SECRET, "20.30.50.1", "internet")


def test_one_network_of_ipv6_counts_as_one_address(cheap: Desk) -> None:
    for number in range(LIMIT_ADDRESS):
        assert cheap.sign_in(f"nobody-{number}", "wrong", f"2001:db8::{number:x}", "internet") is None
    with pytest.raises(TooMany):
        cheap.sign_in("teacher", SECRET, "2001:db8::ffff:0:1", "internet")
    assert cheap.sign_in("teacher", SECRET, "2001:db8:0:1::1", "internet") is not None


def test_signing_in_forgives_only_the_own_addresss_failures(cheap: Desk) -> None:
    for _ in range(LIMIT_ACCOUNT):
        cheap.sign_in("teacher", "wrong", "10.0.0.66", "school")
    assert cheap.sign_in("teacher", SECRET, "10.0.0.1", "school") is not None
    with pytest.raises(TooMany):
        cheap.sign_in("teacher", SECRET, "10.0.0.66", "school")


@given(
    st.lists(
        st.tuples(st.sampled_from(["school", "internet"]), st.integers(0, 9), st.sampled_from(["wrong", SECRET])),
        max_size=120,
    )
)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_however_guesses_are_spread_a_place_has_few(
    cheap: Desk, clock: Clock, tries: list[tuple[str, int, str]]
) -> None:
    clock.now += LIMIT_WINDOW_MS + 1
    wrong: Counter[str] = Counter()
    for place, host, password in tries:
        try:
            done = cheap.sign_in("teacher", password, f"{place}-{host}", place)
        except TooMany:
            continue
        wrong[place] += done is None
        assert (done is None) == (password == "wrong")
    # Only signing in rightly from the very address gives it new guesses.
    if not any(password == SECRET for *_, password in tries):
        assert all(count <= LIMIT_PLACE for count in wrong.values())


def test_a_token_has_scopes_an_end_and_a_recognisable_beginning(desk: Desk, clock: Clock) -> None:
    token = desk.create_token("logger", ("control",), 30)
    assert token.startswith("classair_")
    principal = desk.token(token)
    assert principal is not None and principal.scopes == {"read", "control"}
    clock.now += 30 * 86_400_000
    assert desk.token(token) is None


@pytest.mark.parametrize(
    ("name", "role", "password", "said"),
    [
        ("Teacher One", "teacher", SECRET, "2 to 32"),
        ("other", "boss", SECRET, "expected one of"),
        ("other", "viewer", "short", "at least 10"),
        ("teacher", "viewer", SECRET, "already exists"),
        ("other-one", "viewer", "other-one-1234", "must not contain"),
    ],
)
def test_an_account_that_cannot_be_is_refused_in_words(
    desk: Desk,
    name: str,
    role: str,
    password: str,
    said: str,
) -> None:
    with pytest.raises(AccountRejected, match=said):
        desk.add_account(name, role, password)


def test_two_desks_on_one_file_do_not_disturb_each_other(tmp_path: Path, desk: Desk, clock: Clock) -> None:
    """The command adds an account while the dashboard runs."""
    other = Desk(tmp_path / "desk.db", clock)
    other.add_account("second", "viewer", SECRET)
    other.close()
    assert desk.sign_in("second", SECRET, "10.0.0.1") is not None


def test_the_command_adds_an_account_whose_password_comes_from_standard_input(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(SECRET + "\n"))
    data = ["--data", str(tmp_path)]
    assert command.main(["add", "head", "--role", "admin", "--password-stdin", *data]) == 0
    assert command.main(["list", *data]) == 0
    assert "head" in capsys.readouterr().out
    opened = Desk(Places(tmp_path).desk, lambda: 1_795_000_000_000)
    assert opened.sign_in("head", SECRET, "127.0.0.1") is not None
    assert [row[1:4] for row in opened.audit()] == [("console", "user add", "head")]
    opened.close()


def test_the_command_asks_twice_and_refuses_when_the_answers_differ(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    answers = iter([SECRET, SECRET + "x"])
    monkeypatch.setattr("getpass.getpass", lambda prompt: next(answers))
    assert command.main(["add", "head", "--role", "admin", "--data", str(tmp_path)]) == 2
    assert "differ" in capsys.readouterr().err


def test_the_command_shows_a_token_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = ["--data", str(tmp_path)]
    assert command.main(["token", "create", "logger", "--scope", "read", "--scope", "export", *data]) == 0
    secret = capsys.readouterr().out.strip()
    assert secret.startswith("classair_")
    assert command.main(["token", "list", *data]) == 0
    listed = capsys.readouterr().out
    assert "logger" in listed and "export read" in listed and secret not in listed
    assert command.main(["token", "revoke", "logger", *data]) == 0
    assert command.main(["token", "revoke", "logger", *data]) == 2
    assert "no active token" in capsys.readouterr().err


def test_a_damaged_commit_leaves_nothing_half_done(desk: Desk, tmp_path: Path) -> None:
    with pytest.raises(AccountRejected):
        desk.revoke_token("nothing")
    with sqlite3.connect(tmp_path / "desk.db", timeout=1) as other:
        other.execute("begin immediate")  # would wait for ever if a refused change had kept the file locked
        other.rollback()
