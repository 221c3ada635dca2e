"""A bridge's stream: readings, and beside them gaps, switchings and lines of the gap ledger, in one sequence."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as dataclass_of

from classair.wire.words import (
    MAX_LIST,
    Epoch,
    FlagName,
    Id,
    MissingReason,
    Ms,
    Number,
    QuantityKey,
    Seq,
)

# The stream's items are slotted pydantic dataclasses: half the cost of a model, and they are the hot path.
_ITEM_CONFIG = ConfigDict(extra="ignore")


@dataclass_of(slots=True, kw_only=True, config=_ITEM_CONFIG)
class ReadingItem:
    """A reading as in `classair.model.Reading`, ids inside the site. `at`: UTC ms, end of the averaged interval.

    `bridge` must be the bridge of the topic it arrives on. Unknown fields are ignored, unknown quantities refused.
    """

    bridge: Id
    epoch: Epoch
    seq: Seq
    sensor: Id
    at: Ms
    values: Annotated[dict[QuantityKey, Number], Field(min_length=1, max_length=40)]
    kind: Literal["reading"] = "reading"
    v: Literal[1] = 1
    interval_s: Annotated[float, Field(gt=0, le=86400)] = 10.0
    n: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    clock: Literal["sync", "holdover", "server", "receipt", "unsync"] = "sync"
    flags: Annotated[list[FlagName] | None, Field(max_length=32)] = None
    value_flags: Annotated[dict[QuantityKey, list[FlagName]] | None, Field(max_length=40)] = None
    late: bool = False
    simulated: bool = False


@dataclass_of(slots=True, kw_only=True, config=_ITEM_CONFIG)
class GapItem:
    """Sequence numbers `first`…`last` will never come. It has no seq of its own."""

    kind: Literal["gap"]
    bridge: Id
    epoch: Epoch
    first: Seq
    last: Seq
    reason: Annotated[str, StringConstraints(min_length=1, max_length=120)]
    v: Literal[1] = 1


@dataclass_of(slots=True, kw_only=True, config=_ITEM_CONFIG)
class SwitchItem:
    """A purifier this bridge drives or plays was seen on or off; in the same sequence as the readings."""

    kind: Literal["switch"]
    bridge: Id
    epoch: Epoch
    seq: Seq
    purifier: Id
    at: Ms
    on: bool | None
    reason: Annotated[str, StringConstraints(max_length=120)] = ""
    v: Literal[1] = 1
    late: bool = False
    simulated: bool = False


@dataclass_of(slots=True, kw_only=True, config=_ITEM_CONFIG)
class MissingItem:
    """Readings expected of a sensor from `start` up to `end` that are not there, and why; in the same sequence.

    `expected` counts them at the sensor's `every:`. With `broker_away` they were measured and came late.
    """

    kind: Literal["missing"]
    bridge: Id
    epoch: Epoch
    seq: Seq
    sensor: Id
    start: Ms
    end: Ms
    expected: Annotated[int, Field(ge=0, le=2**40)]
    reason: MissingReason
    v: Literal[1] = 1
    late: bool = False
    simulated: bool = False


Item = ReadingItem | GapItem | SwitchItem | MissingItem
# Readings first: the ordinary case pays for no other.
_ONE = Annotated[Item, Field(union_mode="left_to_right")]
ITEM: Final[TypeAdapter[Any]] = TypeAdapter(_ONE)
_SEVERAL = Annotated[list[_ONE], Field(min_length=1, max_length=MAX_LIST)]
ITEMS: Final[TypeAdapter[Any]] = TypeAdapter(_SEVERAL)
MESSAGE: Final[TypeAdapter[Any]] = TypeAdapter(_ONE | _SEVERAL)  # what the published schema says

# Past the adapter's wrapper: a microsecond for each message.
_item_of, _items_of = ITEM.validator.validate_json, ITEMS.validator.validate_json


def stream_items(payload: bytes) -> list[Item]:
    """The items of a message on `…/reading`, one or a list; an item without `kind` is a reading.

    Raises pydantic.ValidationError when it is neither; `faults` says it in words.
    """
    if payload[:1] == b"[":
        return _items_of(payload)  # type: ignore[no-any-return]
    return [_item_of(payload)]


def faults(error: ValidationError) -> str:
    """What is wrong with a payload in one line, without repeating the payload."""
    wrong: dict[str, str] = {}
    for fault in error.errors(include_url=False, include_input=False, include_context=False):
        where = [str(part) for part in fault["loc"]]
        branch = next((part for part in where if part.endswith("Item")), "ReadingItem")
        if branch != "ReadingItem" and "kind" in where:
            continue
        path = ".".join(part for part in where if not part.endswith("Item")) or "payload"
        if branch == "ReadingItem":
            wrong.setdefault(path, fault["msg"])
    return "; ".join(f"{path}: {message}" for path, message in list(wrong.items())[:8]) or "not a message of ours"
