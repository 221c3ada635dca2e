"""A Shelly of the first generation with its own page: a timer, and who switched it; without that it says what lacks."""

from __future__ import annotations

import gc
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from alerts import purifiers
from alerts.control.occupancy import occupied
from alerts.control.switchboard import Switchboard
from alerts.control.unit import Command
from alerts.ledger import Ledger
from alerts.purifiers import _asked
from alerts.purifiers.shelly_gen1 import status
from classair import config
from classair.control.signal import Signal
from simulator.devices.shelly_gen1 import ShellyGen1Plug
from tests.alerts.purifiers.pages import Ear, Page, served
from tests.neighbours.programs import await_condition

PART = {"room": "r", "kind": "shelly_gen1", "cadr_m3h": 300, "topic": "plug"}


@pytest.fixture
def page() -> Iterator[Page]:
    with served(ShellyGen1Plug("plug", load_w=38.0)) as one:
        yield one


def kind(url: str) -> Any:
    part = {**PART, "url": url}
    return purifiers.make("s.f", config.Purifier.model_validate(part), lambda: round(time.time() * 1000))


def command(on: bool, seconds: int | None = 300) -> Command:
    return Command(on, seconds if on else None, "auto", "why", 1)


def test_what_it_guarantees_follows_from_its_page() -> None:
    with_page, without = kind("http://192.0.2.9"), kind("")
    assert with_page.traits.expires and with_page.traits.names_people and with_page.edge() is not None
    assert not without.traits.expires and not without.traits.names_people and without.edge() is None


def test_an_on_goes_to_the_page_with_its_timer_and_counts_by_the_timer_that_runs(page: Page) -> None:
    unit = kind(page.url)
    ear = Ear(unit)
    assert unit.command(command(True)) == []
    told = ear.until(lambda said: said.answer, "the confirmation")
    assert (told.on, told.by) == (True, "command")
    assert page.device.remaining_s(0) == 300  # type: ignore[attr-defined]
    ear.forget()
    page.now = 200.0
    unit.command(command(True))
    ear.until(lambda said: said.answer, "the renewal")
    assert page.device.remaining_s(200) == 300  # type: ignore[attr-defined]


def test_an_on_without_a_running_timer_is_not_confirmed(page: Page) -> None:
    page.device.disobey = True  # type: ignore[attr-defined]
    page.device.on = True  # type: ignore[attr-defined]
    unit = kind(page.url)
    ear = Ear(unit)
    unit.command(command(True))
    told = ear.until(lambda said: said.on is True, "the reading")
    assert not told.answer


def test_an_off_goes_over_the_broker_and_is_looked_up(page: Page) -> None:
    unit = kind(page.url)
    ear = Ear(unit)
    unit.command(command(True))
    ear.until(lambda said: said.answer and said.on is True, "ON")
    ear.forget()
    sent = unit.command(command(False))
    assert [(one.topic, one.payload) for one in sent] == [("shellies/plug/relay/0/command", "off")]
    for one in page.device.handle(sent[0].topic, sent[0].payload, 1.0):  # type: ignore[attr-defined]
        unit.read_state(one.topic, one.payload.encode(), False)
    told = ear.until(lambda said: said.answer and said.on is False, "OFF")
    assert told.by == "command"


@pytest.mark.parametrize(
    ("how", "by"),
    [("press", "person"), ("timer", "timer"), ("browser", "person"), ("drop", "")],
)
def test_a_change_is_told_with_who_did_it(page: Page, how: str, by: str) -> None:
    device: Any = page.device
    unit = kind(page.url)
    ear = Ear(unit)
    unit.command(command(True))
    ear.until(lambda said: said.answer and said.on is True, "ON")
    ear.forget()
    if how == "timer":
        page.now = 301.0
        said = device.tick(page.now)
    elif how == "browser":
        said = device.page("/relay/0?turn=off", 1.0)[2]
    else:
        said = getattr(device, how)(1.0)
    for one in said:
        assert [word.on for word in unit.read_state(one.topic, one.payload.encode(), False)] in ([None], [])
    told = ear.until(lambda one: one.on is False, "the change")
    assert (told.by, told.answer) == (by, True)


def test_its_page_tells_power_and_the_time_since_its_start(page: Page) -> None:
    unit = kind(page.url)
    page.now = 77.0
    ear = Ear(unit)
    told = ear.until(lambda said: said.up_s == 77.0, "the status")
    assert (told.watts, told.faults) == (0.0, ())
    page.device.overpower = True  # type: ignore[attr-defined]
    unit.query()
    assert ear.until(lambda said: bool(said.faults), "the fault").faults == ("overpower",)


def test_a_page_that_wants_a_password_is_told_and_not_taken_for_silence(page: Page) -> None:
    page.device.locked = True  # type: ignore[attr-defined]
    ear = Ear(kind(page.url))
    assert ear.until(lambda said: bool(said.faults), "the refusal").faults == ("HTTP 401",)
    assert all(said.online is not False for said in ear.said)


def test_without_its_page_it_is_away_and_what_it_says_over_the_broker_is_believed(page: Page) -> None:
    unit = kind(page.url)
    ear = Ear(unit)
    ear.until(lambda said: said.on is False, "the first reading")
    page.close()
    unit.query()
    await_condition(lambda: unit.heard() is not None and not unit._asked.reachable, what="the miss")
    assert [said.on for said in unit.read_state("shellies/plug/relay/0", b"on", False)] == [True]
    unit.query()
    ear.until(lambda said: said.online is False, "that it is away")


def test_a_page_that_hangs_delays_nobody(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_asked, "CALL_S", 0.2)
    page.deaf.set()
    dead, alive = kind(page.url), ShellyGen1Plug("plug")
    with served(alive) as other:
        unit = kind(other.url)
        ear = Ear(unit)
        for _ in range(50):
            dead.command(command(True))
            dead.heard()
        unit.command(command(True))
        ear.until(lambda said: said.answer, "the other's confirmation")
    page.deaf.clear()


def test_an_order_that_has_waited_too_long_is_not_carried_out(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_asked, "ORDER_S", -1.0)
    unit = kind(page.url)
    ear = Ear(unit)
    unit.command(command(True))
    ear.until(lambda said: said.on is False, "the reading")
    assert [path for path in page.asked if "turn" in path] == []


def test_only_the_newest_order_counts(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_asked, "CALL_S", 0.3)
    page.deaf.set()
    unit = kind(page.url)
    ear = Ear(unit)
    for seconds in (300, 400, 500):
        unit.command(command(True, seconds))
    page.deaf.clear()
    ear.until(lambda said: said.answer, "the confirmation")
    assert [path for path in page.asked if "turn" in path][-1] == "/relay/0?turn=on&timer=500"


def test_a_kind_that_is_only_looked_at_asks_nobody(page: Page) -> None:
    """`classair check` makes every kind to see what it needs."""
    unit = kind(page.url)
    unit.account(), unit.topics(), unit.traits, unit.edge()
    del unit
    gc.collect()
    assert page.asked == []


def test_a_kind_that_nobody_holds_any_more_asks_no_more(page: Page) -> None:
    unit = kind(page.url)
    Ear(unit).until(lambda said: said.on is not None, "the first reading")
    asking = unit._asked._asking
    del unit
    gc.collect()
    await_condition(lambda: asking._task is not None and asking._task.done(), what="the end of asking")


def test_a_bridge_reaches_it_by_its_page_alone(page: Page) -> None:
    order = kind(page.url).edge()
    assert order.messages(300) == []
    for call in order.calls(300):
        parts = urlsplit(call.url)
        page.device.page(f"{parts.path}?{parts.query}", 0.0)
    assert page.device.on and page.device.remaining_s(0) == 300  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "told", [{}, {"relays": []}, {"relays": [None]}, {"relays": [{"ison": 1}]}, {"relays": {"0": 1}}, {"relays": "x"}]
)
def test_a_status_without_the_relay_says_nothing(told: dict[str, Any]) -> None:
    assert status(told, 0) == purifiers.Said()


def test_control_switches_it_and_hears_its_answer(page: Page, tmp_path: Path) -> None:
    """On the board: no message of the broker is needed to confirm, and none that leaves is waited for in vain."""
    now = round(time.time() * 1000)
    ledger = Ledger(tmp_path / "ledger.db")
    board = Switchboard(ledger, lambda *_, **__: True, lambda: now)
    text = {
        "org": "o",
        "sites": {
            "s": {
                "name": "S",
                "bridges": {},
                "rooms": {"r": {"name": "R", "volume_m3": 180}},
                "sensors": {},
                "purifiers": {
                    "f": {"room": "r", "kind": "shelly_gen1", "cadr_m3h": 300, "topic": "plug", "url": page.url}
                },
            }
        },
    }
    board.follow(config.parse(json.dumps(text)), 1, now)
    end = now + 3_600_000

    def stepped() -> Any:
        high = Signal(80.0, now, now - 600_000, None)
        board.step("s.r", high, occupied(end), now)
        return board.states_in("s.r", now)[0]

    await_condition(lambda: stepped().on is False, what="the first reading")
    now += 600_000
    await_condition(lambda: stepped().confirmed and stepped().on, what="the confirmed ON")
    assert page.device.on  # type: ignore[attr-defined]
    text["sites"]["s"]["purifiers"] = {}  # type: ignore[index]
    board.follow(config.parse(json.dumps(text)), 2, now)
    now += 3_600_000

    def left() -> bool:
        board.let_go(now)
        for one in page.device.handle("shellies/plug/relay/0/command", "off", 0.0):  # type: ignore[attr-defined]
            board.hear(one.topic, one.payload.encode(), False, lambda _: occupied(end), now)
        return not board.knows("shellies/plug/relay/0")

    await_condition(left, what="its leaving")
    ledger.close()


@pytest.mark.parametrize(
    ("url", "count"), [("https://192.0.2.9", 1), ("https://192.0.2.9:8443/", 1), ("http://192.0.2.9", 0), ("", 0)]
)
def test_an_address_with_https_is_a_fault_because_it_has_no_such_page(url: str, count: int) -> None:
    found = list(purifiers.faults(config.Purifier.model_validate({**PART, "url": url})))
    assert len(found) == count and all("expected http://" in one for one in found)
