"""A checksum of one series' day that says the same of a store and of an archive, whatever either is made of."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Mapping, Sequence
from typing import Any, Final

_ABSENT: Final = -(2**63)
_TEXTS: Final = ("bridge", "epoch", "vflags")


def checksum(columns: Mapping[str, Sequence[Any]]) -> str:
    """SHA-256 over columns by name: integers of eight bytes, `interval_s` as a double, texts each ended by a zero byte.

    A quantity that is absent everywhere counts as not being there at all.
    """
    digest = hashlib.sha256()
    for name in sorted(columns):
        values = columns[name]
        if name in _TEXTS:
            data = "".join([f"{value or ''}\0" for value in values]).encode()
        elif name == "interval_s":
            data = array("d", values).tobytes()
        else:
            try:
                data = array("q", values).tobytes()
            except TypeError:
                if all(value is None for value in values):
                    continue
                data = array("q", [_ABSENT if value is None else value for value in values]).tobytes()
        digest.update(f"{name} {len(values)}\n".encode())
        digest.update(data)
    return digest.hexdigest()
