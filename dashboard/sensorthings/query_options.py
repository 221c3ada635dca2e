"""The query options that are understood, for a request and for each level of $expand in it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from dashboard.sensorthings import filters
from dashboard.sensorthings.entities import LINKS, PROPERTIES
from dashboard.sensorthings.filters import Filter, InvalidQuery

TOP, MOST, FURTHEST = 100, 1000, 100_000
UNDERSTOOD: Final = ("$top", "$skip", "$skiptoken", "$count", "$orderby", "$select", "$expand", "$filter")
DEEPEST: Final = 4
"""Levels of $expand."""
IDS: Final = ("id", "@iot.id")
_ORDER: Final = re.compile(r"(?P<path>@?[A-Za-z_][\w.@/]*)(?:\s+(?P<how>asc|desc))?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class QueryOptions:
    """`token` is the place behind the page before. `orderby`: path and whether it descends. `said`: as it was asked."""

    top: int = TOP
    skip: int = 0
    token: str = ""
    count: bool = False
    orderby: tuple[tuple[str, bool], ...] = ()
    select: tuple[str, ...] = ()
    expand: Mapping[str, QueryOptions] = field(default_factory=dict)
    filter: Filter | None = None
    said: Mapping[str, str] = field(default_factory=dict)


def query_options(options: Mapping[str, str], kind: str, depth: int = 0) -> QueryOptions:
    """Of a request for entities of a kind. Raises InvalidQuery."""
    strange = sorted(set(options) - set(UNDERSTOOD))
    if strange:
        raise InvalidQuery(f"{', '.join(strange)} is not supported; supported: {', '.join(UNDERSTOOD)}")
    count = options.get("$count", "false")
    if count not in ("true", "false"):
        raise InvalidQuery("$count must be true or false")
    wanted = filters.parse(options.get("$filter", ""))
    for path in wanted.paths() if wanted else ():
        _check_path("$filter", path, kind)
    return QueryOptions(
        top=_number(options, "$top", TOP, 0, MOST),
        skip=_number(options, "$skip", 0, 0, FURTHEST),
        token=options.get("$skiptoken", ""),
        count=count == "true",
        orderby=tuple(_orderby(options.get("$orderby", ""), kind)),
        select=tuple(_select(options.get("$select", ""), kind)),
        expand=_expand(options.get("$expand", ""), kind, depth),
        filter=wanted,
        said=dict(options),
    )


def _number(options: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    text = options.get(name, str(default))
    if not re.fullmatch(r"[0-9]{1,9}", text) or not low <= int(text) <= high:
        raise InvalidQuery(f"{name} must be a whole number from {low} to {high}")
    return int(text)


def _check_path(option: str, path: str, kind: str) -> None:
    """A property of the kind, or of what its links to one entity lead to. Raises InvalidQuery."""
    first, _, rest = path.partition("/")
    if first in LINKS[kind] and not first.endswith("s"):
        if not rest:
            raise InvalidQuery(f"{option}: {path} is an entity; name one of its properties, such as {path}/id")
        return _check_path(option, rest, LINKS[kind][first])
    known = (*IDS, *PROPERTIES[kind])
    if first not in known:
        links = [f"{name}/…" for name in LINKS[kind] if not name.endswith("s")]
        raise InvalidQuery(f"{option}: {kind} have no {path!r}; known: {', '.join((*known, *links))}")
    if rest and first not in ("properties", "parameters", "unitOfMeasurement"):
        raise InvalidQuery(f"{option}: {path!r} is not supported; {first} has no parts")
    return None


def _orderby(text: str, kind: str) -> Iterator[tuple[str, bool]]:
    for part in text.split(",") if text.strip() else []:
        found = _ORDER.fullmatch(part.strip())
        if found is None:
            raise InvalidQuery(f"$orderby: {part.strip()!r} is not supported; expected a property with asc or desc")
        _check_path("$orderby", found["path"], kind)
        if kind == "Observations" and found["path"] not in (*IDS, *filters.TIMES):
            raise InvalidQuery(
                f"$orderby: Observations can be ordered by {', '.join(filters.TIMES)} or id, not by {found['path']!r}"
            )
        yield found["path"], (found["how"] or "").lower() == "desc"


def _select(text: str, kind: str) -> Iterator[str]:
    known = (*IDS, "selfLink", "@iot.selfLink", *PROPERTIES[kind], *LINKS[kind])
    for part in (part.strip() for part in text.split(",") if part.strip()):
        if part not in known:
            raise InvalidQuery(f"$select: {kind} have no {part!r}; known: {', '.join(known)}")
        yield f"@iot.{part}" if part in ("id", "selfLink") else part


def _expand(text: str, kind: str, depth: int) -> dict[str, QueryOptions]:
    """`Datastreams($top=5;$expand=Observations($orderby=phenomenonTime desc;$top=1)),Locations`, or
    `Datastreams/Observations`, as the first version of the standard has it."""
    found: dict[str, dict[str, str]] = {}
    for part in _split(text, ","):
        head, bracket, inside = part.partition("(")
        if bracket and not inside.endswith(")"):
            raise InvalidQuery(f"$expand: {part!r} is not supported; a bracket is missing")
        link, _, rest = head.strip().partition("/")
        options: dict[str, str] = {}
        for option in _split(inside[:-1], ";"):
            name, equals, value = option.partition("=")
            if not equals:
                raise InvalidQuery(f"$expand: expected an option such as $top=1 instead of {option!r}")
            options[name.strip()] = value.strip()
        if rest:
            options = {"$expand": f"{rest}{bracket}{inside}"}
        there = found.setdefault(link, {})
        if "$expand" in there and "$expand" in options:
            options["$expand"] = f"{there['$expand']},{options['$expand']}"
        there.update(options)
    for link in found:
        if link not in LINKS[kind]:
            raise InvalidQuery(f"$expand: {kind} have no link {link!r}; known: {', '.join(LINKS[kind]) or 'none'}")
    if found and depth >= DEEPEST:
        raise InvalidQuery(f"$expand has more than {DEEPEST} levels")
    return {link: query_options(options, LINKS[kind][link], depth + 1) for link, options in found.items()}


def _split(text: str, mark: str) -> list[str]:
    """At a mark outside of brackets and quotes; empty parts are left out. Raises InvalidQuery."""
    parts, depth, quoted, begin = [], 0, False, 0
    for at, letter in enumerate(text):
        if letter == "'":
            quoted = not quoted
        elif quoted:
            continue
        elif letter == "(":
            depth += 1
        elif letter == ")":
            depth -= 1
            if depth < 0:
                break
        elif letter == mark and not depth:
            parts.append(text[begin:at])
            begin = at + 1
    if depth or quoted:
        raise InvalidQuery(f"brackets or quotes do not match in {text[:80]!r}")
    return [part.strip() for part in (*parts, text[begin:]) if part.strip()]
