"""A device that leaves the configuration can still be switched off: its grants outlive the change, and end."""

from __future__ import annotations

import time
from pathlib import Path

from classair.config import parse
from classair.ops import brokers
from classair.ops.brokerfiles import grants_of
from classair.places import Places
from tests.alerts.watched import PLUG


def test_the_topics_of_an_old_plug_stay_open_for_a_while_and_no_longer(tmp_path: Path) -> None:
    places = Places(tmp_path)
    old, new = (grants_of(parse(text)) for text in (PLUG, PLUG.replace("topic: plug-1", "topic: plug-2")))
    broker = brokers.own_broker(places, "town", old, wanted="mosquitto")
    rules = places.run / "broker" / "acl"

    def open_for(plug: str) -> bool:
        text = rules.read_text()
        return f"topic write cmnd/{plug}/#" in text and f"topic read stat/{plug}/#" in text

    assert open_for("plug-1") and not open_for("plug-2")
    brokers.follow(broker, places, "town", new)
    brokers.let_go(broker, places, "town")
    assert open_for("plug-1") and open_for("plug-2")
    assert "user plug-1\n" in rules.read_text(), "it may still answer"
    brokers.follow(broker, places, "town", new)
    assert len(broker.past.before) == 1, "the same again is no change"
    broker.past.before = [(time.monotonic() - 1, grants) for _, grants in broker.past.before]
    brokers.let_go(broker, places, "town")
    assert not open_for("plug-1") and open_for("plug-2")
