"""What a LINE event holds, whatever it holds: nothing that LINE sends is believed to have the right form."""

from __future__ import annotations

from typing import Any


def user_of(body: dict[str, Any]) -> str:
    source = body.get("source")
    user = source.get("userId") if isinstance(source, dict) else None
    return user if isinstance(user, str) and len(user) <= 64 else ""


def text_of(body: dict[str, Any]) -> str | None:
    """The words of a message or of a button; None for a picture, a sticker or an unknown event."""
    message, postback = body.get("message"), body.get("postback")
    if body.get("type") == "message" and isinstance(message, dict) and message.get("type") == "text":
        text = message.get("text")
    elif body.get("type") == "postback" and isinstance(postback, dict):
        text = postback.get("data")
    else:
        return None
    return text if isinstance(text, str) else None


def message_id_of(body: dict[str, Any]) -> str:
    """Of a message, or of the one that was taken back."""
    part = body.get("unsend") if body.get("type") == "unsend" else body.get("message")
    found = part.get("messageId" if body.get("type") == "unsend" else "id") if isinstance(part, dict) else None
    return found if isinstance(found, str) and found.isascii() and found.isalnum() and len(found) <= 64 else ""


def is_picture(body: dict[str, Any]) -> bool:
    message = body.get("message")
    return body.get("type") == "message" and isinstance(message, dict) and message.get("type") == "image"


def unblocked(body: dict[str, Any]) -> bool:
    follow = body.get("follow")
    return isinstance(follow, dict) and follow.get("isUnblocked") is True


def among_others(body: dict[str, Any]) -> bool:
    """Whether it was written in a group or a room."""
    source = body.get("source")
    return isinstance(source, dict) and source.get("type") in ("group", "room")
