"""The id of a message that another service asks alerts to send, made from the key that it is asked for by.

The same key is the same message, whoever was killed in between; and the id is the retry key that LINE takes.
"""

from __future__ import annotations

import uuid
from typing import Final

_MESSAGES: Final = uuid.UUID("5d0c7a1e-6f0b-4a0e-9d3c-2f1b7c9e4a55")

MESSAGE_KINDS: Final = ("week", "alert", "ticket", "digest", "answer", "other")
"""What a message is about: a weekly report, dust in a room that somebody follows, news of a ticket, a day's summary,
the answer to what somebody has just asked."""


def message_id(key: str) -> str:
    return str(uuid.uuid5(_MESSAGES, key))
