"""A relay on a board of a bridge: what sensors.yaml says of it, and how control and bridge speak of it.

They speak the wire for home-built purifiers (docs/wire.md), `purifier/<site>.<id>/…`, with the bridge as the device.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

KIND: Final = "relay"
LONGEST_S: Final = 64_800
Board = Literal["lcus", "numato"]


class RelaySettings(BaseModel):
    """`bridge`: whose machine the board is plugged into, at the purifier's `port`. `channel`: as printed on it."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    bridge: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,32}$", examples=["pi"])]
    board: Annotated[Board, Field(examples=["lcus"])]
    channel: Annotated[int, Field(ge=0, le=64)] = 1


def relay_topic(purifier: str, leaf: str) -> str:
    """`purifier` is `<site>.<id>`. leaf: set and get are read by the bridge, state and status written."""
    return f"purifier/{purifier}/{leaf}"
