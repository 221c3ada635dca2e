"""What people ask of the outbox: preferences, addresses that leave no trace, a test message."""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from alerts.answering import Done, Refused
from alerts.outbox.asking import OutboxAsks
from classair.wire import Ask
from tests.alerts.outbox.posting import CARETAKER, MIN, TEN, Post, alert, titles

Make = Callable[..., Post]
ADDRESS = "U-4af4980629-person-of-this-test"


def ask(it: Post, do: str, **args: Any) -> Done:
    done = OutboxAsks(it.outbox, it.ledger).handlers[do](Ask(id="ask-00001", do=do, who="head", args=args), it.now)
    it.ledger.together(done.statements, done.then)
    it.settle()
    return done


def test_who_does_not_want_a_kind_of_message_gets_none_and_it_is_on_record(post: Make, paper: Any) -> None:
    it = post()
    done = ask(it, "preference", person="caretaker", kind="silent", wanted=False, why="I am  on\nleave")
    assert done.result == {"person": "caretaker", "kind": "silent", "wanted": False}
    assert it.rows("select * from preference") == [("caretaker", "silent", TEN, 0, "I am  onleave")]
    it.tell(alert("a"))
    it.tell(alert("b", kind="above"))
    it.after(MIN)
    assert titles(paper.PILES["caretaker"]) == ["b fired"]
    assert ("dropped", "unsubscribed") in it.states()
    it.restart()
    it.tell(alert("c"))
    it.after(2 * MIN)
    assert titles(paper.PILES["caretaker"]) == ["b fired"]
    ask(it, "preference", person="caretaker", kind="silent", wanted=True)
    it.tell(alert("d"))
    it.after(MIN)
    assert titles(paper.PILES["caretaker"]) == ["b fired", "d fired"]


def test_a_persons_own_word_goes_before_mute_in_the_configuration(post: Make, paper: Any) -> None:
    it = post(CARETAKER.replace("}", ", mute: [silent, above]}"))
    ask(it, "preference", person="caretaker", kind="silent", wanted=True)
    it.tell(alert("a"))
    it.tell(alert("b", kind="above"))
    it.after(MIN)
    assert titles(paper.PILES["caretaker"]) == ["a fired"]


def test_a_preference_counts_for_what_is_waiting_already(post: Make, paper: Any) -> None:
    it = post()
    it.tell(alert("a"))
    ask(it, "preference", person="caretaker", kind="silent", wanted=False)
    it.after(MIN)
    assert not paper.PILES["caretaker"] and it.states() == [("dropped", "unsubscribed")]


def test_a_test_message_is_sent_at_once(post: Make, paper: Any) -> None:
    it = post()
    done = ask(it, "test_message", person="caretaker")
    (message,) = paper.PILES["caretaker"]
    assert message.key == done.result["notification"] and message.title == "Test notification from ClassAir"


def test_an_address_is_known_to_channels_and_to_nobody_else(post: Make, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    it = post()
    done = ask(it, "contact", person="caretaker", channel="paper", address=ADDRESS)
    assert done.result == {"person": "caretaker", "channel": "paper", "linked": True}
    assert it.outbox.office.contact("caretaker", "paper") == ADDRESS
    it.restart()
    assert it.outbox.office.contact("caretaker", "paper") == ADDRESS
    it.outbox.office.blocked("caretaker", "paper")
    it.restart()
    assert it.outbox.office.contact("caretaker", "paper") is None  # blocked: nothing is tried in vain
    ask(it, "contact", person="caretaker", channel="paper", address=ADDRESS)
    assert it.outbox.office.contact("caretaker", "paper") == ADDRESS  # linked anew
    assert ADDRESS not in caplog.text and ADDRESS not in repr(done.result)


def test_who_forgets_by_their_address_is_gone_wherever_they_were_linked(post: Make) -> None:
    it = post(CARETAKER, "head: {channel: paper, to: head, language: en}")
    for person in ("caretaker", "head"):
        ask(it, "contact", person=person, channel="paper", address=ADDRESS)
    assert ask(it, "forget_contact", channel="paper", address="somebody-else").result["forgotten"] == 0
    done = ask(it, "forget_contact", channel="paper", address=ADDRESS)
    assert done.result == {"channel": "paper", "forgotten": 2, "dropped": 0}
    assert it.rows("select * from contact") == []
    it.restart()
    assert it.outbox.office.contact("head", "paper") is None
    assert ask(it, "forget_contact", channel="paper", address=ADDRESS).result["forgotten"] == 0


def _bytes(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.glob("ledger.db*")))


@pytest.mark.thorough
def test_an_erased_address_leaves_no_byte_on_the_disk_even_with_a_reader_in_the_way(post: Make) -> None:
    it = post()
    for number in range(50):
        ask(it, "contact", person="caretaker", channel="paper", address=f"{ADDRESS}-{number}")
    assert ADDRESS.encode() in _bytes(it.folder)
    reader = sqlite3.connect(it.folder / "ledger.db", isolation_level=None)
    reader.execute("begin")
    reader.execute("select count(*) from contact").fetchall()
    ask(it, "contact", person="caretaker", channel="paper", address=None)
    reader.close()
    until = time.monotonic() + 60
    while ADDRESS.encode() in _bytes(it.folder) and time.monotonic() < until:
        time.sleep(0.05)
    assert ADDRESS.encode() not in _bytes(it.folder)
    assert it.outbox.office.contact("caretaker", "paper") is None and it.rows("select * from contact") == []


@pytest.mark.parametrize(
    "do, args, wrong",
    [
        ("preference", {"person": "nobody", "kind": "silent", "wanted": False}, "not defined under people"),
        ("preference", {"person": "caretaker", "kind": "loud", "wanted": False}, "kind: 'loud' is not.*there are:"),
        ("contact", {"person": "caretaker", "channel": "pigeon", "address": ADDRESS}, "channel: 'pigeon' is not"),
        ("test_message", {"person": "nobody"}, "not defined under people"),
    ],
)
def test_what_cannot_be_done_is_refused_in_words(post: Make, do: str, args: dict[str, Any], wrong: str) -> None:
    it = post()
    with pytest.raises(Refused, match=wrong):
        ask(it, do, **args)


@pytest.mark.parametrize("address", ["", "x" * 257, "line\nbreak", 5])
def test_an_address_that_is_none_is_refused_without_repeating_it(post: Make, address: Any) -> None:
    it = post()
    with pytest.raises(ValidationError) as refused:
        ask(it, "contact", person="caretaker", channel="paper", address=address)
    assert str(address) not in str(refused.value) or address in ("", 5)
