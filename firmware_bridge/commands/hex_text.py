"""Bytes as people paste them: hexadecimal pairs, and what xxd, hexdump, od, Wireshark, C and Python print."""

from __future__ import annotations

import ast
import io
import re
from collections.abc import Iterator
from typing import BinaryIO, Final

from classair.parsing.numbers import plain_text

_HEX: Final = re.compile(r"[0-9A-Fa-f]+")
_LONGEST_LINE: Final = 1 << 20
_BOMS: Final = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}

_STAMP: Final = re.compile(r"^\[?[\d:./T -]{5,30}\]?\s*->\s*")  # as the Arduino monitor puts before a line
_OFFSET: Final = re.compile(r"^\s*(?:0x)?([0-9A-Fa-f]{3,16})(:|\s|$)")
_CANONICAL_TEXT: Final = re.compile(r"\s*(\|.*\||>.*<)\s*$")  # hexdump -C, od -t x1z
_PYTHON: Final = re.compile(r"""(?:\b[bB])?(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")""")
_ESCAPES: Final = re.compile(r"(?:\\x[0-9A-Fa-f]{2})+")
_PREFIXED: Final = re.compile(r"(?<![0-9A-Za-z])(?:0[xX]|\$|#?\\x)([0-9A-Fa-f]{1,2})(?![0-9A-Za-z])")
_NUMBERS: Final = re.compile(r"\[?\s*\d{1,3}(\s*,\s*\d{1,3})+\s*,?\s*\]")
# What a terminal puts before bytes it received: a time in brackets, `RX:`, `<<`, `[RX] -`; a mail puts `>` there.
_LABELLED: Final = re.compile(
    r"(?P<label>.*?(?:[\]>:)<]|\s-|\d[.,]\d{1,6})\s+)(?P<pairs>(?:[0-9A-Fa-f]{2}(?:[ :,-]+|$)){2,})"
)
_BYTES_ONLY: Final = re.compile(r"[0-9A-Fa-f\s:,;-]*")
_ANGLES: Final = re.compile(r"(<[0-9A-Fa-f]{2}>\s*)+")
# HxD and PowerShell's Format-Hex: titles, and numbers of the columns behind which a column of text follows.
_TITLE: Final = re.compile(r"(Path|Label):.*|Offset\s+Bytes\b.*|[- ]{10,}|```\w*")
_COLUMNS: Final = re.compile(r"00 01 02 03 04 05 06 07 08 09 0A 0B 0C 0D 0E 0F")
_ROW: Final = re.compile(r"[0-9A-Fa-f]{8,16}\s")
_MOST_REPEATED: Final = 1 << 24
_SEPARATED: Final = re.compile(r"[0-9A-Fa-f]{2}([-:,;|_][0-9A-Fa-f]{2})+[-:,;]?")


class NotHex(ValueError):
    """Says the line and the column, and what stands there."""


def pasted_bytes(file: BinaryIO) -> Iterator[bytes]:
    """The bytes, line by line as they come. Raises NotHex."""
    reading = _Reading()
    for line in _lines(file):
        data = reading.line(line)
        if data:
            yield data
    yield reading.rest()


def _lines(file: BinaryIO) -> Iterator[str]:
    """Lines of text in UTF-8 or UTF-16, with or without a mark at their beginning."""
    head = file.peek(4)[:4] if isinstance(file, io.BufferedReader) else b""
    encoding = _BOMS.get(head[:2], "utf-8")
    if encoding == "utf-8" and len(head) >= 2 and 0 in head[:2]:
        encoding = "utf-16-le" if head[1] == 0 else "utf-16-be"
    text = io.TextIOWrapper(file, encoding=encoding, errors="replace")
    try:
        while line := text.readline(_LONGEST_LINE):
            yield plain_text(line).replace("\x00", "")
    finally:
        text.detach()  # the file is its owner's to close


class _Reading:
    """Remembers what one line says about the next: offsets, half a byte, repeated lines, the story of a capture."""

    def __init__(self) -> None:
        self._number, self._count = 0, 0
        self._half = ""
        self._in_story = False
        self._titled, self._columns = False, (0, 0)
        self._base: int | None = None  # what the first offset was
        self._radices = {8, 10, 16}  # in which the offsets so far can be written
        self._last, self._repeats = b"", False

    def line(self, line: str) -> bytes:
        self._number += 1
        text = line.strip()
        # Captures of tests/captures begin with a story and one JSON object, ended by `---`.
        if self._in_story or (not self._half and not self._count and text.startswith("{") and '"' in text):
            self._in_story = text != "---"
            return b""
        if not text or text.startswith("#") or text == "---":
            return b""
        if text == "*":
            self._repeats = True
            return b""
        if _TITLE.fullmatch(text) and not self._half:
            self._titled = True
            return b""
        columns = _COLUMNS.search(line)
        if columns and (self._titled or text.startswith("Offset")):
            self._columns = columns.span()
            return b""
        if self._columns[1] and _ROW.match(line):
            data = self._pairs(line, line[slice(*self._columns)])
        else:
            data = self._bytes(line, _STAMP.sub("", text))
        self._count += len(data)
        self._last = data or self._last
        return data

    def rest(self) -> bytes:
        if self._in_story:
            raise NotHex("begins with {; JSON in front of the bytes must end with a line ---")
        if self._repeats:
            raise NotHex("ends with *, which stands for lines that repeat; hexdump -v and od -v print them")
        if self._half:
            raise NotHex(f"ends in the middle of a byte ({self._half!r})")
        return b""

    def _bytes(self, line: str, text: str) -> bytes:
        repeated, plain = self._without_offset(text)
        if plain is not None:
            return repeated + self._pairs(line, plain)
        if self._repeats:
            raise NotHex(f"line {self._number}: * before it stands for lines that repeat; od -v prints them")
        text = text.partition("//")[0].strip()
        for form in (self._quoted, self._prefixed, self._decimal):
            data = form(text)
            if data is not None:
                return data
        labelled = _LABELLED.fullmatch(text)
        if labelled and not _BYTES_ONLY.fullmatch(labelled["label"]):
            text = labelled["pairs"]
        elif _ANGLES.fullmatch(text):
            text = text.replace("<", " ").replace(">", " ")
        return self._pairs(line, text)

    def _quoted(self, text: str) -> bytes | None:
        """Python's b'…' or bytearray(b'…'), or escapes alone."""
        if _ESCAPES.fullmatch(text):
            return bytes.fromhex(text.replace("\\x", ""))
        found = _PYTHON.findall(text) if "\\x" in text or re.search(r"\bb['\"]", text) else []
        if not found:
            return None
        try:
            return b"".join(ast.literal_eval(one if one[0] in "bB" else f"b{one}") for one in found)
        except (ValueError, SyntaxError):
            return None

    def _prefixed(self, text: str) -> bytes | None:
        """0x42, 0x4D in C, in a list, alone; what is around them is passed over."""
        found = _PREFIXED.findall(text)
        if found and re.search(r"0[xX]|\$|\\x", text):
            return bytes(int(one, 16) for one in found)
        # `unsigned char dump[] = {`, `};`, `unsigned int dump_len = 32;`
        return b"" if re.fullmatch(r"[\w\s\[\]*]*=\s*(\{|\d+;)|\};?|[\[\](){}]", text) else None

    def _decimal(self, text: str) -> bytes | None:
        """A list of decimal numbers in brackets, as Python prints list(data); without them where it can be no hex."""
        plain = text.replace(",", " ").split()
        if len(plain) > 3 and all(re.fullmatch(r"0|[1-9]\d{0,2}", word, re.ASCII) for word in plain):
            sizes = {len(word) for word in plain}
            if 3 in sizes and len(sizes) > 1 and max(map(int, plain)) < 256:
                return bytes(map(int, plain))
        if not _NUMBERS.fullmatch(text) or "[" not in text:
            return None
        numbers = [int(one) for one in re.findall(r"\d+", text)]
        return bytes(numbers) if max(numbers) < 256 else None

    def _without_offset(self, text: str) -> tuple[bytes, str | None]:
        """The bytes of lines that `*` stands for, and the pairs behind an offset; None where there is none."""
        match = _OFFSET.match(text)
        if match is None:
            return b"", None
        rest, canonical = text[match.end() :], _CANONICAL_TEXT.search(text[match.end() :])
        if canonical:
            words = rest[: canonical.start()].split()
        elif match[2] == ":":  # xxd: two blanks before the column of text
            words = re.split(r"\s{2,}", rest.strip())[0].split()
        else:
            words = re.split(r"\s{3,}", rest.strip())[0].split()  # Wireshark: three
        here = self._offset(match[1], match[2] == ":", words)
        if here is None:
            return b"", None
        missing = here - (self._base or 0) - self._count
        repeated = b""
        if self._repeats and self._last and 0 < missing < _MOST_REPEATED:
            repeated = (self._last * (missing // len(self._last) + 1))[:missing]
        self._repeats = False
        sizes = {len(word) for word in words}
        if match[2] != ":" and sizes == {4}:  # hexdump and od -x print words, their low byte first
            words = [word[2:] + word[:2] for word in words]
        elif match[2] != ":" and sizes and sizes <= {3, 6}:
            raise NotHex(f"line {self._number}: these are octal numbers; od -An -tx1 prints bytes")
        return repeated, " ".join(words)

    def _offset(self, digits: str, certain: bool, words: list[str]) -> int | None:
        """How many bytes a first word counts before it; None when it is no offset. od counts in octal, most in hex."""
        values = {16: int(digits, 16)}
        if len(digits) == 7 and digits.isdigit():
            values[10] = int(digits)
            if not {"8", "9"} & set(digits):
                values[8] = int(digits, 8)
        sizes = {len(word) for word in words}
        if self._base is None:
            if not certain and (
                len(digits) < 4 or not words or values[16] or len(digits) in sizes or sizes - {2, 3, 4, 6}
            ):
                return None
            self._base = values[16] - self._count
        here = {radix: value for radix, value in values.items() if value - self._base == self._count}
        if here:
            self._radices &= here.keys()
            return next(iter(here.values()))
        if not certain and not self._repeats:
            return None
        return next((values[radix] for radix in (16, 8, 10) if radix in self._radices & values.keys()), values[16])

    def _pairs(self, line: str, text: str) -> bytes:
        digits = self._half
        words = text.replace(",", " ").replace(";", " ").split()
        # As Arduino prints bytes, those below 16 with one digit.
        single = not digits and all(len(word) <= 2 for word in words) and any(len(word) == 1 for word in words[:-1])
        for place, word in enumerate(words):
            plain = re.sub(r"[-:|_]", "", word) if _SEPARATED.fullmatch(word) else word
            plain = plain.removesuffix("h") if re.fullmatch(r"[0-9A-Fa-f]{2}h", plain) else plain
            if not _HEX.fullmatch(plain):
                column = line.find(word) + 1
                shown = ascii(word[:24]) + ("…" if len(word) > 24 else "")
                hint = "; leave out offsets and the column of text" if place or self._count else ""
                raise NotHex(f"line {self._number}, column {column}: {shown} is not hexadecimal{hint}")
            digits += f"0{plain}" if single and len(plain) == 1 else plain
        whole = len(digits) & ~1
        self._half = digits[whole:]
        return bytes.fromhex(digits[:whole])
