"""Pure: one message per cause. Which open cause explains an alert, so that nobody needs to be told of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from alerts.lifecycle.machine import RELEASE_MS
from alerts.lifecycle.model import Alert


@dataclass(frozen=True, slots=True)
class Cause:
    """An open alert that explains others. `told`: its own rule tells somebody. `for_ms`: before it fires."""

    id: str
    explains: str
    causes: tuple[str, ...]
    fires: bool
    told: bool
    for_ms: int


class Causes:
    """The open causes of one moment.

    A cause counts where somebody hears of it: its rule tells people, or it is itself explained by such a one. Where
    causes explain each other in a circle, each of the circle is told.
    """

    def __init__(self, causes: Iterable[Cause] = ()) -> None:
        self._by_name: dict[str, list[Cause]] = {}
        for cause in causes:
            self._by_name.setdefault(cause.explains, []).append(cause)

    def of(self, alert: Alert, causes: tuple[str, ...], now: int) -> str:
        """The name of what explains this alert now; "" where it is to be told itself. `causes`: what might."""
        if not self._by_name or not causes:
            return ""
        names = (alert.held, *causes) if alert.held in causes else causes
        return next((name for name in names if self._explains(name, alert, now)), "")

    def ids(self, names: Iterable[str]) -> list[str]:
        """The alerts behind these names."""
        return [cause.id for name in names for cause in self._by_name.get(name, ())]

    def _explains(self, name: str, alert: Alert, now: int) -> bool:
        return any(
            cause.id != alert.id
            and (cause.fires or _may_wait(alert, cause, now))
            and not self._leads_to(cause, alert.id)
            and self._heard_of(cause, set())
            for cause in self._by_name.get(name, ())
        )

    def _behind(self, cause: Cause) -> Iterable[Cause]:
        return (other for name in cause.causes for other in self._by_name.get(name, ()))

    def _leads_to(self, cause: Cause, alert_id: str) -> bool:
        """Whether this cause is explained, however far away, by the alert itself."""
        seen, ahead = {cause.id}, [cause]
        while ahead:
            for other in self._behind(ahead.pop()):
                if other.id == alert_id:
                    return True
                if other.id not in seen:
                    seen.add(other.id)
                    ahead.append(other)
        return False

    def _heard_of(self, cause: Cause, seen: set[str]) -> bool:
        seen.add(cause.id)
        return cause.told or any(
            self._heard_of(other, seen) for other in self._behind(cause) if other.id not in seen and other.fires
        )


def _may_wait(alert: Alert, cause: Cause, now: int) -> bool:
    """A cause that has not fired yet is waited for, but not for ever: it may come and go without ever firing."""
    if alert.told:
        return False
    waited = 0 if alert.held_since is None else now - alert.held_since
    return waited <= cause.for_ms + RELEASE_MS
