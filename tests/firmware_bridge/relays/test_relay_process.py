"""A relay of a real bridge process, and control's side of it, over a real broker."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from alerts import purifiers
from alerts.control.unit import Command
from alerts.purifiers import Publish, Said
from classair import config
from classair.broker import BrokerAddress, Link, Message
from tests.firmware_bridge.bridge_process import school
from tests.firmware_bridge.relays.terminals import FakeLcus
from tests.neighbours.programs import await_condition


def test_a_bridge_that_is_killed_goes_on_with_its_relay_and_one_that_ends_lets_it_fall(
    mosquitto: Any, bridge: Any, tmp_path: Path
) -> None:
    fake = FakeLcus(tmp_path / "board")
    running = bridge(mosquitto.url)
    part = {
        "room": "blue",
        "kind": "relay",
        "bridge": running.name,
        "board": "lcus",
        "port": str(fake.link),
        "cadr_m3h": 300,
    }
    running.file.write_text(
        school(running.name, "").replace("    sensors:\n", "    sensors: {}\n").rstrip()
        + f"\n    purifiers:\n      {running.name}-fan: {json.dumps(part)}\n",
        "utf-8",
    )
    full, now = f"school.{running.name}-fan", 0
    unit = purifiers.make(full, config.Purifier.model_validate(part), lambda: now)
    said: list[Said] = []

    def hear(message: Message) -> None:
        said.extend(unit.read_state(message.topic, message.payload, message.retain))

    link = Link(
        BrokerAddress.of(mosquitto.url, f"control-{running.name}"),
        on_message=hear,
        subscriptions=[(topic, 1) for topic in unit.topics()],
    )
    link.start()
    assert link.wait_up(60)

    def send(messages: Any) -> None:
        for one in messages:
            assert isinstance(one, Publish)
            link.publish(one.topic, one.payload)

    running.start()
    await_condition(lambda: [one for one in said if one.on is False and one.by == "start"], what="the first word")
    now = 1
    send(unit.command(Command(True, 3600, "auto", "why", 1)))
    await_condition(lambda: [one for one in said if one.on and one.answer], what="the confirmation")
    await_condition(lambda: fake.on.get(1) is True, what="ON")
    running.kill()
    assert fake.on[1] is True, "its board keeps what it was last told"
    said.clear()
    running.start()
    await_condition(lambda: [one for one in said if one.on and one.by == "start"], what="that it goes on")
    said.clear()
    send(unit.query())
    await_condition(lambda: [one for one in said if one.on], what="the answer to a question")
    assert running.end() == 0
    await_condition(lambda: fake.on[1] is False, what="OFF at the end")
    await_condition(lambda: [one for one in said if one.online is False], what="that it is away")
    running.start()
    await_condition(lambda: fake.on[1] is True, what="ON for the rest of its time")
    send(unit.command(Command(False, None, "auto", "why", 1)))
    await_condition(lambda: fake.on[1] is False, what="OFF")
    assert running.end() == 0
    link.stop()
