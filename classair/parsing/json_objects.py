"""Reads the JSON of small devices, in which one bad token costs itself only.

Firmware builds its JSON with printf: a broken humidity sensor gives a bare `nan`, a locale `12,5`, a name a byte of
Latin-1, a forgotten comma or brace a whole message that no strict reader takes. Strict reading is tried first.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, Final

Pairs = list[tuple[str, Any]]
_DEEPEST: Final = 12
_MOST_STRAY: Final = 8
_SPACE: Final = re.compile(r"[\s\x00]*")
_KEY: Final = re.compile(r'"((?:[^"\\\n]|\\.){0,200})"([^",:{}\[\]]{0,8}):')
_STRING: Final = re.compile(r'"((?:[^"\\]|\\.)*)"')
_NEXT_KEY: Final = re.compile(r',[^"}\]\w]{0,8}"(?:[^"\\\n]|\\.){0,200}"[^",:{}\[\]]{0,8}:')
_NEXT_TEXT: Final = re.compile(r',[^"}\]\w]{0,8}"')  # a key, though it may be damaged; in `12,5` a digit follows
_CLOSED: Final = re.compile(r"[}\]](?![\d.])")  # within a number it is damage
_BRACES: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[{}]')
_MARK: Final = re.compile(rf"{_NEXT_KEY.pattern}|[{{}}]")
_LAST_COMMA: Final = re.compile(r'[,"\s]{1,8}\}')
_BARE: Final = re.compile(r'[^\s,:"{}\[\]]+')
_WORDS: Final = {"true": True, "false": False, "null": None}
_NUMBER: Final = re.compile(r"-?\d{1,40}(\.\d{1,40})?([eE][+-]?\d{1,5})?", re.ASCII)


class NotReadable(ValueError):
    """No object in it, or one whose structure is damaged where that is not allowed."""


def read_object(payload: bytes) -> tuple[dict[str, Any], bool]:
    """The object in a message, and whether braces, commas or quotes were wrong in it. Raises NotReadable.

    What stands in the place of a value and is none is there as its text.
    """
    text = _decoded(payload)
    if '"' not in text:
        text = text.replace("'", '"')  # as Python prints it
    try:
        found, damaged = json.loads(text), False
    except (ValueError, RecursionError):
        mender = _Mender(text, dict, allowed=True)
        found, damaged = mender.whole(), mender.damaged
    if not isinstance(found, dict):
        raise NotReadable("not a JSON object")
    return found, damaged


def read_pairs(text: str, made: Callable[[Pairs], Any]) -> Any:
    """The value in a line; each object is made from its pairs. Only values may be wrong. Raises NotReadable."""
    try:
        return json.loads(text, object_pairs_hook=made)
    except (ValueError, RecursionError):
        return _Mender(text, made, allowed=False).whole()


def _decoded(payload: bytes) -> str:
    wide = payload.count(0) * 3 > len(payload)  # UTF-16; single NULs are damage
    return payload.decode(json.detect_encoding(payload) if wide else "utf-8", "replace").removeprefix("\ufeff")


class _Mender:
    """Goes through the text once; what is no value is taken as text up to the next key or bracket."""

    def __init__(self, text: str, made: Callable[[Pairs], Any], *, allowed: bool) -> None:
        self._text, self._made, self._allowed = text, made, allowed
        self._at = 0
        self.damaged = False  # more than values
        self._stray = 0  # braces without an end; looking for it costs the length of the message

    def whole(self) -> Any:
        begin = self._text.find("{")
        if begin < 0:
            raise NotReadable("no JSON object in it")
        if self._text[:begin].strip():
            self._odd("something before the object")
        self._at = begin + 1
        while self._text[self._at : self._at + 1] == "{":
            self._odd("a brace too many")
            self._at += 1
        pairs = self._members(1)
        # Some drivers of Tasmota close once too often: what follows belongs to the same object.
        while self._allowed and _NEXT_KEY.match(self._text, self._at):
            self._odd("a brace too many")
            pairs += self._members(1)
        if self._text[self._at :].strip():
            self._odd("something behind the object")
        if not pairs:
            raise NotReadable("no JSON object in it")
        return self._made(pairs)

    def _members(self, depth: int) -> Pairs:
        """Up to the brace that closes them, or the end."""
        pairs: Pairs = []
        while True:
            self._pass(_SPACE)
            here = self._text[self._at : self._at + 1]
            if not here:
                self._odd("cut off")
                return pairs
            if here == "}":
                self._at += 1
                return pairs
            if here == "," and pairs:
                self._at += 1
                continue
            key = _KEY.match(self._text, self._at)
            if key is None:
                self._odd("no key")
                if here != "{" or not self._skip():
                    self._at += 1
                continue
            if key[2].strip():
                self._odd("something behind the key")
            self._at = key.end()
            value = self._value(depth)
            if value is not _LOST:
                pairs.append((_plain(key[1]), value))

    def _value(self, depth: int) -> Any:
        self._pass(_SPACE)
        begin = self._at
        nested = self._text[begin : begin + 1] in ("{", "[")
        value = self._proper(depth)
        if value is not _LOST and (self._ends_here(nested) or nested):
            return value  # what is wrong behind a whole object or list is passed over as no key
        self._at = begin
        return self._raw()

    def _proper(self, depth: int) -> Any:
        """A value as JSON has it; _LOST when none stands here."""
        here = self._text[self._at : self._at + 1]
        if here in ("{", "[") and depth >= _DEEPEST:
            return _LOST
        if here == "{":
            self._at += 1
            return self._made(self._members(depth + 1))
        if here == "[":
            return self._list(depth + 1)
        match = _STRING.match(self._text, self._at) if here == '"' else _BARE.match(self._text, self._at)
        if match is None:
            return _LOST
        self._at = match.end()
        if here == '"':
            return _plain(match[1])
        word = match[0]
        if word in _WORDS:
            return _WORDS[word]
        # Anything else stays a text, and is no number: nan, 12,5, 7\N{REPLACEMENT CHARACTER}.
        if not _NUMBER.fullmatch(word):
            return word
        return int(word) if word.lstrip("-").isdigit() else float(word)

    def _list(self, depth: int) -> Any:
        self._at += 1
        items: list[Any] = []
        while True:
            self._pass(_SPACE)
            here = self._text[self._at : self._at + 1]
            if not here:
                self._odd("cut off")
                return items
            if here == "]":
                self._at += 1
                return items
            if here == "," and items:
                self._at += 1
                continue
            item = self._proper(depth)
            if item is _LOST:
                self._odd("no item")
                self._at += 1
            else:
                items.append(item)

    def _ends_here(self, nested: bool) -> bool:
        """Whether what may stand behind a value stands here. A comma counts only before a key, or before a brace."""
        self._pass(_SPACE)
        here = self._text[self._at : self._at + 1]
        if _NEXT_TEXT.match(self._text, self._at) or _CLOSED.match(self._text, self._at):
            return True
        if _KEY.match(self._text, self._at):
            self._odd("a comma missing")
            return True
        if here:
            return self._allowed and _LAST_COMMA.match(self._text, self._at) is not None
        return nested  # a number at the end of what was cut off may have lost digits

    def _raw(self) -> Any:
        """The text up to the next key, or a brace that closes: all of it is one bad value."""
        begin = self._at
        while mark := _MARK.search(self._text, self._at):
            self._at = mark.start()
            here = mark[0][0]
            if here == "," or (here == "}" and _CLOSED.match(self._text, self._at)):
                raw = self._text[begin : self._at].strip(" \t\r\n\x00,")
                if any(char in raw for char in '"{[}'):
                    self._odd("a value without its end")
                return raw
            if here != "{" or not self._skip():
                self._at += 1
        self._at = len(self._text)
        self._odd("a value without its end")
        return _LOST

    def _skip(self) -> bool:
        """Passes over an object that has no name or stands in a bad value: what belongs to it is nobody else's.

        False when it has no end, and is a brace too many.
        """
        if self._stray >= _MOST_STRAY:
            return False
        open_braces = 0
        for match in _BRACES.finditer(self._text, self._at):
            open_braces += {"{": 1, "}": -1}.get(match[0], 0)
            if not open_braces:
                self._at = match.end()
                return True
        self._stray += 1
        return False

    def _pass(self, pattern: re.Pattern[str]) -> None:
        match = pattern.match(self._text, self._at)
        self._at = match.end() if match else self._at

    def _odd(self, what: str) -> None:
        self.damaged = True
        if not self._allowed:
            raise NotReadable(what)


class _Lost:
    """No value; nothing a device says is this."""


_LOST: Final = _Lost()


def _plain(inside: str) -> str:
    """A string without its escapes; as it stands where they are wrong."""
    if "\\" not in inside:
        return inside
    try:
        return str(json.loads(f'"{inside}"', strict=False))
    except ValueError:
        return inside
