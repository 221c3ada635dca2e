"""What all people's LINE channels share: one client, one budget, one pause when LINE wants to be left alone."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from pydantic import SecretStr

from alerts.channels import Office
from alerts.line.budget import Budget
from classair.line.answers import LineError

if TYPE_CHECKING:
    from classair.line.client import LineClient

TOKEN: Final = "CLASSAIR_LINE_TOKEN"  # noqa: S105
_FIRST_PAUSE_S: Final = 5.0
_LONGEST_PAUSE_S: Final = 600.0
_SILENT_S: Final = 30.0  # after no answer: the others do not wait as long for none each


class NoToken(LineError):
    """The account's channel access token is not in the environment, or cannot be one."""


def now_ms() -> int:
    return time.time_ns() // 1_000_000


class Desk:
    """Thread-safe. The client is made anew when the configuration names another address."""

    def __init__(self, office: Office, env: Mapping[str, str] = os.environ, clock: Callable[[], int] = now_ms) -> None:
        self._office, self._env = office, env
        self._lock = threading.Lock()
        self._client: tuple[str, LineClient] | None = None
        self._refused_in_a_row = 0
        self._refused_at = 0
        self._silent_at: int | None = None
        self._clock = clock
        self.budget = Budget(self.client, office, clock)

    def client(self) -> LineClient:
        """Raises NoToken."""
        from classair.line.client import LineClient  # httpx2 is not needed to check a configuration

        api = self._office.config().line.api
        with self._lock:
            if self._client is None or self._client[0] != api:
                token = self._env.get(TOKEN, "")
                if not token:
                    raise NoToken(f"{TOKEN} is not set in the environment of alerts")
                try:
                    made = LineClient(SecretStr(token), api)
                except ValueError as error:
                    raise NoToken(f"{TOKEN}: {error}") from None
                if self._client is not None:
                    self._client[1].close()
                self._client = api, made
            return self._client[1]

    # -- LINE names no time to wait, so the pauses grow by our own clock -----------------------------------------------

    def too_fast(self) -> float:
        """LINE said so: for how many seconds nothing is sent now."""
        with self._lock:
            self._refused_in_a_row += 1
            self._refused_at = self._clock()
            return self._pause_s()

    def went_through(self) -> None:
        with self._lock:
            self._refused_in_a_row = 0

    def answered(self, answered: bool) -> None:
        """Whether LINE has answered, be it a refusal."""
        with self._lock:
            self._silent_at = None if answered else self._clock()

    def silent(self) -> bool:
        """LINE has just not answered. One after the other, sixty people would wait for that for ten minutes."""
        with self._lock:
            return self._silent_at is not None and 0 <= self._clock() - self._silent_at < _SILENT_S * 1000

    def paused_s(self) -> float:
        """How long LINE is still to be left alone."""
        with self._lock:
            if not self._refused_in_a_row:
                return 0.0
            gone = (self._clock() - self._refused_at) / 1000
            return max(0.0, self._pause_s() - gone) if gone >= 0 else 0.0

    def _pause_s(self) -> float:
        return min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2.0 ** (self._refused_in_a_row - 1))


def desk(office: Office) -> Desk:
    made = office.shared("line", lambda: Desk(office))
    assert isinstance(made, Desk)
    return made
