"""The loop that keeps promises, killed and started again; evidence as the kind asks; what is not kept."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from classair.asking import NoAnswer
from classair.model import Reading
from classair.stores.memory.store import MemoryStore
from classair.units import DAY_MS, HOUR_MS, MINUTE_MS
from classair.wire import PurifierState
from dashboard.context import Context
from dashboard.queries.rooms import Queries
from dashboard.tickets.keeping import Keeping
from dashboard.tickets.records import Reporter
from dashboard.tickets.showing.circumstances import gather
from dashboard.tickets.showing.proving import offer

ROOM = "ban-suan.p1-2"
QUARTER = 15 * MINUTE_MS

RECEIVES = """
import sys
from pathlib import Path
from classair import config
from dashboard.access.desk_file import DeskFile
from dashboard.tickets.book import Tickets
from dashboard.tickets.records import NewTicket, Reporter
known = config.load(Path("sensors.yaml"), {})
tickets = Tickets(DeskFile(Path(sys.argv[1])), lambda: known, lambda: int(sys.argv[2]))
for n in range(10**6):
    ticket = tickets.receive(NewTicket("smoke", "ban-suan", "ban-suan.p1-2", reporter=Reporter("line", "U1")), str(n))
    print(ticket.number, flush=True)
"""


class NoLive:
    """Nobody has said anything yet."""

    def __init__(self, **told: Any) -> None:
        self.told = told

    def __getattr__(self, name: str) -> Any:
        return lambda *_: self.told.get(name)


@pytest.fixture
def ctx(world: Any) -> Any:
    store = MemoryStore()

    def make(**live: Any) -> Any:
        queries = Queries(lambda: store, lambda: world.config, now_ms=lambda: world.now)
        made = Context(lambda: world.config, queries, NoLive(**live), lambda: world.now, None)  # type: ignore[arg-type]
        object.__setattr__(made, "tickets", world.tickets)
        return made

    make.store = store  # type: ignore[attr-defined]
    return make


def measure(store: MemoryStore, start: int, values: list[float]) -> None:
    """A value a minute."""
    store.write(
        Reading(
            sensor=f"{ROOM}-pm",
            bridge="ban-suan.suan-pi",
            epoch="ab12cd34ef",
            seq=(start // MINUTE_MS + n) % 10**9,
            at_ms=start + n * MINUTE_MS,
            interval_s=60,
            room=ROOM,
            simulated=True,
            values={"pm25": value},
        )
        for n, value in enumerate(values)
    )


def fan(world: Any, **told: Any) -> PurifierState:
    usual: dict[str, Any] = {"on": True, "since": world.now, "at": world.now, "confirmed": True}
    return PurifierState(purifier=f"{ROOM}-fan", room=ROOM, **{**usual, **told})


@pytest.mark.thorough
def test_a_process_killed_between_receipt_and_notice_loses_neither(world: Any, ctx: Any) -> None:
    world.close()
    killed = subprocess.Popen(
        [sys.executable, "-c", RECEIVES, str(world.folder / "desk.db"), str(world.now)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    )
    assert killed.stdout is not None
    told = [killed.stdout.readline().strip() for _ in range(20)]
    os.kill(killed.pid, signal.SIGKILL)
    told += killed.stdout.read().split()
    killed.wait()
    world.open()
    known = world.tickets.listed()
    assert {one.number for one in known} >= set(told)
    assert len(known) <= len(told) + 1
    sent: list[str] = []

    async def send(_: Any, message: Any) -> None:
        sent.append(message.key)

    async def rounds() -> None:
        keeping = Keeping(ctx(), send)
        for _ in range(1 + len(known) // 100):
            await keeping.once()
        await Keeping(ctx(), send).once()

    asyncio.run(rounds())
    assert len(sent) == len(set(sent)) == len(known)  # each report's unit, once


def test_a_notice_is_tried_until_it_is_taken_and_given_up_after_two_days(world: Any, ctx: Any) -> None:
    world.receive()
    tries: list[int] = []

    async def send(_: Any, message: Any) -> None:
        tries.append(world.now)
        if len(tries) < 3:
            raise NoAnswer("the broker is unreachable")

    keeping = Keeping(ctx(), send)
    for _ in range(400):
        asyncio.run(keeping.once())
        world.now += 1000
    assert len(tries) == 3 and tries[2] - tries[1] > tries[1] - tries[0]
    assert world.tickets.notices(1)[0].told_at == tries[2]

    async def never(_: Any, message: Any) -> None:
        raise NoAnswer("the broker is unreachable")

    world.receive("b")
    for _ in range(60):
        asyncio.run(Keeping(ctx(), never).once())
        world.now += HOUR_MS
    assert world.tickets.notices(2)[0].ended == "no_answer"


def test_a_message_to_a_reporter_is_a_ticket_message_to_the_address_alone(world: Any, ctx: Any) -> None:
    ticket = world.receive()
    world.tickets.work.decline(ticket.id, "x", "y", "account:somchai")
    sent: list[Any] = []

    async def send(_: Any, message: Any) -> None:
        sent.append(message)

    asyncio.run(Keeping(ctx(), send).once())
    (message,) = [one for one in sent if one.channel == "line"]
    assert (message.kind, message.address, message.site) == ("ticket", "U1", "ban-suan")
    assert "U1" not in message.key and "U1" not in repr(message)


def test_evidence_is_the_six_hours_before_the_receipt_with_gaps_as_gaps(world: Any, ctx: Any) -> None:
    measure(ctx.store, world.now - 3 * HOUR_MS, [20.0] * 120)
    ticket = world.receive()
    world.now += 5 * MINUTE_MS
    found = gather(ctx(purifier=fan(world)), ticket)
    points = found["series"]["pm25"]
    assert points[0][0] >= ticket.received_at - 6 * HOUR_MS - QUARTER and points[-1][0] <= ticket.received_at
    assert {value for _, value in points} == {20.0, None}
    assert found["purifiers"][0]["on"] is True and found["sensors"][0]["state"] is None


def test_a_sensors_repair_needs_thirty_minutes_of_valid_data_after_it(world: Any, ctx: Any) -> None:
    ticket = world.receive(kind="wrong_value")
    fixed = ticket.received_at + 20 * MINUTE_MS  # 18.00
    world.now = fixed + 20 * MINUTE_MS
    early = offer(ctx(), ticket, fixed, "th")
    assert (early.found, early.why, early.ready_at) == (None, "too_early", fixed + 30 * MINUTE_MS)
    world.now = fixed + 31 * MINUTE_MS
    assert offer(ctx(), ticket, fixed, "th").why == "no_valid_data"
    measure(ctx.store, fixed, [18.0] * 31)
    found = offer(ctx(), ticket, fixed, "th")
    assert found.found is not None and found.found.words == "มีข้อมูลที่ใช้ได้ตั้งแต่ 18.00\u00a0น. ถึง 18.30\u00a0น."


def test_a_purifiers_repair_needs_it_to_run_and_pm25_to_fall(world: Any, ctx: Any) -> None:
    ticket = world.receive()
    fixed = ticket.received_at + 20 * MINUTE_MS
    world.now = fixed + 46 * MINUTE_MS
    assert offer(ctx(), ticket, fixed, "en").why == "purifier_off"
    assert offer(ctx(purifier=fan(world, on=False, confirmed=False)), ticket, fixed, "en").why == "purifier_off"
    old = fan(world, at=world.now - HOUR_MS)
    assert offer(ctx(purifier=old), ticket, fixed, "en").why == "purifier_off"
    measure(ctx.store, fixed - QUARTER, [40.0] * 62)
    assert offer(ctx(purifier=fan(world)), ticket, fixed, "en").why == "not_falling"


def test_falling_pm25_and_power_are_evidence(world: Any, ctx: Any) -> None:
    ticket = world.receive()
    fixed = ticket.received_at + 20 * MINUTE_MS
    world.now = fixed + 46 * MINUTE_MS
    measure(ctx.store, fixed - QUARTER, [48.0] * 15 + [30.0] * 15 + [20.0] * 15 + [14.0] * 17)
    found = offer(ctx(purifier=fan(world, on=None, watts=38.0, confirmed=False)), ticket, fixed, "en")
    assert found.found is not None
    assert found.found.words == "the purifier runs, and PM2.5 fell from 48 to 14 µg/m³ between 17:45 and 18:45"


def test_a_room_without_the_device_asks_for_a_photo_or_a_written_act(world: Any, ctx: Any) -> None:
    whole = world.receive(room="")
    assert offer(ctx(), whole, world.now, "th").fits == {"photo", "act", "none"}


def test_photos_go_after_ninety_days_and_contacts_with_them_and_the_report_stays(world: Any) -> None:
    picture = io.BytesIO()
    Image.new("RGB", (64, 48)).save(picture, "JPEG")
    ticket = world.receive(photo=picture.getvalue(), reporter=Reporter("phone", "0812345678"))
    (name,) = world.tickets.photos.names()
    os.utime(world.folder / "photos" / name, (world.now / 1000, world.now / 1000))
    world.tickets.cancel(ticket.id)
    world.now += 89 * DAY_MS
    world.tickets.clock.clear()
    assert world.tickets.photos.names() == [name]
    world.now += 2 * DAY_MS
    world.tickets.clock.clear()
    assert world.tickets.photos.names() == []
    assert world.tickets.reporters(ticket.id) == []
    assert world.tickets.get(ticket.id).closing == "cancelled"
    assert [one.photo for one in world.tickets.written(ticket.id)] == [""]
