"""The way of replies to LINE: one client by the configuration in force, none while LINE is not set up."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from typing import Final

from pydantic import SecretStr

from classair.config import Config
from classair.line.client import AsyncLineClient

log = logging.getLogger(__name__)

TOKEN_VARIABLE: Final = "CLASSAIR_LINE_TOKEN"  # noqa: S105  its name


class Replies:
    """Makes the client when it is first asked for, and another when the configuration names another address."""

    def __init__(self, config: Callable[[], Config]) -> None:
        self._config = config
        self._made: AsyncLineClient | None = None
        self._by = ("", "")

    def __call__(self) -> AsyncLineClient | None:
        wanted = (self._config().line.api, os.environ.get(TOKEN_VARIABLE, ""))
        if wanted != self._by:
            self._by, self._made = wanted, None
            if wanted[1]:
                try:
                    self._made = AsyncLineClient(SecretStr(wanted[1]), wanted[0])
                except ValueError as error:
                    log.error("line_client_failed variable=%s error=%s", TOKEN_VARIABLE, error)
        return self._made
