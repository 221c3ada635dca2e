"""Keeps a stream item small on disk and makes the wire's JSON of it again.

What hardly changes from one reading of a sensor to the next (its id, its keys, its flags …) is a *shape*, kept once;
a row keeps the rest. A reading with thirteen quantities takes about 80 bytes instead of 400.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import isfinite
from typing import Any, Final, NamedTuple

CLOCKS: Final = ("sync", "holdover", "server", "receipt", "unsync", "lost")
"""SpoolRow.clock is an index here. `lost`: measured under another boot whose clock was never known; flagged CLOCK."""
LOST: Final = CLOCKS.index("lost")


class SpoolRow(NamedTuple):
    """One item of the sequence. `at` None: not dated yet, then `mono` (ms) and `boot` say when it was measured."""

    seq: int
    shape: int
    at: int | None
    n: int
    clock: int
    given: str
    mono: int | None = None
    boot: str | None = None


class Hole(NamedTuple):
    """Sequence numbers that hold nothing and never will."""

    first: int
    last: int
    reason: str


class Shapes:
    """The shapes in use; each is text (as kept on disk) and a template for the wire."""

    def __init__(self, texts: Mapping[int, str] | None = None) -> None:
        self._ids: dict[str, int] = {}
        self._by_key: dict[tuple[Any, ...], int] = {}
        self._templates: dict[int, tuple[str, str]] = {}
        self._missing: set[int] = set()  # shapes of lines of the gap ledger
        self._sensors: dict[int, str] = {}
        self.unsaved: dict[int, str] = {}
        for number, text in (texts or {}).items():
            self._learn(number, text)

    def _learn(self, number: int, text: str) -> None:
        self._ids[text] = number
        shape = json.loads(text)
        self._templates[number] = _templates(shape)
        if "sensor" in shape:
            self._sensors[number] = str(shape["sensor"])
        if shape.get("kind") == "missing":
            self._missing.add(number)

    def row(
        self,
        seq: int,
        item: Mapping[str, Any],
        at: int | None,
        clock: str = "sync",
        mono: int | None = None,
        boot: str | None = None,
    ) -> SpoolRow:
        """A wire item under its number. Raises ValueError when it has no numbers to keep."""
        shape, n, given = self.pack(item)
        return SpoolRow(seq, shape, at, n, CLOCKS.index(clock), given, mono, boot)

    def sensor_of(self, shape: int) -> str | None:
        """The sensor (its id inside the site) that rows of a shape are about; None for a switch."""
        return self._sensors.get(shape)

    def is_reading(self, shape: int) -> bool:
        return shape in self._sensors and shape not in self._missing

    def text_of(self, shape: int) -> dict[str, Any]:
        """What all rows of a shape have in common. Raises KeyError."""
        found: dict[str, Any] = json.loads(next(text for text, number in self._ids.items() if number == shape))
        return found

    def texts(self) -> dict[int, str]:
        return {number: text for text, number in self._ids.items()}

    def pack(self, item: Mapping[str, Any]) -> tuple[int, int, str]:
        """(shape, n, given) of an item. Raises ValueError when it has no values to keep.

        A line of the gap ledger ends at its row's `at` and carries `length_ms` instead of start and end.
        """
        if item.get("kind") == "switch":
            key: tuple[Any, ...] = ("switch", item["purifier"], item.get("reason", ""), bool(item.get("simulated")))
            number = self._by_key.get(key)
            if number is None:
                number = self._number(
                    key, {"kind": "switch", "purifier": key[1], "reason": key[2], "simulated": key[3]}
                )
            return number, 0, json.dumps(item.get("on"))
        if item.get("kind") == "missing":
            key = ("missing", item["sensor"], item["reason"], bool(item.get("simulated")))
            number = self._by_key.get(key)
            if number is None:
                number = self._number(key, {"kind": "missing", "sensor": key[1], "reason": key[2], "simulated": key[3]})
            return number, 0, f"{item['length_ms']},{item['expected']}"
        values = item["values"]
        numbers = [value for value in values.values() if isfinite(value)]
        if len(numbers) != len(values) or not numbers:
            raise ValueError("a reading needs at least one value and none that is not a number")
        flags, of_values = item.get("flags"), item.get("value_flags")
        key = (
            item["sensor"],
            *values,
            item.get("interval_s", 10.0),
            bool(item.get("simulated")),
            tuple(flags) if flags else (),
            repr(of_values) if of_values else "",
        )
        number = self._by_key.get(key)
        if number is None:
            number = self._number(
                key,
                {
                    "sensor": item["sensor"],
                    "keys": list(values),
                    "interval_s": item.get("interval_s", 10.0),
                    "simulated": bool(item.get("simulated")),
                    "flags": list(flags or ()),
                    "value_flags": of_values or {},
                },
            )
        return number, item.get("n", 1), ",".join(map(repr, numbers))

    def _number(self, key: tuple[Any, ...], shape: dict[str, Any]) -> int:
        text = json.dumps(shape, separators=(",", ":"), ensure_ascii=False)
        number = self._ids.get(text)
        if number is None:
            number = len(self._ids) + 1
            self._learn(number, text)
            self.unsaved[number] = text
        self._by_key[key] = number
        return number

    def readable(self, row: SpoolRow) -> bool:
        """Whether a row from the disk makes sense; one that rotted there must not spoil the message it goes in."""
        template = self._templates.get(row.shape)
        try:
            parts = row.given.split(",")
            places = 0 if template is None else template[0].count("%s") + (row.shape in self._missing)
            if places != len(parts) or not 0 <= row.clock < len(CLOCKS):
                return False
            if parts[0] in _SWITCH_WORDS:
                return len(parts) == 1
            if row.shape in self._missing:
                return min(map(int, parts)) >= 0 and (row.at is None or abs(row.at) <= 2**53)
            return row.n >= 1 and isfinite(sum(map(float, parts))) and (row.at is None or abs(row.at) <= 2**53)
        except (AttributeError, TypeError, ValueError):
            return False

    def wire(self, row: SpoolRow, prefix: str, late: bool) -> str:
        """The JSON of a dated row; `prefix` as from `prefix_for`."""
        template, template_lost = self._templates[row.shape]
        if row.shape in self._missing:
            assert row.at is not None
            length, expected = row.given.split(",")
            # Of a time that was never known nothing can be said; the number is dealt with all the same.
            length, expected = ("0", "0") if row.clock == LOST else (length, expected)
            return (
                f'{prefix}{row.seq},"start":{row.at - int(length)},"end":{row.at},'
                f"{template % int(expected)}{_LATE if late else '}'}"
            )
        body = (template_lost if row.clock == LOST else template) % tuple(row.given.split(","))
        counted = f'"n":{row.n},"clock":"{CLOCKS[row.clock]}",' if row.n else ""
        if row.clock == LOST:
            counted = f'"n":{row.n},"clock":"unsync",' if row.n else ""
        return f'{prefix}{row.seq},"at":{row.at},{counted}{body}{_LATE if late else "}"}'


_LATE: Final = ',"late":true}'
_SWITCH_WORDS: Final = frozenset(("true", "false", "null"))


def prefix_for(bridge: str, epoch: str) -> str:
    return f'{{"bridge":"{bridge}","epoch":"{epoch}","seq":'


def hole_wire(hole: Hole, bridge: str, epoch: str) -> str:
    return json.dumps(
        {
            "kind": "gap",
            "bridge": bridge,
            "epoch": epoch,
            "first": hole.first,
            "last": hole.last,
            "reason": hole.reason,
        },
        separators=(",", ":"),
    )


def _templates(shape: Mapping[str, Any]) -> tuple[str, str]:
    """What follows `at`, `n` and `clock` in the item, with a place for each number; then the same flagged CLOCK."""

    def say(**parts: Any) -> str:
        return json.dumps(parts, separators=(",", ":"))[1:-1].replace("%", "%%")

    simulated = {"simulated": True} if shape["simulated"] else {}
    if shape.get("kind") == "switch":
        text = say(kind="switch", purifier=shape["purifier"], reason=shape["reason"], **simulated) + ',"on":%s'
        return text, text
    if shape.get("kind") == "missing":
        text = say(kind="missing", sensor=shape["sensor"], reason=shape["reason"], **simulated)
        return f'{text},"expected":%s', ""
    places = '"values":{' + ",".join(f'"{key}":%s' for key in shape["keys"]) + "}"
    made = []
    for flags in (shape["flags"], [*shape["flags"], "CLOCK"]):
        judged: dict[str, Any] = {"flags": flags} if flags else {}
        if shape["value_flags"]:
            judged["value_flags"] = shape["value_flags"]
        made.append(say(sensor=shape["sensor"], interval_s=shape["interval_s"], **simulated, **judged) + "," + places)
    return made[0], made[1]
