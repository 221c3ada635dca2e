"""No kind of purifier believes what is not its device's word of now, and none leaves anything at the broker itself."""

from __future__ import annotations

from dataclasses import replace

from alerts.purifiers import Said
from simulator.devices.device import Publish
from tests.alerts.purifiers.plugged import Benches, on, publish_as, retained_at
from tests.alerts.purifiers.rows import EVERY, Row, having
from tests.neighbours.servers import Mosquitto


@EVERY
def test_another_devices_word_is_not_believed_and_the_broker_does_not_let_it_pass(row: Row, bench: Benches) -> None:
    it = bench(row)
    unit = it.control.unit
    assert any(map(on, unit.read_state(row.claims_on.topic, row.claims_on.payload.encode(), False)))
    assert unit.read_state(row.foreign.topic, row.foreign.payload.encode(), False) == []
    it.control.forget()
    it.plugged.say(row.foreign)
    it.settle()
    assert not any(map(on, it.control.said))


@EVERY
def test_a_huge_payload_is_not_read(row: Row, bench: Benches) -> None:
    it = bench(row)
    it.control.forget()
    it.plugged.say(Publish(row.claims_on.topic, row.claims_on.payload + " " * 70_000))
    it.settle()
    assert not any(map(on, it.control.said))


@EVERY
def test_garbage_says_nothing(row: Row, bench: Benches) -> None:
    it = bench(row)
    it.control.forget()
    for text in ("", "null", "[]", "{}", "ON" * 2000, '{"a":', "\x00\x01", "[" * 3000, '"ON"', "NaN", "-1e999"):
        it.plugged.say(Publish(row.claims_on.topic, text))
    it.settle()
    assert not any(map(on, it.control.said))


@having(lambda row: row.renamed)
def test_a_word_that_nobody_knows_is_named(row: Row, bench: Benches) -> None:
    it = bench(row)
    it.control.forget()
    it.plugged.say(row.renamed or Publish("", ""))
    told = it.control.until(lambda said: said.unread != "", "the word")
    assert told.on is None and len(told.unread) <= 20


@EVERY
def test_a_retained_state_is_of_no_known_time(row: Row, bench: Benches, school_broker: Mosquitto) -> None:
    left = replace(row.claims_on, retain=True)
    publish_as(school_broker.url, "watcher", left)
    try:
        it = bench(row)
        assert not any(map(on, it.control.said))
        assert it.control.unit.read_state(left.topic, left.payload.encode(), True) in ([], [Said()])
    finally:
        publish_as(school_broker.url, "watcher", Publish(left.topic, "", retain=True))


@having(lambda row: row.retained_on)
def test_a_retained_command_switches_it_on_after_each_cut_and_our_on_still_bounds_it(row: Row, bench: Benches) -> None:
    it = bench(row)
    left = replace(row.retained_on or Publish("", ""), retain=True)
    it.plugged.cut()
    publish_as(it.url, "watcher", left)
    try:
        it.control.forget()
        it.plugged.mains_return()
        it.control.until(on, "the trap")
        it.control.switch(True, 300)
        it.settle()
        assert it.plugged.remaining_s <= 300
        it.plugged.skip(301)
        assert not it.device.on
    finally:
        publish_as(it.url, "watcher", replace(left, payload=""))


@EVERY
def test_nothing_of_ours_stays_at_the_broker(row: Row, bench: Benches) -> None:
    it = bench(row)
    it.prepare()
    it.control.send(it.control.unit.occupied(3600))
    it.control.switch(True, 300)
    it.control.switch(False)
    it.settle()
    assert retained_at(it.url, it.control.unit.account().reads) == {}
