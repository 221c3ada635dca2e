"""The client against LINE's fake over real HTTP: what counts as delivered, and how each refusal is told apart."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from classair.line import answers, flex
from classair.line.client import AsyncLineClient, LineClient
from simulator.line.platform import Fault
from simulator.line.server import LineFake
from tests.neighbours.line import TOKEN, line_fake, user

WORDS = [flex.text("ห้อง ป.1/2 ฝุ่น 52")]


@pytest.fixture
def fake() -> Iterator[LineFake]:
    with line_fake() as running:
        yield running


@pytest.fixture
def client(fake: LineFake) -> Iterator[LineClient]:
    made = LineClient(SecretStr(TOKEN), fake.url, timeout_s=3)
    yield made
    made.close()


def key() -> str:
    return str(uuid.uuid4())


def test_a_push_arrives_and_its_receipt_is_lines_request_id(fake: LineFake, client: LineClient) -> None:
    sent = client.push(user(1), WORDS, key())
    (got,) = fake.platform.received
    assert (got["user"], got["messages"], got["request_id"]) == (user(1), WORDS, sent.id)
    assert not sent.repeated


def test_a_push_that_was_accepted_before_its_500_is_delivered_once_and_has_the_first_receipt(
    fake: LineFake, client: LineClient
) -> None:
    fake.platform.faults.append(Fault("push", "500", accepted=True))
    same = key()
    with pytest.raises(answers.NotReached) as failed:
        client.push(user(1), WORDS, same)
    assert failed.value.status == 500
    sent = client.push(user(1), WORDS, same)
    (got,) = fake.platform.received
    assert sent == answers.Sent(got["request_id"], repeated=True)
    assert fake.platform.used == 1


@pytest.mark.parametrize("kind", ["drop", "silence"])
def test_no_answer_is_not_reached_and_the_same_key_goes_through_afterwards(fake: LineFake, kind: str) -> None:
    client = LineClient(SecretStr(TOKEN), fake.url, timeout_s=0.2)
    fake.platform.faults.append(Fault("push", kind))
    same = key()
    with pytest.raises(answers.NotReached):
        client.push(user(1), WORDS, same)
    assert not client.push(user(1), WORDS, same).repeated
    client.close()


def test_a_server_that_is_not_there_is_not_reached() -> None:
    with line_fake() as fake:
        url = fake.url
    client = LineClient(SecretStr(TOKEN), url, timeout_s=1)
    with pytest.raises(answers.NotReached):
        client.quota()
    client.close()


def test_both_kinds_of_429_are_told_apart_by_their_words(fake: LineFake, client: LineClient) -> None:
    fake.platform.faults.append(Fault("push", "rate"))
    with pytest.raises(answers.TooFast):
        client.push(user(1), WORDS, key())
    fake.platform.quota = 0
    with pytest.raises(answers.MonthlyLimit):
        client.push(user(1), WORDS, key())
    assert fake.platform.received == []


def test_an_address_that_line_does_not_know_is_refused(fake: LineFake, client: LineClient) -> None:
    fake.platform.unknown.add(user(7))
    for wrong in ("somebody", user(7)):
        with pytest.raises(answers.AddressRefused):
            client.push(wrong, WORDS, key())


def test_a_message_that_line_does_not_take_is_refused_with_its_place_and_without_blame_on_the_address(
    client: LineClient,
) -> None:
    with pytest.raises(answers.Refused, match=r"messages\[0\].text; May not be empty") as refused:
        client.push(user(1), [{"type": "text", "text": ""}], key())
    assert not isinstance(refused.value, answers.AddressRefused)


def test_a_user_who_has_blocked_the_account_gets_nothing_and_costs_nothing(fake: LineFake, client: LineClient) -> None:
    fake.platform.blocked.add(user(1))
    client.push(user(1), WORDS, key())
    assert (fake.platform.received, client.consumption()) == ([], 0)


def test_a_wrong_token_is_told_apart_and_stands_in_no_text(
    fake: LineFake, client: LineClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    wrong = LineClient(SecretStr("another-token"), fake.url, timeout_s=3)
    with pytest.raises(answers.TokenRefused) as refused:
        wrong.push(user(1), WORDS, key())
    client.push(user(1), WORDS, key())
    told = f"{wrong!r} {vars(client)} {refused.value!r} {refused.value} {caplog.text}"
    assert "another-token" not in told and TOKEN not in told
    assert refused.value.__cause__ is None
    wrong.close()


def test_a_token_that_cannot_be_one_is_refused_without_being_shown() -> None:
    with pytest.raises(ValueError, match="characters") as refused:
        LineClient(SecretStr("gibt\nes nicht"))
    assert "gibt" not in str(refused.value)


def test_a_multicast_reaches_all_with_one_key_and_counts_each(fake: LineFake, client: LineClient) -> None:
    same = key()
    client.multicast([user(1), user(2), user(3)], WORDS, same)
    assert client.multicast([user(1), user(2), user(3)], WORDS, same).repeated
    assert [got["user"] for got in fake.platform.received] == [user(1), user(2), user(3)]
    assert client.consumption() == 3


@pytest.mark.parametrize("people", [[], [user(n) for n in range(501)]])
def test_a_multicast_to_nobody_or_too_many_is_never_sent(client: LineClient, people: list[str]) -> None:
    with pytest.raises(ValueError, match="1 to 500"):
        client.multicast(people, WORDS, key())


def test_a_reply_costs_nothing_carries_no_retry_key_and_its_token_is_good_once(
    fake: LineFake, client: LineClient
) -> None:
    token = fake.platform.reply_token(user(4))
    client.reply(token, WORDS)
    with pytest.raises(answers.ReplyTokenInvalid):
        client.reply(token, WORDS)
    assert client.consumption() == 0
    replies = [asked for asked in fake.platform.requests if asked["path"].endswith("reply")]
    assert [(asked["status"], asked["retry_key"]) for asked in replies] == [(200, None), (400, None)]


def test_a_reply_after_more_than_a_minute_is_too_late(fake: LineFake, client: LineClient) -> None:
    token = fake.platform.reply_token(user(4))
    fake.platform.ahead_s = 61
    with pytest.raises(answers.ReplyTokenInvalid):
        client.reply(token, WORDS)


def test_quota_and_consumption_are_lines_own(fake: LineFake, client: LineClient) -> None:
    fake.platform.count(41)
    assert (client.quota().limit, client.consumption()) == (300, 41)
    fake.platform.quota = None
    assert client.quota().limit is None


def test_a_quota_that_is_no_number_is_no_quota() -> None:
    for answer in ({}, {"type": "limited"}, {"type": "limited", "value": -1}, {"type": "limited", "value": True}):
        with pytest.raises(answers.NotReached):
            answers.quota(answer)


def test_a_picture_is_fetched_with_its_type_and_one_taken_back_is_gone(fake: LineFake, client: LineClient) -> None:
    fake.platform.contents["77"] = ("image/png", b"\x89PNG")
    assert client.content("77") == ("image/png", b"\x89PNG")
    del fake.platform.contents["77"]
    with pytest.raises(answers.NotThere):
        client.content("77")
    with pytest.raises(answers.Refused):
        client.content("../quota")


def test_the_account_says_who_it_is(client: LineClient) -> None:
    assert client.info()["basicId"].startswith("@")


def test_awaited_it_does_the_same(fake: LineFake) -> None:
    async def all_of_it() -> None:
        client = AsyncLineClient(SecretStr(TOKEN), fake.url, timeout_s=3)
        same = key()
        first = await client.push(user(1), WORDS, same)
        assert await client.push(user(1), WORDS, same) == answers.Sent(first.id, repeated=True)
        await client.multicast([user(2)], WORDS, key())
        await client.reply(fake.platform.reply_token(user(3)), WORDS)
        fake.platform.contents["5"] = ("image/jpeg", b"jpeg")
        assert await client.content("5") == ("image/jpeg", b"jpeg")
        assert ((await client.quota()).limit, await client.consumption()) == (300, 2)
        assert await client.info()
        await client.close()

    asyncio.run(all_of_it())
    assert [got["how"] for got in fake.platform.received] == ["push", "multicast", "reply"]


def test_every_answer_that_is_no_json_is_a_fault_of_the_other_side() -> None:
    for status in (500, 502, 408, 302):
        with pytest.raises(answers.NotReached):
            answers.sent(status, {}, b"<html>gateway</html>")
    with pytest.raises(answers.NotReached):
        answers.found(200, {}, b"[" * 100_000)
