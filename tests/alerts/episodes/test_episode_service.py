"""Smoke episodes in the running service: at a real broker, on a real ledger, over restarts."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from alerts.episodes.episode import templates
from classair.alerting.reading import Records
from classair.wire import Answer, Ask
from tests.alerts.test_alerts_service import World

pytestmark = pytest.mark.thorough

CONFIG = """
org: {org}
sites:
  s1:
    name: School
    bridges: {{pi: {{}}}}
    rooms:
      r1: {{name: Room 1, volume_m3: 180, capacity: 30}}
      yard: {{name: Yard, outdoor: yes}}
    sensors:
      pm: {{bridge: pi, room: r1, model: pms5003t, port: "sim:classroom"}}
      out: {{bridge: pi, room: yard, model: pms5003t, port: "sim:yard"}}
rules:
  smoke: {{kind: smoke_episode, above: 75, for: 1s, tell: [caretaker]}}
people:
  caretaker: {{channel: console, language: en}}
"""


@pytest.fixture
def world(mosquitto: Any, tmp_path: Path) -> Iterator[World]:
    made = World(mosquitto.url, tmp_path, f"e{uuid.uuid4().hex[:9]}")
    made.announce(2, CONFIG.format(org=made.topics.org))
    yield made
    made.stop_alerts()
    made.link.publish(made.topics.config, b"", 1, True)
    made.link.stop()


def ask(world: World, wait_for: Any, do: str, request: str = "", **args: Any) -> Answer:
    request = request or uuid.uuid4().hex
    question = Ask(id=request, do=do, who="caretaker:lung", args=args)
    world.link.publish(world.topics.ask("alerts", request), question.model_dump_json(), 1)
    answer: Answer = wait_for(lambda: next((one for one in world.answers if one.id == request), None), what=do)
    return answer


def test_a_smoky_hour_opens_an_episode_once_and_a_restart_opens_no_second(world: World, wait_for: Any) -> None:
    world.start_alerts()
    wait_for(lambda: world.status is not None and world.status.config_version == 2)
    records = Records(world.places.ledger)
    world.measure(*((float(ago), 120.0) for ago in range(3600, -1, -10)), sensor="out")
    (episode,) = wait_for(lambda: records.episodes(), what="the rule opens an episode")
    assert (episode.sites, episode.opened_by, episode.why) == (("s1",), "", "rule:smoke")
    assert len(records.tasks(episode.id)) == len(templates())
    (told,) = wait_for(lambda: records.notifications(["delivered"]), what="the chain is told")
    assert (told.person, told.stage, told.reached, "page Smoke episode" in told.text) == (
        "caretaker",
        "fired",
        False,
        True,
    )
    world.stop_alerts()
    world.status = None
    world.start_alerts()
    wait_for(lambda: world.status is not None and world.status.config_version == 2)
    assert ask(world, wait_for, "episode_note", episode=episode.id, words="still here").ok
    closed = ask(world, wait_for, "episode_close", episode=episode.id, summary="rain")
    assert closed.ok and closed.result["already"] is False
    world.measure((0.0, 120.0), sensor="out")
    assert ask(world, wait_for, "episode_close", episode=episode.id).result["already"] is True
    (kept,) = records.episodes()
    assert (kept.closed_by, kept.summary) == ("caretaker:lung", "rain")
    assert [one.title for one in records.notifications(episode=episode.id)] == ["Smoke episode closed"]


def test_what_is_asked_twice_by_one_id_is_done_once_and_answered_from_disk(world: World, wait_for: Any) -> None:
    world.start_alerts()
    wait_for(lambda: world.status is not None and world.status.config_version == 2)
    records = Records(world.places.ledger)
    opened = ask(world, wait_for, "episode_open", sites=["s1"], why="fire", name="Hill fire")
    episode = opened.result["episode"]
    assert [one.name for one in records.episodes()] == ["Hill fire"]
    for _ in range(2):
        assert ask(world, wait_for, "episode_note", "note-0001", episode=episode, words="called").ok
        world.answers.clear()
    assert [line.words for line in records.episode_log(episode) if line.what == "note"] == ["called"]
    refused = ask(world, wait_for, "task_add", episode=episode, words="x", site="s9")
    assert not refused.ok and "s9" in refused.error
