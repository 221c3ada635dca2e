"""Secrets of devices that post to a bridge: only digests are kept."""

from __future__ import annotations

import hashlib
import json
import logging

from classair.places import Places, write_atomically

log = logging.getLogger(__name__)


def digest(secret: str) -> str:
    """What is kept of a secret: SHA-256, hex. Ours have 128 random bits, so one round is enough."""
    return hashlib.sha256(secret.encode()).hexdigest()


def kept_secrets(places: Places) -> dict[str, str]:
    """`<site>.<id>` of a sensor → digest of its secret; empty while there is none, and when it cannot be read."""
    try:
        found = json.loads(places.device_secrets.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        log.error("device_secrets_read_failed path=%s error=%s", places.device_secrets, error)
        return {}
    return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}


def keep_secret(places: Places, sensor: str, secret: str) -> None:
    """Remembers a device's secret; an older one of the same device no longer holds."""
    known = {**kept_secrets(places), sensor: digest(secret)}
    write_atomically(places.device_secrets, json.dumps(known, indent=1, sort_keys=True).encode())
