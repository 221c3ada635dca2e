"""What LINE finds wrong with a request, in its own words; its limits are stated here anew, from its documents."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

USER: Final = re.compile(r"[U][0-9a-f]{32}")
CHAT: Final = re.compile(r"[UCR][0-9a-f]{32}")
RETRY_KEY: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_TYPES: Final = ("text", "flex", "image", "sticker", "video", "audio", "location", "imagemap", "template")
_TEXT, _ALT_TEXT, _LABEL, _URI, _DATA = 5000, 400, 20, 1000, 300
_BUBBLE_BYTES: Final = 30_000
_LAYOUTS: Final = ("horizontal", "vertical", "baseline")

Wrong = tuple[str, str]  # property, what is wrong


def messages(value: Any) -> list[Wrong]:
    """All that is wrong with the messages of a request."""
    if not isinstance(value, list) or not 1 <= len(value) <= 5:
        return [("messages", "Size must be between 1 and 5")]
    return [found for place, message in enumerate(value) for found in _message(f"messages[{place}]", message)]


def _message(where: str, message: Any) -> Iterator[Wrong]:
    kind = message.get("type") if isinstance(message, dict) else None
    if kind not in _TYPES:
        yield f"{where}.type", f"Must be one of the following values: [{', '.join(_TYPES)}]"
    elif kind == "text":
        yield from _text(f"{where}.text", message.get("text"), _TEXT)
    elif kind == "image":
        for key in ("originalContentUrl", "previewImageUrl"):
            if not str(message.get(key, "")).startswith("https://"):
                yield f"{where}.{key}", "Must be a valid HTTPS URL"
    elif kind == "flex":
        yield from _text(f"{where}.altText", message.get("altText"), _ALT_TEXT)
        contents = message.get("contents")
        if not isinstance(contents, dict) or contents.get("type") not in ("bubble", "carousel"):
            yield f"{where}.contents.type", "Must be one of the following values: [bubble, carousel]"
        elif contents["type"] == "bubble":
            yield from _bubble(f"{where}.contents", contents)


def _bubble(where: str, bubble: dict[str, Any]) -> Iterator[Wrong]:
    blocks = [key for key in ("header", "hero", "body", "footer") if key in bubble]
    if not blocks:
        yield where, "At least one block must be specified"
    if len(json.dumps(bubble, ensure_ascii=False).encode("utf-8", "replace")) > _BUBBLE_BYTES:
        yield where, "The size of the bubble must be 30 KB or less"
    for key in blocks:
        yield from _component(f"{where}.{key}", bubble[key])


def _component(where: str, component: Any) -> Iterator[Wrong]:
    kind = component.get("type") if isinstance(component, dict) else None
    if kind == "box":
        if component.get("layout") not in _LAYOUTS:
            yield f"{where}.layout", f"Must be one of the following values: [{', '.join(_LAYOUTS)}]"
        for place, inner in enumerate(component.get("contents") or []):
            yield from _component(f"{where}.contents[{place}]", inner)
    elif kind == "text":
        yield from _text(f"{where}.text", component.get("text"), None)
    elif kind == "button":
        yield from _action(f"{where}.action", component.get("action"))
    elif kind not in ("image", "icon", "separator", "filler", "video"):
        yield f"{where}.type", "unknown component"


def _action(where: str, action: Any) -> Iterator[Wrong]:
    kind = action.get("type") if isinstance(action, dict) else None
    if kind not in ("uri", "message", "postback"):
        yield f"{where}.type", "Must be one of the following values: [postback, message, uri]"
        return
    yield from _text(f"{where}.label", action.get("label"), _LABEL)
    if kind == "uri":
        yield from _text(f"{where}.uri", action.get("uri"), _URI)
        if not re.match(r"(https?://|line:|tel:)", str(action.get("uri"))):
            yield f"{where}.uri", "invalid uri scheme"
    elif kind == "message":
        yield from _text(f"{where}.text", action.get("text"), _DATA)
    else:
        yield from _text(f"{where}.data", action.get("data"), _DATA)


def _text(where: str, value: Any, most: int | None) -> Iterator[Wrong]:
    if not isinstance(value, str) or not value.strip():
        yield where, "May not be empty"
    elif most is not None and len(value.encode("utf-16-le", "surrogatepass")) // 2 > most:
        yield where, f"Length must be between 0 and {most}"
