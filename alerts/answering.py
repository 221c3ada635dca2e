"""What other services ask of alerts beside orders to purifiers: a table of handlers, one for each word of `Ask.do`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from alerts.ledger import Statement
from classair.wire import Ask


class Refused(Exception):
    """It is not done; the message says why and what would be right."""


@dataclass(frozen=True, slots=True)
class Done:
    """What was done. `statements` are committed together with the answer, which is said when both are on disk.

    `then` is called after the commit, on the ledger's thread.
    """

    result: dict[str, Any] = field(default_factory=dict)
    statements: tuple[Statement, ...] = ()
    then: Callable[[], object] | None = None


Handler = Callable[[Ask, int], Done]
"""Called with the ask and the moment, at most once for an ask's id. Raises Refused or pydantic.ValidationError."""
