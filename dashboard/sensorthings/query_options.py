"""The query options that are understood: $top, $skip, $skiptoken, $count, $expand and a small $filter. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from classair.dates import moment_ms

TOP, MOST = 100, 1000
UNDERSTOOD: Final = ("$top", "$skip", "$skiptoken", "$count", "$expand", "$filter")
FILTERS: Final = (
    "id eq '…'; for Observations also phenomenonTime (or resultTime) ge, gt, le or lt a time with an "
    "offset, and Datastream/id eq '…'; joined by and"
)
_TERM: Final = re.compile(
    r"(?P<name>@iot\.id|id|Datastreams?/(?:@iot\.)?id|phenomenonTime|resultTime)\s+(?P<how>eq|ge|gt|le|lt)\s+"
    r"(?P<value>'[^']*'|[0-9TZ:.+\- ]+)"
)


class InvalidQuery(ValueError):
    """A query option that cannot be answered; the message says what can."""


@dataclass(frozen=True, slots=True)
class QueryOptions:
    """`since`/`until`: UTC ms, half-open, None where not said. `token` is the place behind the page before."""

    top: int = TOP
    skip: int = 0
    token: str = ""
    count: bool = False
    expand: tuple[str, ...] = ()
    id: str = ""
    datastream: str = ""
    since: int | None = None
    until: int | None = None


def query_options(options: Mapping[str, str], expandable: tuple[str, ...]) -> QueryOptions:
    """Raises InvalidQuery."""
    strange = sorted(set(options) - set(UNDERSTOOD))
    if strange:
        raise InvalidQuery(f"{', '.join(strange)} is not supported; supported: {', '.join(UNDERSTOOD)}")
    expand = tuple(part for part in options.get("$expand", "").split(",") if part)
    wrong = sorted(set(expand) - set(expandable))
    if wrong:
        raise InvalidQuery(
            f"$expand={','.join(wrong)} is not supported; one level of: {', '.join(expandable) or 'nothing'}"
        )
    count = options.get("$count", "false")
    if count not in ("true", "false"):
        raise InvalidQuery("$count must be true or false")
    return QueryOptions(
        top=_number(options, "$top", TOP, 0, MOST),
        skip=_number(options, "$skip", 0, 0, 1_000_000),
        token=options.get("$skiptoken", ""),
        count=count == "true",
        expand=expand,
        **_filter(options.get("$filter", "")),  # type: ignore[arg-type]  # names and types are those of Asked
    )


def _number(options: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    text = options.get(name, str(default))
    if not re.fullmatch(r"\d{1,9}", text) or not low <= int(text) <= high:
        raise InvalidQuery(f"{name} must be a whole number from {low} to {high}")
    return int(text)


def _filter(text: str) -> dict[str, str | int]:
    found: dict[str, str | int] = {}
    for part in re.split(r"\s+and\s+", text.strip()) if text.strip() else []:
        term = _TERM.fullmatch(part.strip())
        if term is None:
            raise InvalidQuery(f"$filter: {part!r} is not supported; supported: {FILTERS}")
        name, how, value = term["name"], term["how"], term["value"].strip()
        if name in ("phenomenonTime", "resultTime"):
            try:
                at = moment_ms(value.replace("Z", "+00:00"))
            except ValueError as error:
                raise InvalidQuery(f"$filter: {error}") from None
            if how in ("ge", "gt"):
                found["since"] = at + (how == "gt")
            elif how in ("le", "lt"):
                found["until"] = at + (how == "le")
            else:
                raise InvalidQuery("$filter: compare times with ge, gt, le or lt")
        elif how != "eq" or not value.startswith("'"):
            raise InvalidQuery(f"$filter: compare {name} by eq with a string in quotes")
        else:
            found["datastream" if name.startswith("Datastream") else "id"] = value.strip("'")
    return found
