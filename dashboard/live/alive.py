"""What depends on what, and so: what is alive, late or unknown, and since when. One truth for every page and the API.

A part that is silent makes everything that depends on it unknown, whatever that said last. Pure: the parts with their
last words in, one verdict for each out; nothing gets better by age.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

Life = Literal["alive", "late", "unknown"]
_RANK: Final[Mapping[Life, int]] = {"alive": 0, "late": 1, "unknown": 2}


@dataclass(frozen=True, slots=True)
class Part:
    """`at`: when it spoke last (UTC ms), None for never or nobody knows. `gone`: it has said goodbye, or its end shows.

    `needs`: parts without each of which nothing is known of it; `one_of`: parts of which one is enough. It is late
    `late_ms` after its last word and silent after `silent_ms`.
    """

    at: int | None
    late_ms: int
    silent_ms: int
    gone: bool = False
    needs: tuple[str, ...] = ()
    one_of: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """`since` when it is not alive (UTC ms, None where nobody knows); `by` the part whose silence it is."""

    life: Life
    since: int | None = None
    by: str = ""


ALIVE: Final = Verdict("alive")


def own(name: str, part: Part, now_ms: int) -> Verdict:
    """What a part's own words say of it."""
    if part.at is None or part.gone or now_ms - part.at >= part.silent_ms:
        return Verdict("unknown", part.at, name)
    return Verdict("late", part.at, name) if now_ms - part.at >= part.late_ms else ALIVE


def judge(parts: Mapping[str, Part], now_ms: int, about: Iterable[str] = ()) -> dict[str, Verdict]:
    """A verdict for each part, or `about` some with all that they depend on.

    Raises ValueError for parts that depend on each other in a circle.
    """
    found: dict[str, Verdict] = {}
    for name in tuple(about) or parts:
        _verdict(name, parts, now_ms, found, ())
    return found


def _verdict(
    name: str, parts: Mapping[str, Part], now_ms: int, found: dict[str, Verdict], above: tuple[str, ...]
) -> Verdict:
    if name in found:
        return found[name]
    if name in above:
        raise ValueError(f"{' → '.join((*above, name))}: parts depend on each other in a circle")
    part, way = parts.get(name), (*above, name)
    if part is None:
        return Verdict("unknown", None, name)
    needed = [_verdict(one, parts, now_ms, found, way) for one in part.needs]
    if part.one_of:
        needed.append(_best([_verdict(one, parts, now_ms, found, way) for one in part.one_of]))
    # The deepest silence explains the others, so what is needed comes before the part's own words.
    found[name] = _worst([*needed, own(name, part, now_ms)])
    return found[name]


def _worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The first of the worst."""
    return max(verdicts, key=lambda one: _RANK[one.life])


def _best(verdicts: Iterable[Verdict]) -> Verdict:
    """The best; of several that are not alive the one that was heard last."""
    return min(verdicts, key=lambda one: (_RANK[one.life], -(one.since or 0)))


def silent(parts: Mapping[str, Part], verdicts: Mapping[str, Verdict]) -> dict[str, tuple[str, ...]]:
    """The parts whose own silence makes themselves or others unknown, each with those others."""
    found: dict[str, list[str]] = {}
    for name, verdict in verdicts.items():
        if verdict.life == "unknown":
            found.setdefault(verdict.by, [])
            if verdict.by != name:
                found[verdict.by].append(name)
    return {name: tuple(others) for name, others in found.items() if name in parts}
