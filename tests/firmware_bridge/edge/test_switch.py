"""The edge rule at work inside one bridge, in its own time: what it sends, by which way, and what it never does."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classair.broker import Message
from classair.config import parse
from classair.model import Flag
from classair.ops.brokerfiles import grants_of
from classair.timetable import ZONE, to_ms
from classair.wire import PurifierState, Topics
from firmware_bridge.averaging import Mean
from firmware_bridge.edge.switch import EdgeSwitch, edge_topics
from tests.firmware_bridge.edge.plugs import ALWAYS, NEVER, Plug, plugs

TOPICS = Topics("demo-town")
TEN = to_ms(datetime(2026, 11, 24, 10, tzinfo=ZONE))  # a Tuesday
SCHOOL = """
org: demo-town
timetables:
  always: ALWAYS
  never: NEVER
sites:
  s:
    name: S
    bridges: {b: {}, c: {}}
    rooms:
      full: {name: Full, volume_m3: 180, timetable: always}
      empty: {name: Empty, volume_m3: 180, timetable: never}
      free: {name: Free, volume_m3: 180}
      other: {name: Other, volume_m3: 180, timetable: always}
    sensors:
      full-pm: {bridge: b, room: full, model: pms5003t, port: "sim:classroom"}
      empty-pm: {bridge: b, room: empty, model: pms5003t, port: "sim:classroom"}
      free-pm: {bridge: b, room: free, model: pms5003t, port: "sim:classroom"}
      full-co2: {bridge: b, room: full, model: s8, port: "sim:classroom"}
      other-pm: {bridge: c, room: other, model: pms5003t, port: "sim:classroom"}
    purifiers:
      full-fan: {room: full, kind: tasmota, topic: full, cadr_m3h: 400, url: "URL"}
      empty-fan: {room: empty, kind: tasmota, topic: empty, cadr_m3h: 400}
      free-fan: {room: free, kind: tasmota, topic: free, cadr_m3h: 400}
      other-fan: {room: other, kind: tasmota, topic: other, cadr_m3h: 400}
      trial: {room: full, kind: dry_run, cadr_m3h: 400}
rules:
  purifiers: {kind: purifier}
""".replace("ALWAYS", ALWAYS).replace("NEVER", NEVER)


class Line:
    def __init__(self, *quantities: str) -> None:
        self._quantities = quantities

    def gives(self, quantity: str) -> bool:
        return quantity in self._quantities


class Bench:
    """One bridge's switch; `second()` lets a second pass."""

    def __init__(self, url: str = "", at_ms: int | None = TEN) -> None:
        self.now, self.at_ms, self.up = 1000.0, at_ms, True
        self.sent: list[tuple[str, str]] = []
        self.levels: dict[str, float] = {}
        self.beating = False
        lines = {f"s.{it}-pm": Line("pm25") for it in ("full", "empty", "free")} | {"s.full-co2": Line("co2_ppm")}
        self.switch = EdgeSwitch("s.b", self.now, self.known_ms, self._publish, lines, lambda: 0.0)
        self.switch.use(parse(SCHOOL.replace("URL", url)).part_for("s.b"), self.now)

    def known_ms(self) -> int | None:
        return None if self.at_ms is None else self.at_ms + round((self.now - 1000.0) * 1000)

    def _publish(self, topic: str, payload: str) -> int | None:
        if not self.up:
            return None
        self.sent.append((topic, payload))
        return 1

    def hear(self, topic: str, payload: str, retain: bool = False) -> bool:
        return self.switch.heard(Message(topic, payload.encode(), retain, 0, 0), self.now)

    def beat(self, retain: bool = False, **more: Any) -> None:
        assert self.hear(TOPICS.beat, json.dumps({"term": 7, "at": TEN, **more}), retain)

    def read(self, sensor: str, value: float, **more: Any) -> None:
        self.switch.reading(sensor, Mean(self.now, 1.0, 1, {"pm25": value}, **more))

    def second(self, count: int = 1) -> None:
        for _ in range(count):
            self.now += 1
            if self.beating and self.now % 5 == 0:
                self.beat()
            for sensor, value in self.levels.items():
                self.read(sensor, value)
            self.switch.tick(self.now)
            while self.switch._calls.under_way:
                time.sleep(0.001)

    @property
    def commanded(self) -> list[str]:
        return [topic.split("/")[1] for topic, _ in self.sent]


@pytest.fixture
def plug() -> Iterator[Plug]:
    with plugs("full") as (made,):
        yield made


def test_dust_in_an_occupied_room_without_a_server_switches_its_purifier_on_to_the_blocks_end() -> None:
    bench = Bench()
    bench.levels = dict.fromkeys(("s.full-pm", "s.empty-pm"), 60.0)
    bench.beating = True
    bench.second(300)
    assert bench.sent == [] and not bench.switch.acting
    bench.beating = False
    bench.second(19)
    assert bench.sent == []
    bench.second(6)
    (topic, payload), *more = bench.sent
    assert (topic, more) == ("cmnd/full/Backlog0", [])
    left_s = 2 * 3600 - 324  # to noon
    pulse = int(payload.removeprefix("PulseTime1 ").partition(";")[0])
    assert pulse - 100 == pytest.approx(left_s, abs=10) and payload.endswith("Power1 ON")
    assert [(it.purifier, it.reason) for it in bench.switch.ordered(bench.now)] == [("s.full-fan", "high")]
    assert TEN < bench.switch.ordered(bench.now)[0].at <= (bench.known_ms() or 0)


def test_clean_air_needs_nothing_and_a_blind_room_does_but_only_where_pm25_is_measured_here() -> None:
    bench = Bench()
    bench.levels = {"s.full-pm": 8.0, "s.free-pm": 8.0}
    bench.second(400)
    assert bench.switch.acting and bench.sent == []
    bench.levels = {}
    bench.second(200)
    assert set(bench.commanded) == {"full"}, "free has no timetable, and other is another bridge's"
    assert bench.switch.ordered(bench.now)[-1].reason == "blind"
    only_co2 = Bench()
    only_co2.switch._lines = {"s.full-co2": Line("co2_ppm")}  # type: ignore[dict-item]
    only_co2.second(600)
    assert only_co2.sent == []


def test_a_room_without_timetable_or_a_bridge_without_the_time_is_switched_by_dust_alone_a_lease_at_a_time() -> None:
    for room, at_ms in (("free", TEN), ("full", None)):
        bench = Bench(at_ms=at_ms)
        bench.levels = {"s.full-pm": 8.0, f"s.{room}-pm": 60.0}
        bench.second(400)
        assert set(bench.commanded) == {room}
        assert all("PulseTime1 400;" in payload for _, payload in bench.sent)
        bench.levels = {}
        bench.second(200)
        before = bench.commanded.count(room)
        bench.second(600)
        assert bench.commanded.count(room) == before, "silence renews nothing"


def test_an_order_given_without_the_time_is_dated_once_when_that_is_known() -> None:
    bench = Bench(at_ms=None)
    bench.levels = {"s.full-pm": 60.0}
    while not bench.sent:
        bench.second()
    ordered_s = bench.now
    assert bench.switch.ordered(bench.now)[0].at == 0
    bench.second(10)
    bench.at_ms = TEN
    (told,) = bench.switch.ordered(bench.now)
    assert told.at == TEN + round((ordered_s - 1000) * 1000)
    bench.at_ms = TEN + 5_000
    assert bench.switch.ordered(bench.now)[0].at == told.at


@pytest.mark.parametrize("beat", [{"term": 1}, {"at": 0}, {"at": 4_000_000_000_000}])
def test_any_beat_is_a_life_whatever_term_and_time_it_tells(beat: dict[str, Any]) -> None:
    bench = Bench()
    bench.levels = {"s.full-pm": 60.0}
    for _ in range(60):
        bench.second(5)
        bench.beat(**beat)
    assert bench.sent == [] and not bench.switch.acting


def test_a_beat_that_the_broker_kept_and_one_that_is_none_are_no_life() -> None:
    bench = Bench()
    bench.levels = {"s.full-pm": 60.0}
    for _ in range(60):
        bench.second(5)
        bench.beat(retain=True)
        bench.hear(TOPICS.beat, "{}")
        bench.hear(TOPICS.beat, "\x00")
    assert bench.switch.acting and bench.sent


def test_when_the_server_is_back_nothing_more_is_sent() -> None:
    bench = Bench()
    bench.levels = {"s.full-pm": 60.0}
    bench.second(300)
    assert bench.sent
    bench.beat()
    bench.sent.clear()
    bench.beating = True
    bench.second(3000)
    assert bench.sent == [] and not bench.switch.acting


def test_a_persons_off_is_respected_until_its_end() -> None:
    bench = Bench()
    bench.levels = {"s.full-pm": 60.0}
    told = PurifierState(
        purifier="s.full-fan",
        room="s.full",
        on=False,
        since=TEN,
        at=TEN,
        mode="person",
        override_on=False,
        override_until=TEN + 600_000,
    )
    assert bench.hear(TOPICS.purifier_state("s", "full-fan"), told.model_dump_json(), True)
    assert bench.hear(TOPICS.purifier_state("s", "full-fan"), "nonsense", True)
    bench.second(599)
    assert bench.sent == []
    bench.second(5)
    assert set(bench.commanded) == {"full"}


def test_flagged_values_prove_nothing() -> None:
    bench = Bench()
    for _ in range(170):
        bench.now += 1
        bench.read("s.full-pm", 500.0, flags=Flag.SENSOR_ERROR)
        bench.switch.tick(bench.now)
    assert bench.sent == []


def test_without_the_broker_the_device_itself_is_asked(plug: Plug) -> None:
    bench = Bench(plug.url)
    bench.up = False
    bench.levels = {"s.full-pm": 60.0}
    bench.second(300)
    assert plug.on and plug.remaining_s > 3600
    bench.second(300)
    assert len(plug.asked) == 1, "it took the order"


def test_over_the_broker_unheard_the_device_is_asked_ten_seconds_later(plug: Plug) -> None:
    bench = Bench(plug.url)
    bench.levels = {"s.full-pm": 60.0}
    while not bench.sent:
        bench.second()
    assert not plug.asked
    bench.second(11)
    assert plug.on
    assert len(bench.sent) == 1


def test_a_device_that_refuses_is_asked_again_and_again(plug: Plug, caplog: pytest.LogCaptureFixture) -> None:
    plug.answer = b'{"WARNING":"Need user=<username>&password=<password>"}'
    bench = Bench(plug.url)
    bench.up = False
    bench.levels = {"s.full-pm": 60.0}
    bench.second(300)
    assert len(plug.asked) >= 4 and not plug.on
    assert caplog.text.count("Need user") == len(plug.asked)


def test_no_way_at_all_is_said_once_and_taken_as_soon_as_there_is_one(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench()
    bench.up = False
    bench.levels = {"s.full-pm": 60.0}
    bench.second(600)
    assert caplog.text.count("edge_order_impossible") == 1 and not bench.switch.ordered(bench.now)
    bench.up = True
    bench.second(1)
    assert set(bench.commanded) == {"full"}


def test_a_page_of_another_device_at_the_address_confirms_no_order(
    plug: Plug, caplog: pytest.LogCaptureFixture
) -> None:
    plug.answer = b"<html>router, WARNING: sign in</html>"
    bench = Bench(plug.url)
    bench.up = False
    bench.levels = {"s.full-pm": 60.0}
    bench.second(120)
    assert len(plug.asked) >= 2 and "another device" in caplog.text and "edge_order_confirmed" not in caplog.text


def test_a_kind_that_fails_costs_its_own_device_alone(caplog: pytest.LogCaptureFixture) -> None:
    class Broken:
        def messages(self, seconds: int) -> Any:
            raise RuntimeError("no")

        calls = messages

    bench = Bench()
    bench.switch._units["s.free-fan"].order = Broken()
    bench.levels = dict.fromkeys(("s.full-pm", "s.free-pm"), 60.0)
    bench.second(300)
    assert set(bench.commanded) == {"full"}
    assert caplog.text.count("edge_order_failed") == 1


def test_a_changed_configuration_keeps_what_is_known_and_drops_what_is_gone() -> None:
    bench = Bench()
    bench.levels = {"s.full-pm": 60.0}
    bench.second(300)
    bench.sent.clear()
    bench.switch.use(parse(SCHOOL.replace("URL", "")).part_for("s.b"), bench.now)
    bench.second(5)
    assert bench.sent == [], "the order stands"
    without = SCHOOL.replace(
        '      full-fan: {room: full, kind: tasmota, topic: full, cadr_m3h: 400, url: "URL"}\n', ""
    )
    bench.switch.use(parse(without).part_for("s.b"), bench.now)
    bench.second(3000)
    assert "full" not in bench.commanded


def test_it_hears_beats_and_purifiers_of_its_own_site_alone() -> None:
    assert edge_topics(TOPICS, "s") == [TOPICS.beat, TOPICS.purifier_state("s", "+")]
    bench = Bench()
    assert not bench.hear("stat/full/POWER", "ON")
    assert not bench.hear(TOPICS.sensor_health("s", "full-pm"), "{}")


def test_a_bridge_may_command_the_purifiers_of_the_rooms_it_measures_and_no_others() -> None:
    granted = grants_of(parse(SCHOOL.replace("URL", ""))).accounts
    assert set(granted["b"].writes) == {f"cmnd/{room}/Backlog0" for room in ("full", "empty", "free")}
    assert set(granted["c"].writes) == {"cmnd/other/Backlog0"}
    assert granted["b"].reads == granted["c"].reads == (TOPICS.purifier_state("s", "+"),)


@settings(max_examples=25)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["beats", "silent", "up", "down", "clock lost", "clock known", "person", "nothing"]),
            st.integers(1, 60),
            st.sampled_from([None, 5.0, 20.0, 60.0]),
        ),
        max_size=25,
    )
)
def test_whatever_happens_it_only_sends_on_with_an_expiry_and_never_into_an_empty_room(steps: Any) -> None:
    bench = Bench()
    for what, seconds, level in steps:
        bench.beating = {"beats": True, "silent": False}.get(what, bench.beating)
        bench.up = {"up": True, "down": False}.get(what, bench.up)
        if what == "clock known":
            bench.at_ms = TEN
        elif what == "clock lost":
            bench.at_ms = None
        bench.levels = {} if level is None else dict.fromkeys(("s.full-pm", "s.free-pm"), level)
        if bench.at_ms is not None and level is not None:
            bench.levels["s.empty-pm"] = level
        bench.second(seconds)
        for topic, payload in bench.sent:
            assert topic.endswith("/Backlog0") and payload.startswith("PulseTime1 ") and payload.endswith("Power1 ON")
            assert "OFF" not in payload.upper()
    assert "other" not in bench.commanded
    if all(what != "clock lost" for what, _, _ in steps):
        assert "empty" not in bench.commanded
