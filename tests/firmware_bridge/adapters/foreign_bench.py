"""A crossing of foreign devices with clocks of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from firmware_bridge.adapters import adapter_for, kind_of
from firmware_bridge.drivers import Frame
from firmware_bridge.foreign.port import Crossing, ForeignPort
from firmware_bridge.serial.port_state import PortState
from firmware_bridge.spool.receipt import Receipt

SAMPLES = Path(__file__).parent / "samples"
NOW_MS = 1_795_246_500_000
MEASURED_MS = 1_795_245_303_000  # enviro-urban.json


class Bench:
    """A crossing with clocks of its own; what ports give is kept."""

    def __init__(self) -> None:
        self.now_s, self.now_ms = 1000.0, NOW_MS
        self.knows_time = True
        self.topics: list[str] = []
        self.frames: list[tuple[Frame, float]] = []
        self.states: list[PortState] = []
        self.crossing = Crossing(
            self.topics.append, lambda: self.now_s, lambda: self.now_ms if self.knows_time else None
        )

    def port(self, model: str, place: str, **settings: Any) -> ForeignPort:
        way, _, name = place.partition(":")
        port = ForeignPort(
            f"school.{model}",
            adapter_for(model, place, settings),
            self.crossing,
            lambda frames, at_s, warm: self.frames.extend((frame, at_s) for frame in frames),
            self.states.append,
            model=model,
            path=kind_of(model).path.format(id=name) if way == "http" else "",
        )
        port.start()
        return port

    def say(
        self,
        topic: str,
        sample: str,
        retained: bool = False,
        receipt: Receipt | None = None,
        kept_s: float = 0.0,
    ) -> None:
        assert self.crossing.hear(topic, (SAMPLES / sample).read_bytes(), retained, self.now_s, receipt, kept_s)

    def later(self, seconds: float) -> None:
        self.now_s += seconds
        self.now_ms += round(seconds * 1000)
        self.crossing.tick(self.now_s)
