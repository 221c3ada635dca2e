"""$filter as OData 4 has it, a part: comparisons of properties, joined by and, or, not and brackets. Pure."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from classair.dates import moment_ms

SUPPORTED: Final = (
    "comparisons (eq, ne, gt, ge, lt, le) of a property with a string in quotes, a number, true, false, null or a time "
    "with an offset; startswith, endswith and substringof; joined by and, or, not and brackets"
)
TIMES: Final = ("phenomenonTime", "resultTime")
DEEPEST: Final = 20
LONGEST: Final = 4000
_TOKEN: Final = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')"
    r"|(?P<time>\d{4}-\d\d-\d\d(?:T[0-9:.]+(?:Z|[ +\-]\d\d:?\d\d)?)?)"
    r"|(?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)"
    r"|(?P<mark>[(),])"
    r"|(?P<word>@?[A-Za-z_][\w.@/]*))"
)
_COMPARE: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "gt": operator.gt,
    "ge": operator.ge,
    "lt": operator.lt,
    "le": operator.le,
}
_FUNCTIONS: Final[dict[str, Callable[[str, str], bool]]] = {
    "startswith": lambda whole, part: whole.startswith(part),
    "endswith": lambda whole, part: whole.endswith(part),
    "substringof": lambda part, whole: part in whole,
}

Look = Callable[[str], Any]
"""Gives what a path such as `Thing/name` leads to; None where there is nothing. Times as UTC ms."""


class InvalidQuery(ValueError):
    """A query option that cannot be answered; the message says what can."""


@dataclass(frozen=True, slots=True)
class Path:
    name: str


@dataclass(frozen=True, slots=True)
class Moment:
    ms: int


@dataclass(frozen=True, slots=True)
class Term:
    """`how` is a comparison or a function of its two operands: paths, moments or plain values."""

    how: str
    left: Any
    right: Any

    def holds(self, look: Look) -> bool:
        left, right = (_value(side, look) for side in (self.left, self.right))
        if self.how in _FUNCTIONS:
            return isinstance(left, str) and isinstance(right, str) and _FUNCTIONS[self.how](left, right)
        if self.how in ("eq", "ne"):
            return _COMPARE[self.how](left, right)
        if left is None or right is None or isinstance(left, str) != isinstance(right, str):
            return False
        return _COMPARE[self.how](left, right)

    def paths(self) -> Iterator[str]:
        yield from (side.name for side in (self.left, self.right) if isinstance(side, Path))


@dataclass(frozen=True, slots=True)
class Joined:
    """`how`: and, or, not."""

    how: str
    parts: tuple[Any, ...]

    def holds(self, look: Look) -> bool:
        each = (part.holds(look) for part in self.parts)
        if self.how == "not":
            return not next(each)
        return all(each) if self.how == "and" else any(each)

    def paths(self) -> Iterator[str]:
        for part in self.parts:
            yield from part.paths()


Filter = Term | Joined


def _value(side: Any, look: Look) -> Any:
    if isinstance(side, Path):
        found = look(side.name)
        return found if isinstance(found, (str, int, float, bool)) else None
    return side.ms if isinstance(side, Moment) else side


def parse(text: str) -> Filter | None:
    """None for an empty filter. Raises InvalidQuery."""
    if not text.strip():
        return None
    if len(text) > LONGEST:
        raise InvalidQuery(f"$filter is longer than {LONGEST} characters")
    return _Parser(text).whole()


def bounds(wanted: Filter | None) -> tuple[int | None, int | None, Filter | None]:
    """The half-open stretch, UTC ms, that the times of a filter leave, and the rest of the filter."""
    since: int | None = None
    until: int | None = None
    rest: list[Filter] = []
    parts = wanted.parts if isinstance(wanted, Joined) and wanted.how == "and" else [wanted] if wanted else []
    for part in parts:
        match part:
            case Term(how, Path(name), Moment(ms)) if name in TIMES and how in ("eq", "ge", "gt", "le", "lt"):
                if how in ("eq", "ge", "gt"):
                    since = max(ms + (how == "gt"), since if since is not None else ms)
                if how in ("eq", "le", "lt"):
                    until = min(ms + (how != "lt"), until if until is not None else ms + 1)
            case _:
                rest.append(part)
    left = None if not rest else rest[0] if len(rest) == 1 else Joined("and", tuple(rest))
    return since, until, left


class _Parser:
    """Recursive descent; `not` binds closest, then `and`, then `or`."""

    def __init__(self, text: str) -> None:
        self._text, self._at, self._depth = text, 0, 0
        self._next: tuple[str, str] | None = None
        self._step()

    def _step(self) -> None:
        if not self._text[self._at :].strip():
            self._next = None
            return
        found = _TOKEN.match(self._text, self._at)
        if found is None:
            raise self._wrong(self._text[self._at :].strip()[:40])
        self._at = found.end()
        kind = found.lastgroup or ""
        self._next = kind, found[kind]

    def _wrong(self, what: str) -> InvalidQuery:
        return InvalidQuery(f"$filter: {what!r} is not supported; supported: {SUPPORTED}")

    def whole(self) -> Filter:
        found = self._or()
        if self._next is not None:
            raise self._wrong(self._next[1])
        return found

    def _or(self) -> Filter:
        return self._chain("or", lambda: self._chain("and", self._not))

    def _chain(self, word: str, part: Callable[[], Filter]) -> Filter:
        parts = [part()]
        while self._next == ("word", word):
            self._step()
            parts.append(part())
        return parts[0] if len(parts) == 1 else Joined(word, tuple(parts))

    def _not(self) -> Filter:
        self._depth += 1
        if self._depth > DEEPEST:
            raise InvalidQuery(f"$filter is nested deeper than {DEEPEST}")
        try:
            if self._next == ("word", "not"):
                self._step()
                return Joined("not", (self._not(),))
            if self._next == ("mark", "("):
                self._step()
                inside = self._or()
                self._expect(")")
                return inside
            return self._term()
        finally:
            self._depth -= 1

    def _term(self) -> Filter:
        if self._next is not None and self._next[0] == "word" and self._next[1] in _FUNCTIONS:
            how = self._next[1]
            self._step()
            self._expect("(")
            left = self._operand()
            self._expect(",")
            right = self._operand()
            self._expect(")")
            if self._next == ("word", "eq"):  # `startswith(…) eq true`, as OData 2 wanted it
                self._step()
                wanted = self._operand()
                return Term(how, left, right) if wanted is True else Joined("not", (Term(how, left, right),))
            return Term(how, left, right)
        left = self._operand()
        if self._next is None or self._next[1] not in _COMPARE:
            raise self._wrong(self._next[1] if self._next else self._text.strip()[-40:])
        how = self._next[1]
        self._step()
        return _compared(how, left, self._operand())

    def _operand(self) -> Any:
        if self._next is None:
            raise self._wrong(self._text.strip()[-40:])
        kind, text = self._next
        self._step()
        if kind == "text":
            return text[1:-1].replace("''", "'")
        if kind == "number":
            return float(text)
        if kind == "time":
            return _moment(text)
        if kind == "word" and text not in ("and", "or", "not", *_COMPARE):
            return {"true": True, "false": False, "null": None}.get(text, Path(text))
        raise self._wrong(text)

    def _expect(self, mark: str) -> None:
        if self._next != ("mark", mark):
            raise self._wrong(self._next[1] if self._next else f"a missing {mark}")
        self._step()


def _moment(text: str) -> Moment:
    try:
        return Moment(moment_ms(text.replace("Z", "+00:00")))
    except ValueError as error:
        raise InvalidQuery(f"$filter: {error}") from None


def _compared(how: str, left: Any, right: Any) -> Term:
    """What a time is compared with is a time, also in quotes or as UTC milliseconds: nothing else could ever hold."""
    sides = [left, right]
    for here, there in ((0, 1), (1, 0)):
        if isinstance(sides[here], Path) and sides[here].name in TIMES and isinstance(sides[there], (str, float)):
            said = sides[there]
            sides[there] = _moment(f"{said:.0f}" if isinstance(said, float) else said)
    return Term(how, *sides)
