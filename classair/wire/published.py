"""The JSON Schemas of the contract, as published in docs/wire/."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from classair.wire import services as of
from classair.wire.room import RoomState
from classair.wire.stream import MESSAGE


def schemas() -> dict[str, dict[str, Any]]:
    """JSON Schema of every payload, by topic leaf, as published in docs/wire/."""
    parts: dict[str, Any] = {
        "reading": MESSAGE,
        "stored": of.Stored,
        "replay": of.Replay,
        "time": of.TimeQuestion,
        "status": of.BridgeStatus,
        "health": of.SensorHealth,
        "now": RoomState,
        "state": of.PurifierState,
        "care": of.PurifierCare,
        "beat": of.Beat,
        "config": of.ConfigAnnouncement,
        "service": of.ServiceStatus,
        "corrections": of.CorrectionsTold,
        "ask": of.Ask,
        "answer": of.Answer,
    }
    return {
        name: part.json_schema() if isinstance(part, TypeAdapter) else TypeAdapter(part).json_schema()
        for name, part in parts.items()
    }
