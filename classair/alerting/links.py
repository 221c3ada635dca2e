"""Links in messages: to an alert, and to the page where a person chooses what to be told of, without an account."""

from __future__ import annotations

import contextlib
import re
import secrets
from pathlib import Path
from typing import Final
from urllib.parse import quote

from itsdangerous import BadData, URLSafeSerializer

from classair.config import Config
from classair.places import write_atomically

KEPT_S: Final = 400 * 24 * 3600
"""How long the link of a message works."""
LONGEST: Final = 256
_SALT: Final = "classair.notify"
_KEY_BYTES: Final = 32
_PERSON: Final = re.compile(r"[a-z0-9-]{1,32}")


def base(config: Config) -> str:
    """Where the dashboard can be reached, without a slash at the end; "" where neither setting says it."""
    return (config.public_url or config.address).rstrip("/")


def alert_link(config: Config, alert: str) -> str:
    """The page of an alert; "" where no address of the dashboard is known."""
    where = base(config)
    return f"{where}/alerts?alert={quote(alert, safe='')}" if where else ""


def make_key(path: Path) -> None:
    """Makes the key where there is none, readable by its owner only. Call where links are made, at the start.

    Raises OSError.
    """
    with contextlib.suppress(FileNotFoundError):
        if len(path.read_bytes()) >= _KEY_BYTES:
            path.chmod(0o600)
            return
    write_atomically(path, secrets.token_hex(_KEY_BYTES).encode())


class Links:
    """Makes and reads the links of persons with the key in `path`; without a key there are none."""

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def preferences(self, config: Config, person: str, at_ms: int) -> str:
        """Where this person chooses what to be told of; "" without an address or a key.

        `at_ms`: when the message was made; each attempt to deliver it has the same link.
        """
        where, signer = base(config), self._signer()
        return f"{where}/notify/{signer.dumps([person, at_ms // 1000])}" if where and signer is not None else ""

    def person(self, token: str, now_ms: int) -> str | None:
        """Whose link it is; None for one that nobody signed here, or that is older than KEPT_S."""
        signer = self._signer()
        if signer is None or len(token) > LONGEST:
            return None
        try:
            person, at_s = signer.loads(token)
        except (BadData, TypeError, ValueError):
            return None
        if not isinstance(person, str) or not _PERSON.fullmatch(person) or not isinstance(at_s, int):
            return None
        return person if now_ms // 1000 - at_s <= KEPT_S else None

    def _signer(self) -> URLSafeSerializer | None:
        try:
            key = self._path.read_bytes() if self._path is not None else b""
        except OSError:
            return None
        return URLSafeSerializer(key, salt=_SALT) if len(key) >= _KEY_BYTES else None
