"""The channel over the library apprise: Thai text arrives whole, and no address appears where it does not belong."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from email.message import EmailMessage
from typing import Any

import pytest
from pydantic import ValidationError

from alerts.channels import ChannelError, Message, apprise
from tests.alerts.receiving import MailServer, WebServer, serving

pytestmark = pytest.mark.thorough
needs_apprise = pytest.mark.skipif(
    __import__("importlib").util.find_spec("apprise") is None, reason="the library apprise is not installed"
)
MESSAGE = Message(
    "ห้อง ป.1/2 ไม่มีข้อมูล — โรงเรียนบ้านสวนตัวอย่าง",
    "เครื่องวัดส่งข้อมูลไม่ได้ 37 นาทีแล้ว <b>ไม่ใช่ตัวหนา</b> & 100%",
    "th",
    link="https://air.example/alerts",
    choose="https://air.example/notify/token",
)
BODY = f"{MESSAGE.text}\n\n{MESSAGE.link}\n\nเลือกการแจ้งเตือน: {MESSAGE.choose}"


@pytest.fixture
def mail() -> Iterator[MailServer]:
    with serving(MailServer()) as server:
        yield server


@pytest.fixture
def web() -> Iterator[WebServer]:
    with serving(WebServer()) as server:
        yield server


def channel(url: str) -> apprise.Channel:
    return apprise.Channel(apprise.Settings.model_validate({"url": url}))


@needs_apprise
def test_an_e_mail_arrives_at_a_server_of_the_schools_own_with_its_thai_whole(mail: MailServer) -> None:
    channel(f"mailto://127.0.0.1:{mail.port}?from=classair@school.example&to=head@school.example").send(MESSAGE)
    (got,) = mail.mails
    assert got["Subject"] == MESSAGE.title and got["To"] == "head@school.example"
    assert all(ord(char) < 128 for char in dict(got.raw_items())["Subject"])  # encoded, as old servers need it
    body = got.get_body(("plain",))
    assert isinstance(body, EmailMessage)
    assert body.get_content().split() == BODY.split()
    assert "Apprise" not in str(got["From"])


@needs_apprise
def test_json_arrives_with_the_same_words(web: WebServer) -> None:
    channel(f"json://127.0.0.1:{web.port}/hook/token").send(MESSAGE)
    ((path, got),) = web.kept
    assert path == "/hook/token" and got["title"] == MESSAGE.title
    assert got["message"] == BODY and got["type"] == "failure"


@needs_apprise
@pytest.mark.parametrize("status, permanent, pause", [(500, False, None), (404, True, None), (429, False, 60.0)])
def test_what_a_provider_answers_decides_whether_it_is_tried_again(
    web: WebServer, status: int, permanent: bool, pause: float | None
) -> None:
    web.answers = [status]
    with pytest.raises(ChannelError, match=f"json: the provider answered {status}") as failure:
        channel(f"json://127.0.0.1:{web.port}/").send(MESSAGE)
    assert (failure.value.permanent, failure.value.pause_s) == (permanent, pause)


@needs_apprise
def test_an_unreachable_server_and_a_refused_recipient_are_tried_again(mail: MailServer) -> None:
    mail.refuse = "450 mailbox busy"
    for url in (f"mailto://127.0.0.1:{mail.port}?from=a@b.example&to=c@d.example", "json://127.0.0.1:9/"):
        with pytest.raises(ChannelError, match="no delivery, or no answer in time") as failure:
            channel(url).send(MESSAGE)
        assert not failure.value.permanent


@needs_apprise
def test_neither_log_nor_error_says_an_address_even_when_everything_is_logged(
    mail: MailServer, web: WebServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    log, root = io.StringIO(), logging.getLogger()
    monkeypatch.setattr(root, "handlers", [logging.StreamHandler(log)])
    monkeypatch.setattr(root, "level", logging.DEBUG)
    web.answers = [401]
    urls = (
        f"mailto://user:hidden-password@127.0.0.1:{mail.port}?from=a@b.example&to=head@school.example",
        f"json://user:hidden-password@127.0.0.1:{web.port}/hidden-token",
        "nosuch://user:hidden-password@head@school.example/hidden-token",
    )
    said = ""
    for url in urls:
        made = channel(url)
        try:
            made.send(MESSAGE)
        except ChannelError as error:
            said += f"{error} {error!r} {error.__cause__}"
        said += repr(made)
    said += log.getvalue() + "".join(capsys.readouterr())
    assert "401" in said and "nosuch" in said
    assert not [word for word in ("hidden", "head@", "school.example", "127.0.0.1") if word in said]


@pytest.mark.parametrize(
    "url, wrong",
    [
        ("line://hidden-token/U1", "sends no retry key.*channel: line"),
        ("LINE://hidden-token/U1", "channel: line"),
        ("hidden-token", "expected an address such as"),
    ],
)
def test_addresses_that_cannot_work_are_refused_without_saying_them(url: str, wrong: str) -> None:
    with pytest.raises(ValidationError, match=wrong) as refused:
        apprise.Settings.model_validate({"url": url})
    assert "hidden" not in str(refused.value)


def test_each_server_has_a_lane_of_its_own() -> None:
    one, two, again = (channel(f"ntfy://{host}/topic") for host in ("a.example", "b.example", "a.example"))
    assert one.lane == again.lane != two.lane


@needs_apprise
def test_everything_that_is_over_or_a_trial_looks_so() -> None:
    import apprise as library

    def kind(**more: Any) -> Any:
        return apprise._type(library.NotifyType, Message("t", "x", "en", **more))

    types = library.NotifyType
    assert kind(stage="recovered") == types.SUCCESS and kind(stage="test", urgent=False) == types.INFO
    assert kind(urgent=False) == types.WARNING and kind(urgent=True, severity="urgent") == types.FAILURE
