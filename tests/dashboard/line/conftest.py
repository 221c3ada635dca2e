"""LINE's fake beside a running dashboard: users write, and what they read is looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest

from classair import config as configuration
from classair.wire import Answer, Ask
from dashboard.tickets.records import Reporter, Ticket
from simulator.line.server import LineFake
from tests.dashboard.conftest import Builder, House, alerts_double
from tests.neighbours import line


class Phone:
    """One user's LINE: `says` writes and gives what came back."""

    def __init__(self, fake: LineFake, house: House, wait_for: Callable[..., None], user: str) -> None:
        self.fake, self.house, self.user, self._wait_for = fake, house, user, wait_for
        self._seen = 0

    def says(self, text: str) -> str:
        return self.read(self.fake.webhook.message(self.user, {"type": "text", "text": text}))

    def sends(self, picture: bytes, kind: str = "image/jpeg") -> str:
        return self.read(self.fake.webhook.picture(self.user, kind, picture))

    def read(self, told: dict[str, Any]) -> str:
        """The words of the answer to an event, all messages together."""
        assert self.outcome(told) is not None
        before, self._seen = self._seen, len(self.received)
        return "\n".join(_words(message) for sent in self.received[before:] for message in sent["messages"])

    def another(self) -> Phone:
        """Somebody else's."""
        return Phone(self.fake, self.house, self._wait_for, new_user())

    @property
    def tickets(self) -> list[Ticket]:
        """What this user has reported or follows."""
        found: list[Ticket] = self.house.app.server.state.ctx.tickets.of(Reporter("line", self.user))
        return found

    def outcome(self, told: dict[str, Any]) -> str:
        event = told["events"][0]["webhookEventId"]
        inbox = self.house.desk.line
        self._wait_for(lambda: inbox.outcome(event) is not None, 30, "the event being worked on")
        found = inbox.outcome(event)
        assert found is not None
        return found

    @property
    def received(self) -> list[dict[str, Any]]:
        return [sent for sent in list(self.fake.platform.received) if sent["user"] == self.user]

    @property
    def buttons(self) -> list[str]:
        """What a tap on each button of the last answer writes."""
        last = self.received[-1]["messages"][-1]
        return [item["action"]["text"] for item in last.get("quickReply", {}).get("items", [])]


def _words(message: dict[str, Any]) -> str:
    return str(message.get("text") or message.get("altText") or message.get("originalContentUrl"))


_numbers = count(1)


def new_user() -> str:
    return line.user(next(_numbers))


@pytest.fixture(scope="module")
def fake() -> Iterator[LineFake]:
    with pytest.MonkeyPatch.context() as env, line.line_fake() as made:
        env.setenv("CLASSAIR_LINE_TOKEN", line.TOKEN)
        env.setenv("CLASSAIR_LINE_SECRET", line.SECRET)
        yield made


@pytest.fixture(scope="module")
def _shared_house(
    fake: LineFake, tmp_path_factory: pytest.TempPathFactory, schools: configuration.Config
) -> Iterator[House]:
    builder = Builder(tmp_path_factory.mktemp("line"), schools)
    yield listening(fake, builder, schools)
    builder.close()


@pytest.fixture
def line_house(fake: LineFake, _shared_house: House) -> Iterator[House]:
    """The demo's schools with LINE's fake as LINE, shared by the tests of a file: each has users of its own."""
    fake.webhook.point_at(f"{_shared_house.url}/line/webhook")
    yield _shared_house
    _shared_house.offset_ms = 0
    fake.platform.faults.clear()
    tickets = _shared_house.app.server.state.ctx.tickets
    for ticket in tickets.listed(states=["received", "assigned", "waiting"]):
        tickets.cancel(ticket.id)


def listening(fake: LineFake, make: Callable[..., House], config: configuration.Config) -> House:
    made = make(config=config.model_copy(update={"line": config.line.model_copy(update={"api": fake.url})}))
    fake.webhook.point_at(f"{made.url}/line/webhook")
    return made


@pytest.fixture
def phone(fake: LineFake, line_house: House, wait_for: Callable[..., None]) -> Phone:
    return Phone(fake, line_house, wait_for, new_user())


@pytest.fixture
def alerts(line_house: House, mosquitto: Any) -> Iterator[list[Ask]]:
    """Alerts, which takes everything; what it was asked."""
    asked: list[Ask] = []

    def answer(ask: Ask) -> Answer:
        asked.append(ask)
        return Answer(id=ask.id, ok=True, result={"forgotten": 1, "state": "waiting"})

    with alerts_double(line_house, mosquitto, answer):
        yield asked
