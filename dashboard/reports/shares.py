"""Links that work without an account: signed here, good for one thing, until they end."""

from __future__ import annotations

import contextlib
import logging
from pathlib import Path
from typing import Final

from itsdangerous import BadData, URLSafeSerializer

from classair.alerting.links import make_key
from classair.units import DAY_MS

log = logging.getLogger(__name__)

KEPT_MS: Final = 60 * DAY_MS
"""How long a link to a report works."""
LONGEST: Final = 512
_SALT: Final = "classair.share"
_KEY_BYTES: Final = 32


class Shares:
    """Makes and reads links with the key in `path`, which is made when there is none; `path` None: there are none.

    A token says a `kind` ("week", "ticket" …) and what it is about as short texts; one of another kind is refused.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        if path is not None:
            try:
                make_key(path)
            except OSError as error:
                log.error("share_key_failed error=%s", error.strerror)

    def token(self, kind: str, about: tuple[str, ...], until_ms: int) -> str:
        """For an address; "" where there is no key. The same question gives the same token."""
        signer = self._signer()
        return signer.dumps([kind, *about, until_ms // 1000]) if signer is not None else ""

    def read(self, kind: str, token: str, now_ms: int) -> tuple[str, ...] | None:
        """What a token is about; None for one that was not signed here, is of another kind, or has ended."""
        signer = self._signer()
        if signer is None or len(token) > LONGEST:
            return None
        with contextlib.suppress(BadData, TypeError, ValueError):
            said = signer.loads(token)
            if not isinstance(said, list) or len(said) < 2 or said[0] != kind or not isinstance(said[-1], int):
                return None
            about = said[1:-1]
            if said[-1] * 1000 > now_ms and all(isinstance(one, str) for one in about):
                return tuple(about)
        return None

    def _signer(self) -> URLSafeSerializer | None:
        try:
            key = self._path.read_bytes() if self._path is not None else b""
        except OSError:
            return None
        return URLSafeSerializer(key, salt=_SALT) if len(key) >= _KEY_BYTES else None
