"""Random lives of many reports, with waits, restarts and clocks that step: the figures equal a recount of the log."""

from __future__ import annotations

import contextlib
import json
import tempfile
from datetime import date, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from classair.timetable import local_time
from classair.units import HOUR_MS, MINUTE_MS
from dashboard.tickets.hours import hours_of
from dashboard.tickets.life import NotPossible, fold
from dashboard.tickets.records import Evidence, Reporter, Ticket
from dashboard.tickets.words import WITHIN_MS
from dashboard.tickets.work import Incomplete
from tests.dashboard.conftest import schools_with
from tests.dashboard.tickets.conftest import World

CLOCK = schools_with("language: th")
OFFICE = schools_with(
    """
calendar: {holidays: [2026-11-23, 2026-12-07]}
tickets:
  hours: office
  office: {days: [mon, tue, thu, sat], open: ["08:30-12:00", "13:15-16:30"]}
"""
)
BY = "account:somchai"
EVERY = {
    *("received", "words", "followed", "assigned", "asked", "resumed", "promised", "reminded_owner"),
    *("reminded_supervisor", "late", "resolved", "reopened", "closed", "closed_unconfirmed", "cancelled", "declined"),
    *("merged", "joined", "taken_back"),
}
# Time passes more often than people do something, and some deeds are there to be survived.
DEEDS = (
    *(
        "receive",
        "receive",
        "receive",
        "again",
        "assign",
        "ask",
        "tell",
        "resume",
        "promise",
        "resolve",
        "resolve",
        "well",
    ),
    *("not_yet", "cancel", "decline", "merge", "merge", "follow", "take_back", "back", "restart"),
    *("later", "later", "later", "days", "tick", "tick"),
)
BRANCHES = [
    *("receive", "receive", "receive", "receive", "assign", "follow", "take_back", "merge", "ask", "tell", "later"),
    *("days", "tick", "days", "tick", "days", "tick", "promise", "resolve", "not_yet", "resolve", "well", "back"),
]
AGAIN = ("receive", "ask", "resume", "later", "ask", "later", "tell", "resolve", "not_yet", "resolve", "days", "tick")
LIVES = st.lists(st.tuples(st.sampled_from(DEEDS), st.integers(0, 30), st.integers(1, 900)), min_size=50, max_size=70)


def recount(rows: list[tuple[Any, ...]], now: int) -> dict[str, Any]:
    """From the lines of the log alone, in other words than the program's."""
    logs: dict[int, list[tuple[int, str, dict[str, Any]]]] = {}
    for ticket, at, what, data in rows:
        logs.setdefault(ticket, []).append((at, what, json.loads(data)))
    count = dict.fromkeys(("received", "in_time", "late", "reopened", "unconfirmed", "open", "overdue"), 0)
    hours = []
    for log in logs.values():
        runs, fixed, over, opened_again, closed, waited, since = True, None, False, False, "", 0, 0
        deadline = log[0][2]["deadline"]
        ended = False
        for (at, what, data), following in zip(log, [*log[1:], (now, "", {})], strict=True):
            if what == "asked":
                runs, since = False, at
            elif what == "resumed":
                runs, deadline, waited = True, data["deadline"], waited + at - since
            elif what == "resolved":
                runs, fixed = False, at
            elif what == "reopened":
                runs, fixed, opened_again = True, None, True
            elif what in ("closed", "closed_unconfirmed", "cancelled", "declined", "merged"):
                runs, ended, closed = False, True, what
            if runs and following[0] >= deadline:
                over = True
        solved = fixed is not None and closed in ("", "closed", "closed_unconfirmed")
        count["received"] += 1
        count["late"] += over
        count["in_time"] += solved and not over
        count["reopened"] += opened_again
        count["unconfirmed"] += closed == "closed_unconfirmed"
        count["open"] += not ended and fixed is None
        count["overdue"] += not ended and fixed is None and over
        if solved and fixed is not None:
            hours.append((fixed - log[0][0] - waited) / HOUR_MS)
    return {**count, "median_hours": median(hours) if hours else None}


class Lives:
    """A world in which anybody may do anything at any time."""

    def __init__(self, folder: Path, config: Any) -> None:
        self.world, self.config, self.keys = World(folder, config), config, 0
        self.rows: list[tuple[Any, ...]] = []
        self.known: dict[int, Ticket] = {}
        self.begin()

    def begin(self) -> None:
        """Every change is still on disk at once, but nobody waits for the disk: this is no test of power cuts."""
        self.world.open()
        self.world.desk.ask("pragma synchronous=off")

    def do(self, deed: str, pick: int, minutes: int) -> None:
        world, tickets, work = self.world, self.world.tickets, self.world.tickets.work
        known = [one.id for one in tickets.listed()]
        one = known[pick % len(known)] if known else 0
        match deed:
            case "receive":
                self.keys += 1
                who = Reporter("line", f"U{self.keys % 3}")
                world.receive(str(self.keys), reporter=who, message_key=f"m{self.keys}", words="x")
            case "later":
                world.now += (minutes % 12 + 1) * HOUR_MS
            case "days":
                world.now += (minutes % 9 + 1) * 24 * HOUR_MS + minutes * MINUTE_MS
            case "back":  # the clock was wrong, and is set
                world.now -= minutes * MINUTE_MS
            case "tick":
                tickets.clock.run()
            case "restart":
                world.close()
                self.begin()
            case _ if not known:
                return
            case "again":
                world.receive(str(self.keys))
            case "take_back":
                tickets.take_back(f"m{self.keys}")
            case "assign":
                work.assign(one, "building", "caretaker", BY)
            case "ask":
                work.ask(one, "?", BY)
            case "tell":
                tickets.add_words(one, "x")
            case "resume":
                work.resume(one, BY, "called")
            case "promise":
                work.promise(one, "parts", world.now + 9 * HOUR_MS, BY)
            case "resolve":
                work.resolve(one, "x", Evidence("act", "x"), frozenset({"act"}), BY)
            case "well" | "not_yet":
                tickets.answer(one, deed == "well")
            case "cancel":
                tickets.cancel(one)
            case "decline":
                work.decline(one, "x", "y", BY)
            case "merge":
                work.merge(one, known[(pick + 1) % len(known)], BY, "same")
            case "follow":
                tickets.follow(one, Reporter("line", "U9"))

    def figures_equal_a_recount(self) -> None:
        today = local_time(self.world.now).date()
        found = self.world.tickets.figures(date(2026, 1, 1), today + timedelta(days=40))
        rows = self.world.desk.ask("select ticket, at, what, data from ticket_log order by seq")
        counted = recount(rows, self.world.now)
        assert {key: getattr(found, key) for key in counted} == counted

    def nothing_is_gone_and_dates_move_only_for_a_question(self) -> None:
        """Against what was after the deed before; with the numbers of all reports ever received."""
        rows = self.world.desk.ask("select seq, ticket, at, what, who, why, data from ticket_log order by seq")
        assert rows[: len(self.rows)] == self.rows
        new: dict[int, set[str]] = {}
        for _, ticket, _, what, *_ in rows[len(self.rows) :]:
            new.setdefault(ticket, set()).add(what)
        known = {one.id: one for one in self.world.tickets.listed()}
        assert known.keys() >= self.known.keys()
        for ticket, before in self.known.items():
            after = known[ticket]
            assert (after.number, after.received_at) == (before.number, before.received_at)
            if after.deadline != before.deadline:
                assert new[ticket] & {"asked", "resumed"}, "a date was moved without a question"
        self.rows, self.known = rows, known

    def a_ticket_is_what_its_log_says_and_its_clock_gave_it_forty_eight_hours(self) -> None:
        hours = hours_of(self.config, self.config is OFFICE)
        for ticket in self.world.tickets.listed():
            log = self.world.tickets.history(ticket.id)
            assert fold(log) == ticket
            assert [one.at for one in log] == sorted(one.at for one in log)
            ran, since, missed = 0, log[0].at, False
            for entry in log:
                if entry.what == "asked":
                    ran += hours.between(since, entry.at)
                    missed = ran > WITHIN_MS
                elif entry.what == "resumed":
                    since = entry.at
            if ticket.deadline is not None and not missed:
                assert ran + hours.between(since, ticket.deadline) == WITHIN_MS
            if ticket.state == "waiting" and not missed:
                assert ticket.left_ms == WITHIN_MS - ran

    def numbers_have_no_gaps(self) -> None:
        by_year: dict[Any, list[Any]] = {}
        for year, serial in self.world.desk.ask("select year, serial from ticket order by year, serial"):
            by_year.setdefault(year, []).append(serial)
        assert all(those == list(range(1, len(those) + 1)) for those in by_year.values())


@pytest.mark.thorough
@pytest.mark.parametrize("config", [CLOCK, OFFICE], ids=["every hour", "office hours"])
def test_figures_equal_a_recount_of_the_log_in_every_branch_of_the_life(config: Any) -> None:
    seen: set[str] = set()

    @settings(max_examples=14, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(LIVES)
    @example([(deed, 0, 8) for deed in BRANCHES])
    @example([(deed, 0, 8) for deed in AGAIN])
    def live(deeds: list[tuple[str, int, int]]) -> None:
        with tempfile.TemporaryDirectory() as folder:
            lives = Lives(Path(folder), config)
            try:
                for number, (deed, pick, minutes) in enumerate(deeds):
                    with contextlib.suppress(NotPossible, Incomplete):
                        lives.do(deed, pick, minutes)
                    lives.figures_equal_a_recount()
                    lives.nothing_is_gone_and_dates_move_only_for_a_question()
                    if number % 8 == 0 or number == len(deeds) - 1:
                        lives.a_ticket_is_what_its_log_says_and_its_clock_gave_it_forty_eight_hours()
                lives.numbers_have_no_gaps()
                seen.update(str(row[0]) for row in lives.world.desk.ask("select distinct what from ticket_log"))
            finally:
                lives.world.close()

    live()
    assert seen >= EVERY
