"""The life of a reported problem, branch by branch."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest

from classair.units import HOUR_MS, MINUTE_MS
from dashboard.tickets.book import NotReportable
from dashboard.tickets.life import NotPossible, fold
from dashboard.tickets.records import Evidence, Reporter
from dashboard.tickets.work import Incomplete

BY = "account:somchai"
ACT = Evidence("act", "เปลี่ยนปลั๊ก")
FITS = frozenset({"photo", "act", "none"})


def solve(world: Any, ticket: int) -> Any:
    return world.tickets.work.resolve(ticket, "เปลี่ยนปลั๊ก", ACT, FITS, BY)


def test_a_report_is_received_once_for_each_key_and_numbered_without_gaps(world: Any) -> None:
    first, again, second = world.receive("a"), world.receive("a"), world.receive("b")
    assert first == again
    assert (first.number, second.number) == ("ปก2569-00001", "ปก2569-00002")
    with pytest.raises(NotReportable):
        world.receive("c", room="ban-suan.nowhere")
    assert world.receive("d").number == "ปก2569-00003"


def test_numbers_begin_again_with_the_buddhist_year(world: Any) -> None:
    world.receive("a")
    world.now += 60 * 24 * HOUR_MS
    assert world.receive("b").number == "ปก2570-00001"


def test_the_promise_is_forty_eight_hours_from_receipt_on_a_friday_evening(world: Any) -> None:
    ticket = world.receive()
    assert ticket.deadline == world.now + 48 * HOUR_MS
    assert ticket.config_version == 3 and ticket.unit == "building"


def test_waiting_stops_the_clock_and_an_answer_of_the_reporter_starts_it_with_what_was_left(world: Any) -> None:
    ticket = world.receive()
    world.now += 10 * HOUR_MS
    waiting = world.tickets.work.ask(ticket.id, "เครื่องไหน", BY)
    assert waiting.deadline is None and waiting.left_ms == 38 * HOUR_MS
    world.now += 100 * HOUR_MS
    running = world.tickets.add_words(ticket.id, "เครื่องใหญ่")
    assert running.state == "received" and running.deadline == world.now + 38 * HOUR_MS
    assert running.late_at is None


def test_what_staff_add_while_waiting_is_no_answer(world: Any) -> None:
    ticket = world.receive()
    world.tickets.work.ask(ticket.id, "เครื่องไหน", BY)
    assert world.tickets.add_words(ticket.id, "โทรถามแล้ว", by=BY).state == "waiting"


def test_the_clock_reminds_the_owner_the_supervisor_and_tells_everybody_that_it_is_late(world: Any) -> None:
    ticket = world.receive()
    for hours, what, told in (
        (24, "reminded_owner", {("person", "caretaker")}),
        (40, "reminded_supervisor", {("person", "head")}),
        (48, "late", {("person", "caretaker"), ("person", "head"), ("line", "U1")}),
    ):
        world.now = ticket.received_at + hours * HOUR_MS - 1
        before = len(world.tickets.notices(ticket.id))
        assert world.tickets.clock.run() == 0
        world.now += 1
        assert world.tickets.clock.run() == 1
        assert world.whats(ticket.id)[-1] == what
        assert {(one.channel, one.address) for one in world.tickets.notices(ticket.id)[before:]} == told
    assert world.tickets.clock.run() == 0


def test_a_clock_that_slept_writes_every_reminder_down_and_sends_the_last_alone(world: Any) -> None:
    ticket = world.receive()
    world.now += 50 * HOUR_MS
    world.tickets.clock.run()
    assert world.whats(ticket.id) == ["received", "reminded_owner", "reminded_supervisor", "late"]
    assert [one.what for one in world.tickets.notices(ticket.id)] == ["new", "late", "late", "late"]


def test_late_is_told_with_the_reason_once_there_is_one_and_the_deadline_stays(world: Any) -> None:
    ticket = world.receive()
    world.now = ticket.deadline
    world.tickets.clock.run()
    late = world.tickets.work.promise(ticket.id, "รออะไหล่", world.now + 24 * HOUR_MS, BY)
    assert late.deadline == ticket.deadline and late.late_at == ticket.deadline
    texts = [one.text for one in world.tickets.notices(ticket.id) if one.channel == "line"]
    assert texts == [
        "ขออภัย ยังแก้ไม่เสร็จตามกำหนด เพราะ ยังไม่ได้ระบุเหตุผล กำหนดใหม่ ยังไม่ได้กำหนด",
        "ขออภัย ยังแก้ไม่เสร็จตามกำหนด เพราะ รออะไหล่ กำหนดใหม่ จ. 23 พ.ย. 2569 17.40\u00a0น.",
    ]


def test_a_deed_after_the_deadline_finds_the_ticket_late_although_the_clock_slept(world: Any) -> None:
    ticket = world.receive()
    world.now = ticket.deadline
    assert solve(world, ticket.id).late_at == ticket.deadline


def test_solved_asks_for_evidence_that_fits_and_for_the_reason_where_there_is_none(world: Any) -> None:
    ticket = world.receive()
    for evidence in (
        Evidence("act", "x"),
        Evidence("purifier"),
        Evidence("none", " "),
        Evidence("photo"),
    ):
        with pytest.raises(Incomplete):
            world.tickets.work.resolve(ticket.id, "ซ่อมแล้ว", evidence, frozenset({"purifier", "none"}), BY)
    done = world.tickets.work.resolve(ticket.id, "ซ่อมแล้ว", Evidence("none", "ไฟดับ"), frozenset({"none"}), BY)
    assert (done.state, done.proof, done.proof_words) == ("resolved", "none", "ไฟดับ")


def test_not_yet_opens_it_again_under_the_old_clock_and_tells_the_supervisor(world: Any) -> None:
    ticket = world.receive()
    world.tickets.work.assign(ticket.id, "building", "", BY)
    world.now += 30 * HOUR_MS
    solve(world, ticket.id)
    world.now += 5 * HOUR_MS
    again = world.tickets.answer(ticket.id, well=False)
    assert (again.state, again.deadline, again.reopened) == ("assigned", ticket.deadline, 1)
    assert ("reopened", "head") in [(one.what, one.address) for one in world.tickets.notices(ticket.id)]


def test_opened_again_after_the_deadline_it_is_late_at_once(world: Any) -> None:
    ticket = world.receive()
    world.now += 47 * HOUR_MS
    solve(world, ticket.id)
    world.now += 5 * HOUR_MS
    assert world.tickets.answer(ticket.id, well=False).late_at == world.now


def test_an_answer_closes_it_and_without_one_it_is_closed_without_confirmation_after_three_days(world: Any) -> None:
    first, second = world.receive("a"), world.receive("b")
    solve(world, first.id)
    solve(world, second.id)
    world.tickets.answer(first.id, well=True)
    world.now += 72 * HOUR_MS
    world.tickets.clock.run()
    assert [world.tickets.get(one.id).closing for one in (first, second)] == ["confirmed", "unconfirmed"]
    with pytest.raises(NotPossible):
        world.tickets.answer(second.id, well=False)


def test_merged_reports_hear_of_the_other_one(world: Any) -> None:
    first, second = world.receive("a"), world.receive("b", reporter=Reporter("line", "U2", "en"))
    merged = world.tickets.work.merge(second.id, first.id, BY, "the same purifier")
    assert (merged.state, merged.merged_into) == ("merged", first.id)
    solve(world, first.id)
    told = {(one.address, one.language) for one in world.tickets.notices(first.id) if one.what == "resolved"}
    assert told == {("U1", "th"), ("U2", "en")}


def test_declined_says_why_and_where_and_cancelled_tells_nobody(world: Any) -> None:
    first, second = world.receive("a"), world.receive("b")
    world.tickets.work.decline(first.id, "เป็นถนนของจังหวัด", "แขวงทางหลวง", BY)
    text = next(one.text for one in world.tickets.notices(first.id) if one.what == "declined")
    assert text == ("ขออภัย เรื่องนี้อยู่นอกความรับผิดชอบของเรา เพราะ เป็นถนนของจังหวัด โปรดติดต่อ แขวงทางหลวง")
    assert world.tickets.cancel(second.id).closing == "cancelled"
    assert [one.what for one in world.tickets.notices(second.id)] == ["new"]


def test_words_that_are_taken_back_are_gone_and_the_log_still_says_that_there_were_some(world: Any) -> None:
    ticket = world.receive(words="ด.ช. ก ไอ", message_key="m1")
    assert world.tickets.take_back("m1") and not world.tickets.take_back("m1")
    (written,) = world.tickets.written(ticket.id)
    assert written.taken_back and written.text == ""
    assert world.whats(ticket.id) == ["received", "taken_back"]
    world.tickets.add_words(ticket.id, "อีกครั้ง", message_key="m2")
    world.tickets.add_words(ticket.id, "อีกครั้ง", message_key="m2")
    assert len(world.tickets.written(ticket.id)) == 2


def test_forgetting_somebody_leaves_the_ticket_and_no_trace_of_the_address(world: Any) -> None:
    ticket = world.receive()
    world.now = ticket.deadline
    world.tickets.clock.run()
    assert world.tickets.forget("line", "U1") == 1
    assert world.tickets.get(ticket.id).number == ticket.number
    assert world.tickets.of(Reporter("line", "U1")) == []
    for (table,) in world.desk.ask("select name from sqlite_master where type='table'"):
        assert not any("U1" in str(row) for row in world.desk.ask(f"select * from {table}")), table


def test_who_follows_hears_of_it_and_is_counted_once(world: Any) -> None:
    ticket = world.receive()
    other = Reporter("line", "U2", "en")
    world.tickets.follow(ticket.id, other)
    world.tickets.follow(ticket.id, other)
    assert world.whats(ticket.id) == ["received", "followed"]
    assert [one.id for one in world.tickets.of(other)] == [ticket.id]
    assert [one.id for one in world.tickets.open_in("ban-suan.p1-2", "purifier_dead")] == [ticket.id]


def test_the_log_can_neither_be_changed_nor_cut(world: Any) -> None:
    ticket = world.receive()
    for deed in ("delete from ticket_log", "update ticket_log set why='other'"):
        with pytest.raises(sqlite3.IntegrityError), world.desk.change() as db:
            db.execute(deed)
    assert fold(world.tickets.history(ticket.id)) == world.tickets.get(ticket.id)


def test_time_in_a_log_never_goes_back(world: Any) -> None:
    ticket = world.receive()
    world.now -= 10 * MINUTE_MS
    assert world.tickets.cancel(ticket.id).closed_at == ticket.received_at
