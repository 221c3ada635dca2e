"""What sensors say that they are is kept with the time, so that exports can name the device that measured."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from classair.stores.identities import identities
from classair.wire import SensorHealth
from tests.ingest.conftest import TOPICS

pytestmark = pytest.mark.thorough


def test_another_identity_of_a_sensor_is_noted_once_however_often_it_is_told(
    school: Any, bridge: Any, wait_for: Callable[..., Any]
) -> None:
    topic = TOPICS.sensor_health("north", "a-pm")

    def say(identity: str, at: int) -> None:
        told = SensorHealth(state="ok", at=at, bridge="pi-1", identity=identity)
        bridge.send(told.model_dump(), topic, retain=True)

    def noted() -> list[tuple[str, int, str]]:
        return [(one.sensor, one.from_ms, one.identity) for one in identities(school.places.readings)]

    school.begin()
    say("", 999)
    for at in (1000, 2000, 3000):
        say("A1B2", at)
    say("C3D4", 4000)
    wait_for(lambda: len(noted()) == 2, what="both identities")
    assert noted() == [("north.a-pm", 1000, "A1B2"), ("north.a-pm", 4000, "C3D4")]
    school.end()
    school.begin()
    say("C3D4", 5000)
    say("E5F6", 6000)
    wait_for(lambda: len(noted()) == 3, what="the third identity")
    assert noted()[-1] == ("north.a-pm", 6000, "E5F6")
