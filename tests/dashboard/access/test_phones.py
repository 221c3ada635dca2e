"""Phones that are remembered for 30 days, and accounts that are tied to rooms: what each may do and when it ends."""

from __future__ import annotations

import io
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from classair.places import Places
from dashboard.access import command
from dashboard.access.desk import AccountRejected, Desk
from dashboard.access.phones import KEPT_MS, MOST, label_of
from tests.dashboard.access.conftest import SECRET, Clock

DAY = 86_400_000
OVERRIDE = "/api/v1/purifiers/ban-suan.p1-2-fan/override"


@pytest.fixture
def desk(tmp_path: Path, clock: Clock) -> Iterator[Desk]:
    opened = Desk(tmp_path / "desk.db", clock)
    opened.add_account("somsri", "teacher", SECRET, ["ban-suan.p1-2"])
    opened.add_account("head", "admin", SECRET)
    yield opened
    opened.close()


# -- the desk ----------------------------------------------------------------------------------------------------------


def test_a_phone_reads_and_controls_and_no_more_whatever_its_account_may(desk: Desk) -> None:
    who = desk.phones.principal(desk.phones.remember("head", "iPhone", "proof"))
    assert who is not None
    assert (who.role, who.scopes, who.csrf) == ("admin", frozenset({"read", "control"}), "proof")
    assert who.phone == desk.phones.of("head")[0].id


def test_a_phone_ends_thirty_days_after_it_was_remembered_however_often_it_is_used(desk: Desk, clock: Clock) -> None:
    secret = desk.phones.remember("somsri", "iPhone", "x")
    for _ in range(29):
        clock.now += DAY
        assert desk.phones.principal(secret) is not None
    clock.now += DAY
    assert desk.phones.principal(secret) is None
    assert desk.phones.of() == []


def test_only_the_hash_of_a_phones_secret_is_kept(desk: Desk, tmp_path: Path) -> None:
    secret = desk.phones.remember("somsri", "iPhone", "x")
    assert secret not in str(sqlite3.connect(tmp_path / "desk.db").execute("select * from phone").fetchall())
    files = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert secret.encode() not in files


@pytest.mark.parametrize("end", ["password", "disable", "forget"])
def test_a_phone_ends_with_its_accounts_password_and_when_it_is_forgotten(desk: Desk, end: str) -> None:
    secret = desk.phones.remember("somsri", "iPhone", "x")
    other = desk.phones.remember("head", "iPad", "x")
    match end:
        case "password":
            desk.set_password("somsri", "four other words instead")
        case "disable":
            desk.disable_account("somsri")
        case _:
            assert not desk.phones.forget(desk.phones.of("somsri")[0].id, "head")
            assert desk.phones.forget(desk.phones.of("somsri")[0].id, "somsri")
    assert desk.phones.principal(secret) is None
    assert desk.phones.principal(other) is not None


def test_the_oldest_phone_of_an_account_makes_room(desk: Desk, clock: Clock) -> None:
    secrets = []
    for _ in range(MOST + 1):
        clock.now += 1
        secrets.append(desk.phones.remember("somsri", "iPhone", "x"))
    assert [desk.phones.principal(secret) is not None for secret in secrets] == [False] + [True] * MOST


@pytest.mark.parametrize(
    ("room", "allowed"), [("ban-suan.p1-2", True), ("ban-suan.p1-10", False), ("rim-khlong.a2-1", False)]
)
def test_a_teacher_of_one_room_controls_that_one(desk: Desk, room: str, allowed: bool) -> None:
    session = desk.sign_in("somsri", SECRET, "10.0.0.1")
    assert session is not None
    for who in (desk.session(session.secret), desk.phones.principal(desk.phones.remember("somsri", "", "x"))):
        assert who is not None and who.controls(room) == allowed
    head = desk.sign_in("head", SECRET, "10.0.0.1")
    assert head is not None
    admin = desk.session(head.secret)
    assert admin is not None and admin.controls(room)


def test_a_site_stands_for_all_its_rooms_and_places_can_be_changed_while_signed_in(desk: Desk) -> None:
    session = desk.sign_in("somsri", SECRET, "10.0.0.1")
    assert session is not None
    desk.set_places("somsri", ["rim-khlong"])
    who = desk.session(session.secret)
    assert who is not None
    assert [who.controls(room) for room in ("rim-khlong.a2-1", "rim-khlong-2.a", "ban-suan.p1-2")] == [
        True,
        False,
        False,
    ]
    desk.set_places("somsri", [])
    who = desk.session(session.secret)
    assert who is not None and who.controls("ban-suan.p1-2")


@pytest.mark.parametrize("place", ["", "Ban", "a.b.c", "ban-suan.", "ban suan", "*"])
def test_a_place_is_a_site_or_a_room(desk: Desk, place: str) -> None:
    with pytest.raises(AccountRejected, match="expected <site>"):
        desk.set_places("somsri", [place])


def test_every_role_but_the_administrator_can_be_tied_to_places(desk: Desk) -> None:
    with pytest.raises(AccountRejected, match="responsible for everything"):
        desk.add_account("else", "admin", SECRET, ["ban-suan"])
    for role in ("viewer", "caretaker", "researcher", "head", "municipality"):
        desk.add_account(f"some-{role}", role, SECRET, ["ban-suan"])
    assert desk.places()["some-head"] == ["ban-suan"]


def test_the_desk_of_an_earlier_version_gets_the_new_tables(tmp_path: Path, clock: Clock) -> None:
    old = sqlite3.connect(tmp_path / "old.db")
    old.execute(
        "create table account(name text primary key, role text not null, password text not null, "
        "created_at int not null, disabled_at int) without rowid"
    )
    old.execute("insert into account values('mali','teacher','x',1,null)")
    old.commit()
    old.close()
    desk = Desk(tmp_path / "old.db", clock)
    kept = desk.known.get("mali")
    assert kept is not None and not kept.places and not kept.said  # keeps its access; `user list` says so
    desk.set_places("mali", ["ban-suan"])
    assert desk.places() == {"mali": ["ban-suan"]}
    desk.close()


@pytest.mark.parametrize(
    ("agent", "label"),
    [
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1) AppleWebKit/605 Version/18.1 Mobile Safari/604.1",
            "iPhone · Safari",
        ),
        ("Mozilla/5.0 (Linux; Android 15) AppleWebKit/537 Chrome/130 Mobile Safari/537 Line/14.1", "Android · LINE"),
        ("", "?"),
        ("<script>", "?"),
    ],
)
def test_a_phone_is_called_by_its_kind(agent: str, label: str) -> None:
    assert label_of(agent) == label


@pytest.mark.thorough
def test_the_command_ties_lists_and_forgets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = ["--data", str(tmp_path)]
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{SECRET}\n"))
    add = ["add", "somsri", "--role", "teacher", "--room", "ban-suan.p1-2", "--password-stdin", *data]
    assert command.main(add) == 0
    assert command.main(["list", *data]) == 0
    assert capsys.readouterr().out.splitlines()[-1].split() == ["somsri", "teacher", "active", "ban-suan.p1-2"]
    assert command.main(["rooms", "somsri", *data]) == 2
    assert command.main(["rooms", "somsri", "--all", *data]) == 0
    assert "every school" in capsys.readouterr().out
    opened = Desk(Places(tmp_path).desk, lambda: 1)
    opened.phones.remember("somsri", "iPhone", "x")
    phone = opened.phones.of()[0].id
    opened.close()
    # Remembered at the beginning of time, so it is long over.
    assert command.main(["phones", *data]) == 0
    assert capsys.readouterr().out == ""
    assert command.main(["forget", phone, *data]) == 0
    capsys.readouterr()
    assert command.main(["forget", phone, *data]) == 2


@pytest.mark.parametrize("role", ["teacher", "caretaker", "head"])
def test_who_belongs_to_a_place_is_not_made_without_saying_which(
    tmp_path: Path, role: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["add", "somsri", "--role", role, "--data", str(tmp_path)]) == 2
    assert "--all for every school" in capsys.readouterr().err
    assert command.main(["add", "somsri", "--role", role, "--all", "--site", "a", "--data", str(tmp_path)]) == 2
    assert "stands alone" in capsys.readouterr().err


def test_an_account_of_an_earlier_version_keeps_its_access_and_the_list_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    opened = Desk(Places(tmp_path).desk, lambda: 1)
    opened.add_account("mali", "teacher", SECRET)
    opened.add_account("rin", "researcher", SECRET)
    opened.close()
    assert command.main(["list", "--data", str(tmp_path)]) == 0
    told = capsys.readouterr()
    assert told.out.splitlines()[0].endswith("every school (never said)")
    assert told.out.splitlines()[1].endswith("every school") and "classair user rooms NAME" in told.err


def test_a_mistyped_data_folder_is_not_made_and_the_right_one_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Desk(Places(tmp_path / "my-school").desk, lambda: 1).close()
    for wrong, said in (("my-scool", "Did you mean"), ("elsewhere", "mkdir")):
        add = ["add", "head", "--role", "admin", "--data", str(tmp_path / wrong), "--password-stdin"]
        assert command.main(add) == 2
        assert said in capsys.readouterr().err and not (tmp_path / wrong).exists()
    (tmp_path / "papers").mkdir()
    (tmp_path / "papers" / "letter.txt").write_text("x")
    assert command.main(["list", "--data", str(tmp_path / "papers")]) == 2
    assert "not a data folder" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "papers").iterdir()] == ["letter.txt"]


# -- over the wire -----------------------------------------------------------------------------------------------------


def signed_in(house: Any, name: str, phone: str = "", **more: str) -> tuple[dict[str, str], list[str]]:
    """Cookies that a browser keeps after signing in, and the lines that set them. `phone`: the cookie it brings."""
    fields = {"name": name, "password": SECRET.replace(" ", "+"), **more}
    answer = house.ask(
        "/login",
        "POST",
        body="&".join(f"{key}={value}" for key, value in fields.items()).encode(),
        Content_Type="application/x-www-form-urlencoded",
        Origin=house.url,
        User_Agent="Mozilla/5.0 (iPhone) Safari/604.1",
        Cookie=f"classair_phone={phone}",
    )
    assert answer.status == 303, answer.text
    lines = answer.headers.get_all("Set-Cookie")
    return {line.partition("=")[0]: re.split("[=;]", line)[1] for line in lines}, lines


def of_phone(house: Any, cookies: dict[str, str]) -> dict[str, str]:
    """What the phone sends when its session has long ended."""
    return {
        "Cookie": f"classair_phone={cookies['classair_phone']}; classair_csrf={cookies['classair_csrf']}",
        "Origin": house.url,
        "X_CSRF_Token": cookies["classair_csrf"],
        "Content_Type": "application/json",
    }


def test_a_phones_cookie_is_kept_thirty_days_out_of_reach_of_scripts(own_house: Any) -> None:
    own_house.desk.add_account("somsri", "teacher", SECRET, ["ban-suan.p1-2"])
    _, lines = signed_in(own_house, "somsri", remember="yes")
    phone = next(line for line in lines if line.startswith("classair_phone="))
    assert {"HttpOnly", "Path=/", f"Max-Age={KEPT_MS // 1000}", "SameSite=lax"} <= set(phone.split("; "))
    csrf = next(line for line in lines if line.startswith("classair_csrf="))
    assert f"Max-Age={KEPT_MS // 1000}" in csrf.split("; ")
    _, without = signed_in(own_house, "somsri")
    assert not any(re.match('classair_phone=[^";]', line) for line in without)


def test_a_phone_changes_with_its_proof_only_and_only_in_its_room(own_house: Any) -> None:
    own_house.desk.add_account("somsri", "teacher", SECRET, ["ban-suan.p1-2"])
    cookies, _ = signed_in(own_house, "somsri", remember="yes")
    phone = of_phone(own_house, cookies)
    assert own_house.ask("/api/v1/me", **phone).json["rooms"] == ["ban-suan.p1-2"]
    body = b'{"do": "on"}'
    # Nobody answers for alerts here: 503 is the sign that the request was let through.
    assert own_house.ask(OVERRIDE, "POST", body=body, **phone).status == 503
    assert own_house.ask(OVERRIDE, "POST", body=body, **{**phone, "X_CSRF_Token": "guess"}).status == 403
    assert own_house.ask(OVERRIDE, "POST", body=body, **{**phone, "Origin": "https://evil.example"}).status == 403
    other = own_house.ask(OVERRIDE.replace("p1-2", "p1-10"), "POST", body=body, **phone)
    assert other.status == 403 and "ban-suan.p1-10" in other.json["error"]["what"]
    assert own_house.ask("/api/v1/exports", **phone).status == 403


def test_signing_in_again_keeps_the_phone_and_its_proof_in_step(own_house: Any) -> None:
    own_house.desk.add_account("somsri", "teacher", SECRET)
    first, _ = signed_in(own_house, "somsri", remember="yes")
    again, _ = signed_in(own_house, "somsri", first["classair_phone"])
    assert again["classair_phone"] == first["classair_phone"]
    assert own_house.ask(OVERRIDE, "POST", body=b'{"do": "on"}', **of_phone(own_house, again)).status == 503
    assert len(own_house.desk.phones.of("somsri")) == 1


def test_a_phone_that_asks_again_to_be_remembered_has_thirty_days_again(own_house: Any) -> None:
    own_house.desk.add_account("somsri", "teacher", SECRET)
    first, _ = signed_in(own_house, "somsri", remember="yes")
    own_house.offset_ms = 29 * DAY
    again, _ = signed_in(own_house, "somsri", first["classair_phone"], remember="yes")
    own_house.offset_ms = 58 * DAY
    assert own_house.ask(OVERRIDE, "POST", body=b'{"do": "on"}', **of_phone(own_house, again)).status == 503
    assert own_house.ask("/api/v1/me", **of_phone(own_house, first)).json["kind"] == "visitor"
    assert len(own_house.desk.phones.of("somsri")) == 1


def test_signing_in_as_somebody_else_takes_the_phone_from_the_first(own_house: Any) -> None:
    own_house.desk.add_account("somsri", "teacher", SECRET)
    own_house.desk.add_account("head", "admin", SECRET)
    first, _ = signed_in(own_house, "somsri", remember="yes")
    signed_in(own_house, "head", first["classair_phone"])
    assert own_house.desk.phones.of() == []


def test_signing_out_forgets_the_phone(own_house: Any) -> None:
    own_house.desk.add_account("somsri", "teacher", SECRET)
    cookies, _ = signed_in(own_house, "somsri", remember="yes")
    assert own_house.ask("/logout", "POST", **of_phone(own_house, cookies)).status == 303
    assert own_house.desk.phones.of() == []
    assert own_house.ask("/api/v1/me", **of_phone(own_house, cookies)).json["kind"] == "visitor"


def test_an_account_sees_and_forgets_its_own_phones_alone(own_house: Any) -> None:
    own_house.desk.add_account("somsri", "teacher", SECRET)
    own_house.desk.add_account("head", "admin", SECRET)
    mine, _ = signed_in(own_house, "somsri", remember="yes")
    theirs, _ = signed_in(own_house, "head", remember="yes")
    page = own_house.ask("/phones?lang=en", **of_phone(own_house, mine)).text
    assert page.count("iPhone · Safari</b>") == 1 and "this one" in page
    wanted = {**of_phone(own_house, mine), "Content_Type": "application/x-www-form-urlencoded"}
    head = own_house.desk.phones.of("head")[0].id
    own_house.ask("/phones", "POST", body=f"phone={head}".encode(), **wanted)
    assert {one.account for one in own_house.desk.phones.of()} == {"head", "somsri"}
    own_house.ask("/phones", "POST", body=f"phone={own_house.desk.phones.of('somsri')[0].id}".encode(), **wanted)
    assert [one.account for one in own_house.desk.phones.of()] == ["head"]
    assert own_house.ask("/api/v1/me", **of_phone(own_house, theirs)).json["name"] == "head"


def test_a_tied_teacher_notes_events_of_the_own_room_alone(own_house: Any) -> None:
    own_house.desk.add_account("somsri", "teacher", SECRET, ["ban-suan.p1-2"])
    cookies, _ = signed_in(own_house, "somsri", remember="yes")
    for room, status in (("ban-suan.p1-2", 503), ("ban-suan.p1-10", 403), ("", 403)):
        body = f'{{"site": "ban-suan", "room": "{room}", "kind": "cleaning", "start": "2026-11-23T09:42:00+07:00"}}'
        answer = own_house.ask("/api/v1/events", "POST", body=body.encode(), **of_phone(own_house, cookies))
        assert answer.status == status, answer.text
