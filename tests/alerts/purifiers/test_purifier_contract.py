"""What holds for every kind of purifier, shown with a faithful fake of it on a real broker with the generated rules."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from simulator.devices.device import Publish
from tests.alerts.purifiers.plugged import Bench, Benches, conf, off, on, publish_as, unit_of
from tests.alerts.purifiers.rows import EVERY, LOAD_W, Row, having
from tests.neighbours.programs import await_condition
from tests.neighbours.servers import Mosquitto

# -- switching --------------------------------------------------------------------------------------------------------


@EVERY
def test_it_switches_on_confirms_and_ends_by_itself_and_says_so(row: Row, bench: Benches) -> None:
    it = bench(row)
    it.control.forget()
    it.control.switch(True, 300)
    it.control.until(lambda said: on(said) and said.answer, "the confirmation")
    assert it.device.on
    if not it.traits.expires:
        return
    assert 295 <= it.plugged.remaining_s <= 300
    it.plugged.skip(290)
    assert it.device.on
    it.control.forget()
    it.plugged.skip(12)
    assert not it.device.on
    it.control.until(off, "the end of the expiry")


@EVERY
def test_another_on_renews_the_expiry(row: Row, bench: Benches) -> None:
    it = bench(row)
    for _ in range(3):
        it.control.forget()
        it.control.switch(True, 300)
        it.control.until(lambda said: on(said) and said.answer, "the confirmation")
        if it.traits.expires:
            assert 295 <= it.plugged.remaining_s <= 300
        it.plugged.skip(200)
        assert it.device.on
        it.settle()


@having(lambda row: unit_of(row).traits.expires)
def test_no_expiry_is_longer_than_the_device_can_hold(row: Row, bench: Benches) -> None:
    it = bench(row)
    it.control.forget()
    it.control.switch(True, 10**7)
    it.control.until(lambda said: on(said) and said.answer, "the confirmation")
    assert 0 < it.plugged.remaining_s <= it.traits.longest_s


@EVERY
def test_an_off_lasts(row: Row, bench: Benches) -> None:
    it = bench(row)
    it.control.switch(True, 300)
    it.control.until(on, "ON")
    it.control.forget()
    it.control.switch(False)
    it.control.until(lambda said: off(said) and said.answer, "the confirmation")
    it.plugged.skip(100_000)
    assert not it.device.on


@EVERY
def test_asking_tells_the_state_and_leaves_the_timer_alone(row: Row, bench: Benches) -> None:
    it = bench(row)
    if not it.traits.asked:
        assert list(it.control.unit.query()) == []
        return
    it.control.switch(True, 300)
    it.control.until(lambda said: on(said) and said.answer, "ON")
    it.plugged.skip(100)
    for _ in range(3):
        it.control.forget()
        it.control.ask()
        it.control.until(lambda said: on(said) and not (row.reports_apart and said.answer), "the report")
    if it.traits.expires:
        assert 195 <= it.plugged.remaining_s <= 200


@EVERY
def test_the_answer_to_a_question_is_no_return_that_would_be_asked_again(row: Row, bench: Benches) -> None:
    it = bench(row)
    it.settle()
    for _ in range(3):
        it.control.forget()
        it.report()
        it.settle()
    assert not it.traits.asked or [said for said in it.control.said if said.online] == []


@having(lambda row: row.wipes_timer)
def test_a_program_that_asks_carelessly_ends_the_expiry_and_a_new_on_gives_another(row: Row, bench: Benches) -> None:
    it = bench(row)
    it.control.switch(True, 300)
    it.control.until(on, "ON")
    publish_as(it.url, "watcher", row.wipes_timer or Publish("", ""))
    it.settle()
    assert it.device.on and it.plugged.remaining_s == 0, "the trap"
    it.control.forget()
    it.control.switch(True, 300)
    it.control.until(lambda said: on(said) and said.answer, "ON")
    assert it.plugged.remaining_s > 295


# -- losing it --------------------------------------------------------------------------------------------------------


@EVERY
def test_a_power_cut_is_told_by_the_last_will_and_mains_return_by_the_birth(row: Row, bench: Benches) -> None:
    it = bench(row)
    it.prepare()
    it.control.switch(True, 300)
    it.control.until(on, "ON")
    it.plugged.skip(100)
    it.control.forget()
    it.plugged.cut()
    if not it.device.farewell():
        return
    it.control.until(lambda said: said.online is False, "the last will")
    it.control.forget()
    it.plugged.mains_return()
    it.control.until(lambda said: said.online is True, "the birth")
    it.control.forget()
    it.report()
    told = it.control.until(lambda said: said.on is not None, "the report")
    assert told.on is it.device.on
    assert told.by in ("", "start", "timer"), "nobody is made responsible for a power cut"
    times = [said.up_s for said in it.control.said if said.up_s is not None]
    assert all(up <= 10 for up in times)
    if it.device.on and it.traits.expires:
        assert 0 < it.plugged.remaining_s <= it.traits.longest_s, "what came back on ends"


@EVERY
def test_a_silent_device_says_nothing_and_is_understood_when_it_speaks_again(row: Row, bench: Benches) -> None:
    it = bench(row)
    it.plugged.silent = True
    it.control.forget()
    it.control.switch(True, 300)
    it.control.ask()
    it.plugged.skip(400)
    assert it.control.words() == [] and not it.device.on
    it.plugged.silent = False
    it.control.switch(True, 300)
    it.control.until(lambda said: on(said) and said.answer, "ON")


@EVERY
def test_answers_that_come_late_are_still_answers(row: Row, bench: Benches) -> None:
    it = bench(row)
    it.control.forget()
    it.plugged.hold()
    it.control.switch(True, 300)
    await_condition(lambda: it.device.on, what="the relay")
    it.plugged.skip(8)
    assert it.control.words() == []
    it.plugged.release()
    it.control.until(lambda said: on(said) and said.answer, "the late confirmation")


@EVERY
def test_a_relay_that_sticks_never_confirms(row: Row, bench: Benches) -> None:
    it = bench(row)
    it.device.disobey = True
    it.control.forget()
    it.control.switch(True, 300)
    it.settle()
    assert not any(map(on, it.control.said)) and not it.device.on


@EVERY
def test_a_relay_that_falls_by_itself_is_told_and_nobody_named(row: Row, bench: Benches) -> None:
    it = bench(row)
    it.prepare()
    it.control.switch(True, 300)
    it.control.until(on, "ON")
    it.settle()
    it.control.forget()
    it.plugged.drop()
    told = it.control.until(off, "the fall")
    assert told.by != "person"


# -- people, meters, the device's own ways ----------------------------------------------------------------------------


@EVERY
def test_a_person_at_the_device_is_told_and_named_where_the_kind_can(row: Row, bench: Benches) -> None:
    it = bench(row)
    it.prepare()
    it.settle()
    names = it.traits.names_people or row.named_after_prepare
    for expected in (True, False):
        it.settle()
        it.control.forget()
        it.plugged.press()
        told = it.control.until(lambda said: said.on is not None, "the press")
        assert told.on is expected is it.device.on
        assert (told.by == "person") is names
    if row.named_after_prepare:
        it.control.forget()
        it.control.ask()
        it.control.until(lambda said: said.names_people is True, "that it names people")
    it.control.forget()
    it.control.switch(True, 300)
    assert it.control.until(on, "our ON").by != "person", "our command is nobody's press"


@having(lambda row: unit_of(row).traits.names_people or row.named_after_prepare)
def test_a_press_while_the_server_was_away_is_not_lost(row: Row, bench: Benches) -> None:
    it = bench(row)
    it.prepare()
    it.control.switch(True, 3600)
    it.control.until(on, "ON")
    it.settle()
    it.plugged.skip(600)
    it.plugged.cut()  # the broker, not the mains: the device runs on
    it.plugged.press()
    it.plugged.skip(300)
    it.control.forget()
    it.plugged.plug_in()
    it.report()
    told = it.control.until(off, "OFF")
    assert told.by == "person" or 295 <= (told.person_s or 0) <= 305, "the first word of the state says who it was"


@EVERY
def test_a_meter_tells_running_from_dead(row: Row, bench: Benches) -> None:
    it = bench(row)
    it.control.switch(True, 300)
    it.control.until(on, "ON")
    it.plugged.skip(2)
    for watts in (LOAD_W, 0.0):
        it.device.dead = watts == 0.0
        it.control.forget()
        it.plugged.skip(1)
        it.report()
        it.control.until(on, "the report")
        if it.device.load_w is None:
            assert not it.traits.meters and all(said.watts is None for said in it.control.said)
        else:
            it.control.until(lambda said, watts=watts: said.watts == pytest.approx(watts), f"{watts} W")


@EVERY
def test_prepared_twice_it_obeys_as_before(row: Row, bench: Benches) -> None:
    it = bench(row)
    it.control.switch(True, 300)
    it.control.until(on, "ON")
    it.prepare()
    it.prepare()
    it.settle()
    assert it.device.on and (not it.traits.expires or it.plugged.remaining_s > 0), "setting up switches nothing"
    it.plugged.press()
    assert not it.device.on, "its button works"
    it.control.forget()
    it.control.switch(True, 300)
    it.control.until(lambda said: on(said) and said.answer, "ON")


@EVERY
def test_a_bridge_switches_it_on_by_each_of_its_ways_and_it_ends_by_itself(row: Row, bench: Benches) -> None:
    it = bench(row)
    order = it.control.unit.edge()
    if order is None:
        return
    ways: list[Callable[[], None]] = []
    if order.messages(300):
        ways.append(lambda: it.control.send(order.messages(300)))
    if order.calls(300):
        ways.append(lambda: [it.plugged.request(call) for call in order.calls(300)] and None)  # type: ignore[func-returns-value]
    assert ways
    for way in ways:
        it.control.forget()
        way()
        told = it.control.until(on, "ON")
        assert told.by != "person"
        assert 295 <= it.plugged.remaining_s <= 300
        it.plugged.skip(301)
        assert not it.device.on


@having(lambda row: row.own_rule)
@pytest.mark.parametrize("children", [True, False], ids=["occupied", "empty"])
def test_without_a_broker_its_own_rule_runs_it_for_children_only(
    row: Row, children: bool, mosquitto_with: Callable[..., Mosquitto]
) -> None:
    broker = mosquitto_with(conf)
    it = Bench(row, broker.url)
    it.prepare()
    it.control.send(it.control.unit.occupied(3600 if children else None))
    it.settle()
    broker.kill()
    it.plugged.cut()
    it.device.disconnected(it.plugged.now)
    it.plugged.skip(60)
    assert it.device.on is children
    it.plugged.skip(3000)
    assert it.device.on is children
    it.plugged.skip(900)
    assert not it.device.on, "no child is there any more"
    it.plugged.skip(50_000)
    assert not it.device.on
    broker.start()
    it.plugged.plug_in()
    it.settle()
    it.plugged.skip(1000)
    assert not it.device.on
    it.close()


@having(lambda row: row.own_rule)
def test_a_person_has_the_last_word_while_the_broker_is_gone(row: Row, bench: Benches) -> None:
    it = bench(row)
    it.prepare()
    it.control.send(it.control.unit.occupied(3600))
    it.settle()
    it.plugged.cut()
    it.device.disconnected(it.plugged.now)
    assert it.device.on
    it.plugged.press()
    it.plugged.skip(1800)
    assert not it.device.on


@having(lambda row: row.own_rule)
def test_after_a_power_cut_nobody_has_said_that_children_are_there(row: Row, bench: Benches) -> None:
    it = bench(row)
    it.prepare()
    it.control.send(it.control.unit.occupied(3600))
    it.settle()
    it.plugged.cut()
    it.device.reboot(it.plugged.now)
    it.device.disconnected(it.plugged.now)
    it.plugged.skip(600)
    assert not it.device.on
