"""What a plain form has sent, read strictly: each field once, as text in UTF-8, no longer than it may be.

A browser sends nothing else. Whatever does is told in a page what is wrong, and nothing of it is used: half a form
would be something that nobody has said.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl

from fastapi import FastAPI, Request, Response
from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from dashboard.access.guard import PHOTO_BODY
from dashboard.public.pages import refused

MOST_FIELDS: Final = 64
_URLENCODED: Final = "application/x-www-form-urlencoded"
_MULTIPART: Final = "multipart/form-data"
# What no keyboard writes and no screen shows; a NUL also ends a text for many a program.
_UNSEEN: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class _Parser(MultiPartParser):
    """Knows whether the end was there: what is cut off may be half of what somebody said."""

    ended = False

    def on_end(self) -> None:
        self.ended = True


class FormRefused(Exception):
    """`why`: a text of `form`."""

    def __init__(self, why: str, status: int = 422) -> None:
        super().__init__(why)
        self.why, self.status = why, status


@dataclass(frozen=True, slots=True)
class Sent:
    """A field that was not sent is an empty text; `in` tells which were."""

    texts: Mapping[str, list[str]]
    photo: bytes = field(default=b"", repr=False)

    def __getitem__(self, name: str) -> str:
        return next(iter(self.texts.get(name, ())), "")

    def __contains__(self, name: str) -> bool:
        return name in self.texts

    def every(self, name: str) -> list[str]:
        return self.texts.get(name, [])


async def read(
    request: Request,
    longest: Mapping[str, int],
    *,
    several: Collection[str] = (),
    photo: str = "",
    photo_bytes: int = 0,
) -> Sent:
    """`longest`: characters of each field there is. `several`: fields that may come more than once. `photo`: the one
    that is a file, of which one byte more than `photo_bytes` is read. Raises FormRefused.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    raw = b""
    try:
        if kind == _MULTIPART:
            pairs, raw = await _parts(request, photo, photo_bytes)
        else:
            body = await request.body()
            if body and kind != _URLENCODED:
                raise FormRefused("unreadable", 415)
            pairs = parse_qsl(
                body.decode(), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS, separator="&"
            )
    except (ValueError, MultiPartException):  # UnicodeError is a ValueError
        raise FormRefused("unreadable") from None
    texts: dict[str, list[str]] = {}
    for name, value in pairs:
        if name not in longest:
            continue
        if name in texts and name not in several:
            raise FormRefused("twice")
        # A browser counts the end of a line as one character and sends two.
        plain = _UNSEEN.sub("", value.replace("\r\n", "\n"))
        if len(plain) > longest[name]:
            raise FormRefused("too_long")
        texts.setdefault(name, []).append(plain)
    return Sent(texts, raw)


async def _parts(request: Request, photo: str, photo_bytes: int) -> tuple[list[tuple[str, str]], bytes]:
    """The texts and the file. Raises ValueError, MultiPartException."""
    # The parser takes what it cannot decode for another encoding. Read as Latin-1 nothing is lost or guessed, and the
    # bytes are there to be judged; the last word on the encoding is ours, whatever was sent.
    headers = Headers({"content-type": f"{request.headers['content-type']}; charset=latin-1"})
    parser = _Parser(headers, request.stream(), max_files=1, max_fields=MOST_FIELDS, max_part_size=PHOTO_BODY)
    data, raw = await parser.parse(), b""
    try:
        if not parser.ended:
            raise FormRefused("unreadable")
        pairs = []
        for name, value in data.multi_items():
            if not isinstance(value, UploadFile):
                pairs.append((name.encode("latin-1").decode(), value.encode("latin-1").decode()))
            elif name == photo:
                raw = await value.read(photo_bytes + 1) if value.size else b""
            else:
                raise FormRefused("unreadable")
        return pairs, raw
    finally:
        await data.close()


def install(server: FastAPI) -> None:
    @server.exception_handler(FormRefused)
    async def _refused(request: Request, error: FormRefused) -> Response:
        return refused(request, error.why, error.status)
