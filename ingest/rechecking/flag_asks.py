"""Requests about flags: changes found by `classair flags`, and manual exclusions; on the writer's thread."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from classair.model import QUANTITIES, Flag
from classair.science.quality_checks import SETTLED_MS
from classair.wire import Ask, FullId, Ms
from ingest.books.books import Books
from ingest.books.manual_flags import FlagRejected, ManualFlag
from ingest.rechecking.recheck import MOST_CHANGES, OWNED, Change, apply

log = logging.getLogger(__name__)

APPLY, SET, TAKE_BACK = "flags_apply", "flags_set", "flags_take_back"
ASKS: Final = (APPLY, SET, TAKE_BACK)

_ADDED: Final = OWNED | Flag.RANGE | Flag.SATURATED | Flag.RH_HIGH | Flag.ORDER | Flag.ZERO | Flag.COUNTS | Flag.CLOCK


class RequestedChange(BaseModel):
    """A Change on the wire."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    sensor: FullId
    quantities: Annotated[tuple[str, ...], Field(max_length=40)] = ()
    add: Annotated[int, Field(ge=0, strict=True)] = 0
    remove: Annotated[int, Field(ge=0, strict=True)] = 0
    start: Ms
    end: Ms
    readings: int = 0


class RequestedChanges(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)
    changes: Annotated[list[RequestedChange], Field(max_length=MOST_CHANGES)]


def decide(ask: Ask, books: Books, now_ms: int) -> dict[str, Any]:
    """Does what is asked in one transaction and says what changed. Raises FlagRejected and StoreAway."""
    try:
        with books.store.transaction():
            if ask.do == APPLY:
                return _apply(ask.args, books, now_ms)
            return _manual(ask, books, now_ms)
    except FlagRejected:
        raise
    except ValueError as error:  # the store's own word, for example of a day that is in the archive alone
        raise FlagRejected(str(error)) from error


def _apply(args: Mapping[str, Any], books: Books, now_ms: int) -> dict[str, Any]:
    try:
        wanted = RequestedChanges.model_validate(args)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        raise FlagRejected(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}") from error
    changes = []
    for change in wanted.changes:
        if change.add & ~int(_ADDED) or change.remove & ~int(OWNED):
            raise FlagRejected("add, remove: only retrospective flags can change")
        if unknown := [key for key in change.quantities if key not in QUANTITIES]:
            raise FlagRejected(f"quantities: unknown quantity {unknown[0]!r}")
        if change.end > now_ms - SETTLED_MS + 1:
            raise FlagRejected("end: must be at least two hours ago")
        changes.append(Change(**change.model_dump()))
    return {"changed": apply(changes, books.store.reflag)}


def _manual(ask: Ask, books: Books, now_ms: int) -> dict[str, Any]:
    if ask.do == SET:
        flag = books.manual_flags.set(ask.id, ask.who, ask.args, now_ms)
    else:
        flag = books.manual_flags.take_back(ask.args.get("id"), ask.who, now_ms)
    changed = _agree(flag, books, now_ms)
    log.info(
        "manual_flag_changed id=%d sensor=%s active=%s who=%s changed=%d",
        flag.id,
        flag.sensor,
        flag.in_force,
        ask.who,
        changed,
    )
    return {"id": flag.id, "changed": changed, "settled_until": now_ms - SETTLED_MS}


def _agree(flag: ManualFlag, books: Books, now_ms: int) -> int:
    """Brings the settled values into agreement with one manual flag; what others still cover stays set aside."""
    end = min(flag.end_ms, now_ms - SETTLED_MS)
    quantity = flag.quantity or None
    if flag.start_ms >= end:
        return 0
    if flag.in_force:
        return books.store.reflag(flag.sensor, flag.start_ms, end, add=Flag.MANUAL, quantity=quantity)
    changed = books.store.reflag(flag.sensor, flag.start_ms, end, remove=Flag.MANUAL, quantity=quantity)
    for other in books.manual_flags.all():
        if other.in_force and (other.sensor, other.quantity) == (flag.sensor, flag.quantity):
            first, last = max(other.start_ms, flag.start_ms), min(other.end_ms, end)
            if first < last:
                changed -= books.store.reflag(flag.sensor, first, last, add=Flag.MANUAL, quantity=quantity)
    return changed
