"""What opens, joins, closes and is said in a smoke episode; over a ledger on disk."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerts.answering import Refused
from alerts.episodes.episode import NEXT_AFTER_MS, templates
from classair import i18n
from classair.config import Config
from classair.units import HOUR_MS, MINUTE_MS
from tests.alerts.episodes.town import START, Town, smoke

EACH = len(templates())


def test_the_rule_opens_one_episode_and_a_second_school_joins_it(town: Town) -> None:
    town.see(smoke("a1", "north"))
    town.see(smoke("a1", "north"), smoke("a2", "south"))
    (episode,) = town.records.episodes()
    assert episode.sites == ("north", "south")
    assert (episode.opened_by, episode.why) == ("", "rule:smoke")
    assert len(town.records.tasks(episode.id)) == 2 * EACH


def test_an_alert_that_does_not_fire_yet_opens_nothing(town: Town) -> None:
    town.see(smoke("a1", "north", "pending"))
    assert town.records.episodes() == []


def test_a_silenced_alert_opens_nothing_until_the_silence_ends(town: Town) -> None:
    town.see(replace(smoke("a1", "north"), held="silenced"))
    assert town.records.episodes() == []
    town.see(smoke("a1", "north"))
    assert len(town.records.episodes()) == 1


CARETAKER, HEAD, OFFICER = "caretaker", "head-north", "officer"


def test_whom_the_alert_tells_is_not_told_of_the_opening_as_well(town: Town) -> None:
    town.see(smoke("a1", "north", told=[CARETAKER]))
    town.see(smoke("a1", "north", told=[CARETAKER, HEAD]))
    town.restart()
    town.see(smoke("a1", "north", told=[CARETAKER, HEAD, OFFICER]))
    town.see(smoke("a1", "north", "acknowledged", told=[CARETAKER, HEAD, OFFICER]))
    assert town.spoken.said == []
    assert town.desk.open is not None
    assert town.desk.open.told == {CARETAKER, HEAD, OFFICER}


def test_whom_the_alert_will_not_reach_is_told_of_the_opening_once_somebody_acknowledged_it(town: Town) -> None:
    town.see(smoke("a1", "north", told=[CARETAKER]))
    for _ in range(2):
        town.see(smoke("a1", "north", "acknowledged", told=[CARETAKER]))
        town.restart()
    assert [one.people for one in town.spoken.said] == [(HEAD, OFFICER)]


def test_whom_no_alert_tells_is_told_at_once_of_a_school_that_joins(town: Town) -> None:
    town.see(smoke("a1", "north", "acknowledged", told=[CARETAKER]))
    town.see(
        smoke("a1", "north", "acknowledged", told=[CARETAKER]), smoke("a2", "south", "acknowledged", told=[CARETAKER])
    )
    town.restart()
    town.see(smoke("a1", "north", "acknowledged"), smoke("a2", "south", "acknowledged"))
    assert [one.people for one in town.spoken.said] == [(HEAD, OFFICER), ("head-south",)]
    assert town.spoken.to("head-south") == ["Smoke episode: now also at your school"]


def test_people_of_another_rule_of_the_school_are_told_at_once(tmp_path: Path, config: Config) -> None:
    other = config.rules["smoke"].model_copy(update={"tell": ["warden"], "escalation": None})
    warden = config.people["officer"]
    both = {"rules": {**config.rules, "other": other}, "people": {**config.people, "warden": warden}}
    town = Town(tmp_path / "l.db", config.model_copy(update=both))
    town.see(smoke("a1", "north", told=[CARETAKER]))
    assert [one.people for one in town.spoken.said] == [("warden",)]
    town.close()


def test_closing_tells_all_who_were_told_once(town: Town) -> None:
    key = town.ask("episode_open", sites=["north"]).result["episode"]
    town.ask("episode_close", episode=key)
    assert town.ask("episode_close", who="admin:x", episode=key).result["already"] is True
    closing = [one for one in town.spoken.said if one.titles["en"] == "Smoke episode closed"]
    assert [set(one.people) for one in closing] == [{"caretaker", "head-north", "officer"}]
    assert f"Tasks not done: {EACH}" in closing[0].texts["en"]


def test_an_alert_of_a_closed_episode_opens_no_second_one_for_the_same_cause(town: Town) -> None:
    town.see(smoke("a1", "north"))
    town.ask("episode_close", episode=town.records.episodes()[0].id)
    town.see(smoke("a1", "north"))
    town.restart()
    town.see(smoke("a1", "north"))
    assert len(town.records.episodes()) == 1
    town.see(smoke("a9", "north"))
    assert len(town.records.episodes()) == 2


def test_an_episode_opened_by_hand_takes_in_the_rules_alert(town: Town) -> None:
    key = town.ask("episode_open", sites=["north"], name="Forest fire", why="Fire at the hill").result["episode"]
    town.see(smoke("a1", "north"), smoke("a2", "south"))
    (episode,) = town.records.episodes()
    assert (episode.id, episode.name, episode.sites) == (key, "Forest fire", ("north", "south"))


def test_two_people_who_open_at_once_have_one_episode(town: Town) -> None:
    first = town.ask("episode_open", sites=["north"], why="smoke")
    second = town.ask("episode_open", who="caretaker:lung", sites=["north", "south"], why="smell of fire")
    assert second.result == {"episode": first.result["episode"], "joined": True, "sites": ["north", "south"]}
    assert len(town.records.episodes()) == 1


def test_two_people_who_do_a_task_at_once_have_done_it_once(town: Town) -> None:
    key = town.ask("episode_open", sites=["north"]).result["episode"]
    task = town.records.tasks(key)[0].id
    assert town.ask("task_done", task=task, note="all shut").result["already"] is False
    again = town.ask("task_done", who="caretaker:lung", task=task, note="me too").result
    assert (again["already"], again["done_by"]) == (True, "teacher:kru")
    kept = next(one for one in town.records.tasks(key) if one.id == task)
    assert (kept.done_by, kept.note) == ("teacher:kru", "all shut")


def test_a_task_overdue_is_told_to_its_owner_then_to_the_next_and_to_nobody_twice(town: Town) -> None:
    key = town.ask("episode_open", sites=["north"]).result["episode"]
    for task in town.records.tasks(key):
        if not task.words.endswith("outdoor"):
            town.ask("task_done", task=task.id)
    due = next(task for task in town.records.tasks(key) if task.done_at is None)
    assert due.owner == "head-north"
    town.spoken.said.clear()
    for now in (due.due_at - 1, due.due_at, due.due_at + 1, due.due_at + NEXT_AFTER_MS, due.due_at + HOUR_MS * 9):
        town.now = now
        town.tick()
        town.restart()
    assert [one.people for one in town.spoken.said] == [("head-north",), ("officer",)]
    assert "not done by head-north" in town.spoken.said[1].texts["en"]


def test_many_overdue_tasks_of_one_person_are_one_message(town: Town) -> None:
    town.ask("episode_open", sites=["north", "south"])
    town.spoken.said.clear()
    town.now += 20 * HOUR_MS
    town.tick()
    assert all(len(one.people) == 1 for one in town.spoken.said)
    people = [one.people[0] for one in town.spoken.said]
    assert sorted(people) == sorted(set(people))


def test_what_is_done_in_rooms_is_due_from_the_start_of_school_when_it_opens_at_night(town: Town) -> None:
    town.now = START - 7 * HOUR_MS  # 02:00
    key = town.ask("episode_open", sites=["north"]).result["episode"]
    due = {task.words.partition(":")[2]: task.due_at for task in town.records.tasks(key)}
    assert due["clean_rooms"] == START - 90 * MINUTE_MS + 20 * MINUTE_MS  # school begins at 07:30
    assert due["parents"] == town.now + 90 * MINUTE_MS


def test_closing_is_offered_when_the_alert_has_closed_and_never_forced(town: Town) -> None:
    town.see(smoke("a1", "north", told=[CARETAKER]))
    town.see(smoke("a1", "north", "resolved", told=[CARETAKER]))
    assert "over" not in [row.what for row in town.records.episode_log(town.records.episodes()[0].id)]
    town.see()
    town.restart()
    town.see()
    (episode,) = town.records.episodes(open_only=True)
    assert [row.what for row in town.records.episode_log(episode.id)].count("over") == 1
    assert town.spoken.to(CARETAKER) == [], "the alert's own messages say both"
    assert town.spoken.to(OFFICER) == ["Smoke episode: North School"]


def test_an_alert_that_ends_without_a_word_leaves_it_to_the_episode_to_say_so(town: Town) -> None:
    town.see(smoke("a1", "north", told=[CARETAKER]))
    town.see()
    assert town.spoken.to(CARETAKER) == ["Smoke episode: dust outdoors is lower"]


@pytest.mark.parametrize(
    ("do", "args", "why"),
    [
        ("episode_open", {"sites": ["nowhere"]}, "unknown school"),
        ("episode_open", {"name": "x" * 81}, "name"),
        ("episode_open", {"colour": "red"}, "colour"),
        ("episode_close", {"episode": "unknown-episode"}, "unknown episode"),
        ("task_add", {"episode": "E", "words": "x", "site": "south"}, "not part of this episode"),
        ("task_add", {"episode": "E", "words": "x", "site": "north", "room": "south.b"}, "no room of north"),
        ("task_add", {"episode": "E", "words": "x", "site": "north", "owner": "nobody"}, "unknown person"),
        ("task_add", {"episode": "E", "words": "", "site": "north"}, "words"),
        ("task_add", {"episode": "E", "words": "x", "site": "north", "due_minutes": float("nan")}, "due_minutes"),
        ("task_done", {"task": "unknown-task"}, "unknown task"),
        ("episode_note", {"episode": "E", "words": "x" * 501}, "words"),
    ],
)
def test_what_cannot_be_done_is_refused_with_what_would_be_right(
    town: Town, do: str, args: dict[str, Any], why: str
) -> None:
    key = town.ask("episode_open", sites=["north"]).result["episode"]
    before = town.desk.open
    with pytest.raises(Refused, match=why):
        town.ask(do, **{name: key if value == "E" else value for name, value in args.items()})
    assert town.desk.open == before


def test_texts_are_kept_without_what_no_page_would_show(town: Town) -> None:
    key = town.ask("episode_open", sites=["north"], name=" Big\x1b[31m\n smoke\u200b ").result["episode"]
    assert town.records.episodes()[0].name == "Big [31m smoke"
    town.ask("episode_note", episode=key, words="one\n\n  two\t three")
    assert town.records.episode_log(key)[-1].words == "one\ntwo three"


def test_a_school_without_a_rule_for_smoke_has_tasks_and_nobody_is_told(tmp_path: Path, config: Config) -> None:
    town = Town(tmp_path / "l.db", config.model_copy(update={"rules": {}}))
    key = town.ask("episode_open", sites=["north"]).result["episode"]
    assert {task.owner for task in town.records.tasks(key)} == {""}
    town.now += 40 * HOUR_MS
    town.tick()
    assert town.spoken.said == []


def test_every_task_of_the_list_has_its_words_in_every_language() -> None:
    for one in templates():
        assert i18n.has(f"episode.task.{one.name}")


MOVES = st.lists(
    st.one_of(
        st.tuples(st.just("open"), st.sets(st.sampled_from(["north", "south"]), min_size=1)),
        st.tuples(st.just("close"), st.just(0)),
        st.tuples(st.just("fires"), st.sets(st.sampled_from(["n1", "n2", "s1", "s2"]))),
        st.tuples(st.just("done"), st.integers(0, 30)),
        st.tuples(st.just("later"), st.integers(1, 600)),
        st.tuples(st.just("restart"), st.just(0)),
        st.tuples(st.just("note"), st.text(max_size=40)),
    ),
    max_size=25,
)


@pytest.mark.thorough
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(MOVES)
def test_whatever_happens_one_episode_is_open_and_a_restart_changes_nothing(
    tmp_path: Path, config: Config, moves: list[tuple[str, Any]]
) -> None:
    town = Town(tmp_path / "ledger.db", config)
    firing: set[str] = set()
    for do, value in moves:
        episode = town.desk.open
        if do == "open":
            town.ask("episode_open", sites=sorted(value))
        elif do == "close" and episode is not None:
            town.ask("episode_close", episode=episode.id)
        elif do == "fires":
            firing = value
        elif do == "done" and episode is not None:
            town.ask("task_done", task=sorted(episode.tasks)[value % len(episode.tasks)])
        elif do == "later":
            town.now += value * MINUTE_MS
        elif do == "note" and episode is not None and value.strip():
            try:
                town.ask("episode_note", episode=episode.id, words=value)
            except Refused:
                assert not any(char.isprintable() and not char.isspace() for char in value)
        elif do == "restart":
            before = town.desk.open
            town.restart()
            assert town.desk.open == before
        town.see(*(smoke(key, "north" if key[0] == "n" else "south") for key in firing))
        town.tick()
        assert len(town.records.episodes(open_only=True)) == (town.desk.open is not None)
    _no_row_says_a_thing_twice(town)
    town.close()


def _no_row_says_a_thing_twice(town: Town) -> None:
    causes = []
    for episode in town.records.episodes():
        rows = town.records.episode_log(episode.id)
        once = [(row.what, row.who, row.words) for row in rows if row.what in ("told", "overdue", "task_done")]
        assert len(once) == len(set(once))
        causes += [row.words for row in rows if row.what == "alert"]
        tasks = town.records.tasks(episode.id)
        assert len(tasks) == EACH * len(episode.sites)
        for task in tasks:
            reminded = [row for row in rows if row.what == "overdue" and row.words == task.id]
            assert not reminded or min(row.at for row in reminded) >= task.due_at
            assert len(reminded) <= 2
    assert len(causes) == len(set(causes)), "two episodes for one cause"
