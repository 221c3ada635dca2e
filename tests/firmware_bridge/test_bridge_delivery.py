"""Delivery with a real spool, time as an argument, and a list in place of the broker."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from classair.model import QUANTITIES
from classair.wire import MAX_PAYLOAD, Replay, Stored, stream_items
from firmware_bridge.delivery import ANSWER_WITHIN_S, LIST_ITEMS, LONGEST_WAIT_S, WINDOW, Delivery
from firmware_bridge.spool.packing import SpoolRow
from firmware_bridge.spool.spool import Spool

AT = 1_800_000_000_000


class Sent:
    """What was published; `up` False refuses like a link without a connection."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []
        self.up = True

    def __call__(self, payload: bytes) -> bool:
        if self.up:
            self.messages.append(payload)
        return self.up

    def take(self) -> list[dict[str, Any]]:
        """Every item sent since the last call."""
        items: list[dict[str, Any]] = []
        for message in self.messages:
            assert len(message) <= MAX_PAYLOAD
            assert stream_items(message)
            told = json.loads(message)
            items += told if isinstance(told, list) else [told]
        self.messages.clear()
        return items

    def seqs(self) -> list[int]:
        return [item["seq"] for item in self.take() if "seq" in item]


class Setting:
    def __init__(self, spool: Spool) -> None:
        self.spool, self.sent, self.now = spool, Sent(), 1000.0
        self.delivery = Delivery(spool, "pi", self.sent, chance=lambda: 0.5)

    def measure(self, count: int = 1) -> None:
        for _ in range(count):
            row = self.spool.append({"sensor": "blue-pm", "values": {"pm25": 1.5}}, AT, "sync")
            assert row is not None
            self.delivery.live(row, self.now)

    def run(self, seconds: float = 0.0) -> None:
        """Ticks as often as delivery wants for so long."""
        end = self.now + seconds
        while True:
            wanted = self.delivery.tick(self.now)
            if wanted is None or wanted > end:
                break
            self.now = max(wanted, self.now)
        self.now = end

    def stored(self, upto: int, epoch: str | None = None) -> bool:
        return self.delivery.stored(Stored(epoch=epoch or self.spool.epoch, upto=upto, server_time=AT), self.now)


@pytest.fixture
def setting(tmp_path: Path) -> Iterator[Setting]:
    spool = Spool.open(tmp_path / "school.pi.db")
    yield Setting(spool)
    spool.close()


def test_a_live_reading_is_sent_at_once_alone_and_not_as_late(setting: Setting) -> None:
    setting.delivery.connected(setting.now)
    setting.measure()
    (message,) = setting.sent.messages
    assert message.startswith(b"{")
    (item,) = setting.sent.take()
    assert (item["seq"], item["bridge"], item["epoch"]) == (1, "pi", setting.spool.epoch)
    assert not item.get("late")
    setting.run(5)
    assert setting.sent.take() == []


def test_what_was_measured_while_away_goes_in_lists_marked_late(setting: Setting) -> None:
    setting.measure(LIST_ITEMS + 50)
    assert setting.sent.messages == []
    setting.delivery.connected(setting.now)
    setting.run(1)
    assert [len(json.loads(message)) for message in setting.sent.messages] == [LIST_ITEMS, 50]
    items = setting.sent.take()
    assert [item["seq"] for item in items] == list(range(1, LIST_ITEMS + 51))
    assert all(item["late"] for item in items)


def test_live_goes_before_the_backlog_and_is_not_sent_again_with_it(setting: Setting) -> None:
    setting.measure(3)
    setting.delivery.connected(setting.now)
    setting.measure(1)
    setting.run(1)
    assert setting.sent.seqs() == [4, 1, 2, 3]


def test_an_acknowledged_reading_is_never_sent_again(setting: Setting) -> None:
    setting.delivery.connected(setting.now)
    setting.measure(5)
    assert setting.stored(5)
    setting.sent.take()
    setting.run(1000)
    setting.delivery.disconnected()
    setting.delivery.connected(setting.now)
    setting.run(1000)
    assert setting.sent.take() == []


def test_stored_is_heard_for_this_epoch_and_for_numbers_given_out_only(setting: Setting) -> None:
    setting.delivery.connected(setting.now)
    setting.measure(5)
    assert not setting.stored(5, epoch="0123456789abcdef")
    assert not setting.stored(6)
    assert setting.spool.acknowledged == 0
    assert setting.stored(4)
    assert setting.spool.acknowledged == 4


def test_without_an_answer_in_ten_seconds_it_starts_again_behind_what_is_stored(setting: Setting) -> None:
    setting.delivery.connected(setting.now)
    setting.measure(5)
    setting.stored(2)
    setting.sent.take()
    setting.run(ANSWER_WITHIN_S - 0.1)
    assert setting.sent.take() == []
    setting.run(0.2)
    items = setting.sent.take()
    assert [item["seq"] for item in items] == [3, 4, 5]
    assert all(item["late"] for item in items)


def test_repeated_silence_is_met_with_growing_pauses_of_at_most_a_minute(setting: Setting) -> None:
    setting.delivery.connected(setting.now)
    setting.measure()
    setting.sent.take()
    at = []
    begun = setting.now
    for _ in range(3000):
        setting.run(0.1)
        if setting.sent.take():
            at.append(setting.now - begun)
    pauses = [round(later - earlier) for earlier, later in zip([0.0, *at], at, strict=False)]
    assert pauses == [10, 20, 40, 60, 60, 60]
    assert LONGEST_WAIT_S == 60


def test_pauses_differ_from_bridge_to_bridge(tmp_path: Path) -> None:
    spool = Spool.open(tmp_path / "school.pi.db")
    assert len({Delivery(spool, "pi", Sent())._jittered(10) for _ in range(5)}) == 5
    spool.close()


def test_an_answer_sets_the_pauses_back(setting: Setting) -> None:
    setting.delivery.connected(setting.now)
    setting.measure(3)
    setting.run(100)
    setting.stored(1)
    setting.sent.take()
    setting.run(10.5)
    assert setting.sent.seqs() == [2, 3]


def test_no_more_than_the_window_is_on_its_way(setting: Setting) -> None:
    setting.spool.extend({"sensor": "blue-pm", "values": {"pm25": 1.5}, "at": AT} for _ in range(WINDOW + 1000))
    setting.delivery.connected(setting.now)
    setting.run(5)
    assert len(setting.sent.seqs()) == WINDOW
    setting.stored(400)
    setting.run(1)
    assert setting.sent.seqs() == list(range(WINDOW + 1, WINDOW + 401))


def test_a_refused_publish_is_tried_again_when_the_link_is_back(setting: Setting) -> None:
    setting.delivery.connected(setting.now)
    setting.sent.up = False
    setting.measure(2)
    setting.run(1)
    setting.sent.up = True
    setting.measure(1)
    setting.run(1)
    assert sorted(setting.sent.seqs()) == [1, 2, 3]


def test_a_crash_is_declared_as_a_gap_in_its_place(tmp_path: Path) -> None:
    path = tmp_path / "school.pi.db"
    first = Spool.open(path)
    first.append({"sensor": "blue-pm", "values": {"pm25": 1.5}}, AT, "sync")
    first.commit()
    assert first._lock_file is not None
    first._lock_file.close()  # as after kill -9
    setting = Setting(Spool.open(path))
    setting.delivery.connected(setting.now)
    setting.measure()
    setting.run(1)
    live, reading, gap = setting.sent.take()
    assert reading["seq"] == 1
    assert (gap["kind"], gap["first"], gap["reason"]) == ("gap", 2, "bridge restarted")
    assert gap["last"] + 1 == live["seq"]
    setting.spool.close()


def test_a_replay_sends_the_range_again_and_says_what_is_no_longer_kept(tmp_path: Path) -> None:
    spool = Spool.open(tmp_path / "school.pi.db")
    spool.extend({"sensor": "blue-pm", "values": {"pm25": 1.5}, "at": AT} for _ in range(12_000))
    setting = Setting(spool)
    setting.stored(12_000)
    assert spool._file is not None
    oldest = spool._file.oldest(12_000)
    assert oldest is not None
    spool._file.drop(oldest.first, oldest.last)  # as when space is needed
    setting.delivery.connected(setting.now)
    setting.delivery.replay(Replay(epoch=spool.epoch, first=1, last=2500))
    setting.run(2)
    gap, *items = setting.sent.take()
    assert (gap["kind"], gap["first"], gap["reason"]) == ("gap", 1, "no longer kept")
    assert [item["seq"] for item in items] == list(range(gap["last"] + 1, 2501))
    spool.close()


def test_a_replay_of_another_epoch_or_of_the_future_sends_nothing(setting: Setting) -> None:
    setting.delivery.connected(setting.now)
    setting.measure(3)
    setting.stored(3)
    setting.sent.take()
    setting.delivery.replay(Replay(epoch="0123456789abcdef", first=1, last=3))
    setting.delivery.replay(Replay(epoch=setting.spool.epoch, first=4, last=9))
    setting.run(5)
    assert setting.sent.take() == []


def test_an_ingest_that_lost_its_data_gets_again_what_is_kept(setting: Setting) -> None:
    setting.delivery.connected(setting.now)
    setting.measure(10)
    setting.stored(10)
    setting.sent.take()
    assert setting.stored(4)
    setting.run(1)
    assert setting.sent.seqs() == [5, 6, 7, 8, 9, 10]


def test_undated_readings_wait_and_go_as_soon_as_they_are_dated(setting: Setting) -> None:
    setting.delivery.connected(setting.now)
    row = setting.spool.append({"sensor": "blue-pm", "values": {"pm25": 1.5}}, None, mono=5, boot="b")
    assert row is not None
    assert not setting.delivery.live(row, setting.now)
    setting.run(300)
    assert setting.sent.take() == []
    setting.spool.date("b", AT, "server", 0)
    setting.delivery.dated()
    setting.run(1)
    (item,) = setting.sent.take()
    assert (item["at"], item["clock"]) == (AT + 5, "server")
    assert isinstance(row, SpoolRow)


def test_long_readings_are_cut_into_messages_the_broker_takes(setting: Setting) -> None:
    flags = ["RANGE", "SATURATED", "STUCK", "SPIKE"]
    values = dict.fromkeys(list(QUANTITIES)[:24], 1.5)
    for _ in range(300):
        setting.spool.append(
            {"sensor": "blue-pm", "values": values, "value_flags": dict.fromkeys(values, flags)}, AT, "sync"
        )
    setting.delivery.connected(setting.now)
    setting.run(1)
    assert len(setting.sent.messages) > 2
    assert setting.sent.seqs() == list(range(1, 301))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.sampled_from(["measure", "up", "down", "lose", "answer", "wait"]), max_size=40))
def test_whatever_happens_in_between_everything_arrives_in_the_end(
    tmp_path_factory: pytest.TempPathFactory,
    steps: list[str],
) -> None:
    setting = Setting(Spool.open(tmp_path_factory.mktemp("spool") / "school.pi.db"))
    arrived: set[int] = set()

    def upto() -> int:
        return next(seq for seq in range(1, setting.spool.next_seq + 1) if seq not in arrived) - 1

    for step in steps:
        if step == "measure":
            setting.measure(3)
        elif step == "up":
            setting.delivery.connected(setting.now)
        elif step == "down":
            setting.delivery.disconnected()
        elif step == "lose":
            setting.sent.take()
        elif step == "answer":
            arrived.update(setting.sent.seqs())
            setting.stored(upto())
        else:
            setting.run(7)
    setting.delivery.connected(setting.now)
    for _ in range(20):
        setting.run(10)
        arrived.update(setting.sent.seqs())
        setting.stored(upto())
    assert arrived == set(range(1, setting.spool.next_seq))
    assert setting.spool.waiting == 0
    setting.spool.close()
