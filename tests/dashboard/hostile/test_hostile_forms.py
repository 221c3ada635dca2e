"""Forms that anybody may send, filled in as no browser would: said in the page's language, and nothing is written."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import escape
from typing import Any, Final
from urllib.parse import quote_from_bytes

import pytest

from classair.alerting.links import make_key
from classair.i18n import t
from classair.units import DAY_MS, HOUR_MS
from classair.wire import Answer
from dashboard.tickets.records import NewTicket
from dashboard.tickets.telling import links
from tests.classair.alerting.filled import empty_ledger
from tests.dashboard.conftest import Answered, Builder, House, now_ms, schools_with

ROOM: Final = "ban-suan.p1-2"
URLENCODED: Final = "application/x-www-form-urlencoded"
MULTIPART: Final = "multipart/form-data; boundary=b"
PEOPLE: Final = """
address: http://air.local
rules: {haze: {kind: above, above: 37.5, tell: [malee]}}
people: {malee: {channel: console, language: en}}
"""
Fields = list[tuple[str, bytes]]


@dataclass(frozen=True)
class Form:
    """`required`: fields of which a form without them is refused."""

    path: Callable[[House], str]
    fields: dict[str, str]
    required: tuple[str, ...]


def _of_ticket(house: House) -> str:
    ctx = house.app.server.state.ctx
    return links.path(ctx, ctx.tickets.get(1))


def _of_person(house: House) -> str:
    ctx = house.app.server.state.ctx
    return str(ctx.links.preferences(house.config, "malee", house_now(house))).removeprefix("http://air.local")


FORMS: Final = {
    "report": Form(
        lambda _: "/report",
        {
            "kind": "purifier_dead",
            "place": ROOM,
            "words": "เสียงดัง",
            "key": "k" * 22,
            "kept": "",
            "mail": "",
            "do": "send",
        },
        ("kind", "place"),
    ),
    "ticket": Form(_of_ticket, {"do": "add", "words": "ยังดังอยู่"}, ("do", "words")),
    "follow": Form(lambda _: f"/door/{ROOM}/follow", {"mail": "parent@example.org"}, ("mail",)),
    "record": Form(
        lambda _: f"/door/{ROOM}/record",
        {"first": "{today}", "last": "{today}", "purpose": "asthma", "contact": "x"},
        ("first", "last", "purpose"),
    ),
    "login": Form(
        lambda _: "/login", {"name": "boss", "password": "a long enough password", "next": "/"}, ("name", "password")
    ),
    "notify": Form(_of_person, {"why": "too many"}, ("why",)),
}
every_form = pytest.mark.parametrize("name", FORMS)


def house_now(house: House) -> int:
    return now_ms() + house.offset_ms


@pytest.fixture(scope="module")
def _house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("forms")
    make_key(folder / "link-key")
    builder = Builder(folder, schools_with(PEOPLE))
    house = builder(ledger=empty_ledger(folder / "ledger.db"))
    house.desk.add_account("boss", "admin", "a long enough password")
    house.app.server.state.ctx.tickets.receive(NewTicket("stuffy", "ban-suan", ROOM), "forms")
    yield house
    builder.close()


@pytest.fixture
def asked(_house: House, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What alerts was asked to do by one of the forms; of reports it is told in its own time."""
    found: list[str] = []

    async def ask(service: str, do: str, who: str, args: dict[str, Any]) -> Answer:
        if do == "preference" or args.get("key", "").startswith("mail-wish"):
            found.append(do)
        return Answer(id="1", ok=True, result={"state": "waiting"})

    monkeypatch.setattr(_house.live, "ask", ask)
    return found


@pytest.fixture
def house(_house: House) -> House:
    """An hour after the test before, so that its requests count no longer."""
    _house.offset_ms += HOUR_MS
    _house.alive(mail=True)
    return _house


def filled(house: House, form: Form) -> Fields:
    from classair.timetable import local_time

    today = local_time(house_now(house) - DAY_MS).date().isoformat()
    return [(key, value.format(today=today).encode()) for key, value in form.fields.items()]


def plain(fields: Fields) -> bytes:
    return b"&".join(f"{key}={quote_from_bytes(value)}".encode() for key, value in fields)


def parts(fields: Fields, file: str = "") -> bytes:
    """`file`: the field that is sent as a file."""
    told = b""
    for key, value in fields:
        kind = '; filename="x.txt"' if key == file else ""
        told += f'--b\r\nContent-Disposition: form-data; name="{key}"{kind}\r\n\r\n'.encode() + value + b"\r\n"
    return told + b"--b--\r\n"


def changed(fields: Fields, field: str, value: bytes) -> Fields:
    return [(key, value if key == field else had) for key, had in fields]


def wrong_ways(form: Form, good: Fields) -> Iterator[tuple[str, str, bytes]]:
    """What is wrong, the content type, the body."""
    for field in form.required:
        yield f"without {field}", URLENCODED, plain([one for one in good if one[0] != field])
        if field != "why":
            yield f"empty {field}", URLENCODED, plain(changed(good, field, b" "))
    for field in form.fields:
        yield f"{field} twice", URLENCODED, plain([*good, *(one for one in good if one[0] == field)])
        yield f"{field} twice in parts", MULTIPART, parts([*good, (field, b"other")])
        yield f"{field} too long", URLENCODED, plain(changed(good, field, b"x" * 3000))
        yield f"{field} too long in parts", MULTIPART, parts(changed(good, field, "ก".encode() * 3000))
        yield f"{field} of 1 MB", URLENCODED, plain(changed(good, field, b"x" * 1024 * 1024))
        yield f"{field} of 1 MB in parts", MULTIPART, parts(changed(good, field, b"x" * 1024 * 1024))
        yield f"{field} not in UTF-8", URLENCODED, plain(changed(good, field, b"\xff\xfe\xe0"))
        yield f"{field} half a surrogate", URLENCODED, plain(changed(good, field, b"a\xed\xa0\x80"))
        yield f"{field} not in UTF-8 in parts", MULTIPART, parts(changed(good, field, b"\xff\xfe\xe0"))
        yield f"{field} is a file", MULTIPART, parts(good, file=field)
    yield "raw bytes", URLENCODED, plain(good[:-1]) + b"&" + good[-1][0].encode() + b"=\xff\xff"
    yield "no boundary", "multipart/form-data", parts(good)
    yield "another boundary", "multipart/form-data; boundary=c", parts(good)
    yield "cut in a header", MULTIPART, parts(good)[:20]
    yield "cut before its end", MULTIPART, parts(good)[:-6]
    yield "a part without a name", MULTIPART, b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--\r\n"
    yield "an unknown encoding", f"{MULTIPART}; charset=undefined", parts(changed(good, good[-1][0], b"\xff\xfe"))
    yield "JSON", "application/json", b'{"kind": ["purifier_dead"]}'
    yield "text", "text/plain", plain(good)
    yield "a thousand fields", URLENCODED, plain([*good, *((f"x{n}", b"y") for n in range(1000))])


def send(house: House, path: str, kind: str, body: bytes, **headers: str) -> Answered:
    told = {"Content_Type": kind, "Origin": house.url, "Accept": "text/html", **headers}
    return house.ask(path, "POST", body=body, **told)


def kept(house: House) -> dict[str, int]:
    """How many rows there are of what a form may write. Evidence is attached to a report by itself."""
    tables = ("ticket", "ticket_words", "mail_wish", "follower", "record_request", "session", "phone")
    counted = {table: f"select count(*) from {table}" for table in tables}
    counted["ticket_log"] = "select count(*) from ticket_log where what!='evidence'"
    return {table: house.desk.file.ask(count)[0][0] for table, count in counted.items()}


SENTENCES: Final = (
    *(f"form.{why}" for why in ("unreadable", "twice", "too_long", "too_large", "incomplete")),
    *(f"report_page.{why}" for why in ("kind_missing", "place_missing")),
    *(f"door.said.{why}" for why in ("wrong_mail", "wrong_days", "no_purpose")),
    *("ticket_page.done.nothing", "access.wrong", "access.too_many"),
)


@pytest.mark.parametrize("language", ["th", "en"])
@every_form
def test_a_form_that_is_wrong_is_refused_in_words_and_nothing_is_written(
    house: House, asked: list[str], name: str, language: str
) -> None:
    form, wrong = FORMS[name], []
    path, good = form.path(house), filled(house, FORMS[name])
    before = kept(house)
    said = [escape(t(language, key), quote=False) for key in SENTENCES]
    for what, kind, body in wrong_ways(form, good):
        answer = send(house, f"{path}?lang={language}", kind, body)
        text = answer.body.decode()
        if not (400 <= answer.status < 500 and f'lang="{language}"' in text and any(one in text for one in said)):
            wrong.append(f"{what}: {answer.status} {' '.join(re.sub('<[^>]*>', ' ', text).split())[-200:]}")
    assert not wrong, f"{len(wrong)}:\n" + "\n".join(wrong)
    assert asked == []
    assert kept(house) == before


@every_form
def test_the_same_form_filled_in_rightly_is_taken(house: House, asked: list[str], name: str) -> None:
    path, good = FORMS[name].path(house), filled(house, FORMS[name])
    for kind, body in ((URLENCODED, plain(good)), (MULTIPART, parts(good))):
        answer = send(house, f"{path}?lang=en", kind, body)
        assert answer.status == 303, answer.text


def test_what_no_screen_shows_is_left_out_of_words(house: House, asked: list[str]) -> None:
    good = changed(filled(house, FORMS["report"]), "words", b"a\x00b\x07c\r\nd")
    assert send(house, "/report", URLENCODED, plain(changed(good, "key", b"n" * 22))).status == 303
    tickets = house.app.server.state.ctx.tickets
    assert tickets.written(max(one.id for one in tickets.listed()))[0].text == "abc\nd"


def test_lines_do_not_shorten_what_may_be_written(house: House) -> None:
    """A browser counts the end of a line once and sends it as two."""
    words = b"\r\n".join([b"x" * 9] * 100)
    good = changed(filled(house, FORMS["report"]), "words", words + b"y")
    assert len(words.replace(b"\r\n", b"\n")) == 999
    good = changed(changed(good, "key", b"l" * 22), "do", b"check")
    assert "x\ny" not in (answer := send(house, "/report", URLENCODED, plain(good))).text and answer.status == 200
    assert "xy</" in answer.text


@pytest.mark.parametrize("language", ["th", "en"])
def test_a_form_from_elsewhere_or_after_signing_out_says_so_to_people(house: House, language: str) -> None:
    for path, origin, status, key in (
        ("/login", "http://elsewhere.example", 403, "form.elsewhere"),
        ("/phones", house.url, 401, "form.signed_out"),
    ):
        answer = send(house, f"{path}?lang={language}", URLENCODED, b"", Origin=origin)
        assert answer.status == status and escape(t(language, key), quote=False) in answer.text, path
    # A program is told as everywhere in the API.
    answer = send(house, "/login", URLENCODED, b"", Origin="http://elsewhere.example", Accept="*/*")
    assert answer.json["error"]["what"]


@pytest.mark.parametrize("language", ["th", "en"])
@pytest.mark.parametrize(
    ("path", "status", "key"),
    [
        ("/display/nowhere", 404, "access.not_found"),
        (f"/display/{ROOM}?brightness=x", 422, "access.wrong_address"),
        (f"/door/{ROOM}/live?since=x", 422, "access.wrong_address"),
        ("/clean-rooms/ban-suan.p1-2?days=x", 422, "access.wrong_address"),
    ],
)
def test_an_address_that_is_wrong_is_answered_by_a_page(
    house: House, path: str, status: int, key: str, language: str
) -> None:
    answer = house.ask(f"{path}{'&' if '?' in path else '?'}lang={language}", Accept="text/html")
    assert (answer.status, escape(t(language, key), quote=False) in answer.text) == (status, True), answer.text
