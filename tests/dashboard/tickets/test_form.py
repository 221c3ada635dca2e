"""Reporting without an account, over HTTP: the form, its check, what is refused, and the page of the report."""

from __future__ import annotations

import io
import json
import re
import time
from typing import Any
from urllib.parse import urlencode

import pytest
from PIL import Image

from classair.units import HOUR_MS
from dashboard.access.guard import PHOTO_BODY
from dashboard.public.report import PER_ROOM
from dashboard.tickets.records import Evidence, Reporter

FORM = "application/x-www-form-urlencoded"
WISH = {"kind": "purifier_dead", "place": "ban-suan.p1-2", "key": "k" * 22}


def photo(form: str = "JPEG", size: tuple[int, int] = (640, 480)) -> bytes:
    """With a place, a maker and something behind the end of the picture."""
    picture = Image.new("RGB", size, "white")
    exif = picture.getexif()
    exif[0x010F] = "PhoneMaker"
    exif.get_ifd(0x8825)[1] = "N"
    exif.get_ifd(0x8825)[2] = (13.0, 54.0, 12.0)
    written = io.BytesIO()
    picture.save(written, form, exif=exif)
    return written.getvalue() + b"hidden-behind-the-end"


def send(house: Any, path: str = "/report", **fields: str) -> Any:
    return house.ask(path, "POST", body=urlencode(fields).encode(), Content_Type=FORM, Origin=house.url)


def upload(house: Any, path: str, fields: dict[str, str], picture: bytes) -> Any:
    parts = [f'--b\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n'.encode() for k, v in fields.items()]
    head = b'--b\r\nContent-Disposition: form-data; name="photo"; filename="x.jpg"\r\n\r\n'
    body = b"".join([*parts, head, picture, b"\r\n--b--\r\n"])
    return house.ask(path, "POST", body=body, Content_Type="multipart/form-data; boundary=b", Origin=house.url)


def hidden(text: str, name: str) -> str:
    return re.search(rf'name="{name}" value="([^"]*)"', text)[1]  # type: ignore[index]


def report(house: Any, **more: str) -> str:
    """The address of the report's page."""
    answer = send(house, do="send", **{**WISH, **more})
    assert answer.status == 303, answer.text
    return str(answer.headers["Location"]).partition("?")[0]


def test_the_code_of_a_room_fills_it_in_and_there_are_ten_kinds(desk_house: Any) -> None:
    text = desk_house.ask("/report?room=ban-suan.p1-2&lang=en").text
    assert '<option value="ban-suan.p1-2" selected>P.1/2, Ban Suan Example School</option>' in text
    assert text.count('type="radio"') == 10
    assert "Only the equipment, no children&#39;s faces." in text
    assert "<script" not in text and "style=" not in text


def test_a_report_is_checked_then_sent_and_its_page_says_the_date(desk_house: Any, tickets: Any) -> None:
    check = send(desk_house, do="check", words="<b>เสียงดัง</b>", lang="th", **WISH)
    assert check.status == 200 and tickets.listed() == []
    assert "&lt;b&gt;เสียงดัง" in check.text
    place = report(desk_house, words="<b>เสียงดัง</b>")
    (ticket,) = tickets.listed()
    page = desk_house.ask(f"{place}?lang=th").text
    assert ticket.number in page and "แก้ไขภายใน" in page and "<b>เสียงดัง" not in page
    assert (ticket.channel, ticket.room) == ("web", "ban-suan.p1-2")


def test_the_same_form_sent_twice_is_one_report(desk_house: Any, tickets: Any) -> None:
    assert report(desk_house) == report(desk_house)
    assert len(tickets.listed()) == 1


@pytest.mark.parametrize(("field", "words"), [("kind", "โปรดเลือกว่าเกิดอะไรขึ้น"), ("place", "โปรดเลือกห้องหรือโรงเรียน")])
def test_what_is_missing_is_said_in_words_beside_its_field(desk_house: Any, field: str, words: str) -> None:
    answer = send(desk_house, "/report?lang=th", do="check", **{**WISH, field: "<script>"})
    assert answer.status == 422
    assert words in answer.text and "<script>" not in answer.text


def test_of_a_photo_only_the_picture_is_kept(desk_house: Any, tickets: Any) -> None:
    check = upload(desk_house, "/report", {"do": "check", **WISH}, photo())
    assert check.status == 200, check.text
    report(desk_house, kept=hidden(check.text, "kept"))
    (written,) = tickets.written(tickets.listed()[0].id)
    kept = tickets.photos.read(written.photo)
    assert not any(secret in kept for secret in (b"PhoneMaker", b"hidden-behind", b"Exif"))
    assert Image.open(io.BytesIO(kept)).size == (640, 480)


@pytest.mark.parametrize(
    ("picture", "words"),
    [
        (b"GIF89a" + bytes(64), "This file is not a photo"),
        (photo()[:400], "This file is not a photo"),
        (photo("PNG", (5000, 5000)), "too many pixels"),
        (bytes(10 * 1024 * 1024 + 1), "larger than 10 MB"),
    ],
    ids=["no picture", "cut", "a bomb of pixels", "too large"],
)
def test_a_photo_that_is_none_or_a_bomb_is_refused_in_words(
    desk_house: Any, tickets: Any, picture: bytes, words: str
) -> None:
    answer = upload(desk_house, "/report?lang=en", {"do": "check", **WISH}, picture)
    assert answer.status == 422 and words in answer.text
    assert tickets.photos.names() == []


def test_a_body_beyond_every_photo_is_not_read(desk_house: Any) -> None:
    answer = desk_house.ask(
        "/report", "POST", body=b"x", Content_Type=FORM, Origin=desk_house.url, Content_Length=str(PHOTO_BODY + 1)
    )
    assert answer.status == 413


def test_photos_are_served_to_those_with_a_fresh_link_alone(desk_house: Any) -> None:
    check = upload(desk_house, "/report", {"do": "check", **WISH}, photo())
    place = re.search(r'src="(/photo/[^"]+)"', check.text)[1]  # type: ignore[index]
    assert desk_house.ask(place).headers["Content-Type"] == "image/jpeg"
    for wrong in ("/photo/x.jpg", place[:-2], "/photo/..%2fdesk.db"):
        assert desk_house.ask(wrong).status == 404
    desk_house.offset_ms += 3 * HOUR_MS
    assert desk_house.ask(place).status == 404


def test_a_problem_that_is_known_can_be_followed_and_a_follower_sees_no_words_and_ends_nothing(
    desk_house: Any, tickets: Any
) -> None:
    report(desk_house, words="ลูกชายไอ")
    check = send(desk_house, "/report?lang=th", do="check", **{**WISH, "key": "x" * 22})
    assert "มีคนแจ้งแล้ว ต้องการรับข่าวด้วยไหม" in check.text and "ลูกชายไอ" not in check.text
    answer = send(desk_house, "/report?follow=1", do="follow", **{**WISH, "key": "x" * 22})
    place = str(answer.headers["Location"]).partition("?")[0]
    page = desk_house.ask(place).text
    assert "ลูกชายไอ" not in page and 'value="cancel"' not in page
    send(desk_house, place, do="cancel")
    assert len(tickets.listed()) == 1 and tickets.get(1).state == "received"


def test_a_report_that_was_not_offered_cannot_be_followed(desk_house: Any, tickets: Any) -> None:
    report(desk_house, kind="other")
    answer = send(desk_house, "/report?follow=1", do="follow", **WISH)
    assert answer.status == 200 and tickets.history(1)[-1].what != "followed"


def test_reports_from_one_place_are_limited_in_number(desk_house: Any, tickets: Any) -> None:
    statuses = [send(desk_house, do="send", **{**WISH, "key": f"{n:022d}"}).status for n in range(PER_ROOM + 1)]
    assert statuses == [303] * PER_ROOM + [429]
    assert len(tickets.listed()) == PER_ROOM


def test_a_report_from_another_sites_page_is_refused(desk_house: Any, tickets: Any) -> None:
    body = urlencode({"do": "send", **WISH}).encode()
    assert desk_house.ask("/report", "POST", body=body, Content_Type=FORM, Origin="http://evil.example").status == 403
    assert tickets.listed() == []


def test_the_reporter_adds_answers_and_says_not_yet_by_the_link_alone(desk_house: Any, tickets: Any) -> None:
    place = report(desk_house)
    tickets.work.ask(1, "เครื่องไหน", "account:somchai")
    assert "เครื่องไหน" in desk_house.ask(place).text
    send(desk_house, place, do="add", words="เครื่องใหญ่")
    assert tickets.get(1).state == "received"
    tickets.work.resolve(1, "เปลี่ยนปลั๊ก", Evidence("none", "ไฟดับ"), frozenset({"none"}), "account:somchai")
    page = desk_house.ask(f"{place}?lang=th").text
    assert "เรียบร้อยไหม" in page and "somchai" not in page
    send(desk_house, place, do="not_yet", words="ยังดังอยู่")
    assert (tickets.get(1).state, tickets.get(1).reopened) == ("received", 1)
    send(desk_house, place, do="well")
    assert tickets.get(1).state == "received"


def test_a_merged_report_shows_how_far_the_other_one_is_and_none_of_its_words(desk_house: Any, tickets: Any) -> None:
    report(desk_house, words="ลูกชายไอ")
    second = report(desk_house, key="z" * 22)
    tickets.work.merge(2, 1, "account:somchai", "same")
    page = desk_house.ask(f"{second}?lang=en").text
    assert tickets.get(1).number in page and "was merged with this one" in page and "ลูกชายไอ" not in page


def test_a_link_that_was_changed_or_is_somebody_elses_leads_nowhere(desk_house: Any) -> None:
    place = report(desk_house)
    for wrong in (place[:-2], "/ticket/x", place.replace("/ticket/", "/photo/")):
        assert desk_house.ask(wrong).status == 404
        assert send(desk_house, wrong, do="cancel").status in (404, 405)


def test_a_report_by_staff_carries_the_account_and_is_for_whoever_called(desk_house: Any, tickets: Any) -> None:
    session = desk_house.sign_in("lung", "correct+horse+battery")
    body = urlencode({"do": "send", "came_by": "phone", "phone": "081 234 5678<", **WISH}).encode()
    assert desk_house.ask("/report", "POST", body=body, Content_Type=FORM, **session).status == 303
    assert tickets.history(1)[0].who == "account:lung"
    assert tickets.reporters(1) == [(Reporter("phone", "081 234 5678", "th"), False)]


def test_evidence_is_attached_by_itself_within_moments(own_house: Any) -> None:
    tickets = own_house.app.server.state.ctx.tickets
    report(own_house)
    until = time.monotonic() + 30
    while tickets.get(1).evidence_at is None and time.monotonic() < until:
        time.sleep(0.05)
    data = next(entry.data for entry in tickets.history(1) if entry.what == "evidence")
    assert len(data["series"]["pm25"]) in (24, 25) and any(value is None for _, value in data["series"]["pm25"])
    assert [one["sensor"] for one in data["sensors"]] == ["ban-suan.p1-2-pm", "ban-suan.p1-2-co2"]
    assert data["purifiers"][0]["purifier"] == "ban-suan.p1-2-fan"
    json.dumps(dict(data))
