"""`decode --hex` reads what people paste: dumps of every usual program, lists of C and Python, any encoding of text."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classair.__main__ import main
from firmware_bridge.commands.hex_text import NotHex, pasted_bytes

PASTED = Path(__file__).parent / "pasted"
FRAME = bytes.fromhex("424D001C0008000E00110008000E001105DC0190005A00080002000197000367")


def read(text: str | bytes) -> bytes:
    data = text if isinstance(text, bytes) else text.encode()
    return b"".join(pasted_bytes(io.BufferedReader(io.BytesIO(data))))


def rows(data: bytes, width: int = 16) -> Iterator[tuple[int, bytes]]:
    return ((place, data[place : place + width]) for place in range(0, len(data), width))


def shown(row: bytes) -> str:
    return "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)


def squeezed(data: bytes, line: Callable[[int, bytes], str], end: str) -> str:
    """As hexdump and od print: lines that repeat the one before are one `*`."""
    told, before = [], b""
    for place, row in rows(data):
        if row == before and len(row) == 16:
            told += [] if told[-1] == "*" else ["*"]
        else:
            told.append(line(place, row))
        before = row
    return "\n".join([*told, end]) + "\n"


def words(row: bytes) -> list[str]:
    return [(row[place : place + 2].ljust(2, b"\0"))[::-1].hex() for place in range(0, len(row), 2)]


DUMPS: dict[str, Callable[[bytes], str]] = {
    "xxd": lambda data: "\n".join(
        f"{place:08x}: {' '.join(row[at : at + 2].hex() for at in range(0, len(row), 2)):<39}  {shown(row)}"
        for place, row in rows(data)
    ),
    "xxd -g1 -c32": lambda data: "\n".join(
        f"{place:08x}: {row.hex(' '):<95}  {shown(row)}" for place, row in rows(data, 32)
    ),
    "xxd -p": lambda data: "\n".join(row.hex() for _, row in rows(data, 30)),
    "xxd -i": lambda data: (
        "unsigned char dump[] = {\n"
        + ",\n".join("  " + ", ".join(f"0x{byte:02x}" for byte in row) for _, row in rows(data, 12))
        + f"\n}};\nunsigned int dump_len = {len(data)};\n"
    ),
    "hexdump -C": lambda data: squeezed(
        data,
        lambda place, row: f"{place:08x}  {row[:8].hex(' '):<23}  {row[8:].hex(' '):<23}  |{shown(row)}|",
        f"{len(data):08x}",
    ),
    "hexdump": lambda data: squeezed(
        data, lambda place, row: f"{place:07x} {' '.join(words(row))}", f"{len(data):07x}"
    ),
    "od -x": lambda data: squeezed(data, lambda place, row: f"{place:07o} {' '.join(words(row))}", f"{len(data):07o}"),
    "od -t x1": lambda data: squeezed(data, lambda place, row: f"{place:07o} {row.hex(' ')}", f"{len(data):07o}"),
    "od -A d -t x1": lambda data: squeezed(data, lambda place, row: f"{place:07d} {row.hex(' ')}", f"{len(data):07d}"),
    "od -A x -t x1z": lambda data: squeezed(
        data, lambda place, row: f"{place:06x} {row.hex(' '):<47}  >{shown(row)}<", f"{len(data):06x}"
    ),
    "Wireshark": lambda data: "\n".join(
        f"{place:04x}  {row.hex(' '):<47}   {shown(row)}" for place, row in rows(data)
    ),
    "Python bytes": repr,
    "Python bytearray": lambda data: f"read {bytearray(data)!r}",
    "Python list": lambda data: str(list(data)),
    "C list": lambda data: "uint8_t frame[] = { " + ", ".join(f"0x{byte:02X}" for byte in data) + " };  // 0x42 first",
    "escapes": lambda data: "".join(f"\\x{byte:02x}" for byte in data),
    "Arduino HEX": lambda data: "\n".join(" ".join(f"{byte:X}" for byte in row) for _, row in rows(data)),
    "Arduino monitor": lambda data: f"12:30:01.123 -> {data.hex(' ').upper()}",
    "dashes": lambda data: data.hex("-").upper(),
    "colons": lambda data: data.hex(":"),
    "pairs in broken lines": lambda data: "\n".join(row.hex() for _, row in rows(data, 31)),
}  # fmt: skip


@pytest.mark.parametrize("form", DUMPS)
@pytest.mark.parametrize("data", [FRAME, FRAME * 2 + bytes(80) + FRAME, bytes(range(256))], ids=["one", "zeros", "all"])
def test_a_dump_is_read_back(form: str, data: bytes) -> None:
    assert read(DUMPS[form](data)) == data


@given(st.sampled_from(sorted(set(DUMPS) - {"hexdump", "od -x"})), st.binary(min_size=20, max_size=120))
def test_any_bytes_are_read_back_from_any_dump(form: str, data: bytes) -> None:
    if form == "Arduino HEX" and any(row[0] < 16 or all(b > 15 for b in row) or len(row) < 3 for _, row in rows(data)):
        return  # a line that ends in one digit says too little by itself
    if form == "Arduino HEX" and not any(byte % 16 > 9 or byte // 16 > 9 for byte in data):
        return  # without a letter it is also a list of decimal numbers
    if form == "Python list" and len(data) < 2:
        return
    assert read(DUMPS[form](data)) == data


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_any_encoding_and_any_line_end_will_do(encoding: str, end: str) -> None:
    text = FRAME.hex(" ")
    assert read(f"{text[:48]}{end}{text[48:]}{end}".encode(encoding)) == FRAME


PAIRS = FRAME.hex(" ").upper()
_NUMBERED = "00 01 02 03 04 05 06 07 08 09 0A 0B 0C 0D 0E 0F"


def _viewed(title: str, begin: Callable[[int], str], gap: str) -> str:
    """As viewers with a column of text show it; the last row is a short one."""
    return title + "".join(
        f"{begin(place)}{row.hex(' ').upper():<47}{gap}{'BM%Ü. 42'[: len(row)]}\n" for place, row in rows(FRAME[:31])
    )


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"29/11/2026 10:00:01.123 [RX] - {PAIRS}\n", id="docklight"),
        pytest.param(f"RX: {PAIRS}", id="label"),
        pytest.param(f"<< {PAIRS}", id="arrow"),
        pytest.param(f"[10:00:01.123] {PAIRS[:47]}\n[10:00:01.125] {PAIRS[48:]}\n", id="time in brackets"),
        pytest.param(f"10:00:01.123 {PAIRS}", id="time"),
        pytest.param(f"[10:00:01][D][uart_debug:114]: <<< {PAIRS.replace(' ', ':')}", id="esphome"),
        pytest.param(f"> {PAIRS[:47]}\n> {PAIRS[48:]}\n", id="quoted mail"),
        pytest.param(f"```\n{PAIRS}\n```\n", id="markdown"),
        pytest.param("".join(f"<{byte:02X}>" for byte in FRAME), id="angles"),
        pytest.param(" ".join(map(str, FRAME)), id="decimal"),
        pytest.param(", ".join(map(str, FRAME)), id="decimal with commas"),
        pytest.param(f"\u200b{PAIRS.replace(' ', chr(0xA0))}", id="of a web page"),
    ],
)
def test_bytes_are_read_as_terminals_and_mails_show_them(text: str) -> None:
    assert read(text) == FRAME


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(_viewed(f"Offset(h) {_NUMBERED}\n\n", lambda at: f"{at:08X}  ", "  "), id="HxD"),
        pytest.param(
            _viewed(f"\n   Path: C:\\a.bin\n\n{'':11}{_NUMBERED}\n\n", lambda at: f"{at:08X}   ", "  "),
            id="Format-Hex 5",
        ),
        pytest.param(
            _viewed(
                f"\n   Label: C:\\a.bin\n\n{'':10}Offset Bytes {'':42}Ascii\n{'':17}{_NUMBERED}\n"
                f"{'':10}------ {'-' * 47} -----\n",
                lambda at: f"{at:016X} ",
                " ",
            ),
            id="Format-Hex 7",
        ),
    ],
)
def test_viewers_with_numbered_columns_are_read(text: str) -> None:
    assert read(text) == FRAME[:31]


@pytest.mark.parametrize("name", ["xxd.txt", "bom.hex", "utf16.hex"])
def test_a_pasted_file_gives_its_frames(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["decode", "--sensor", "pms5003", "--hex", str(PASTED / name)]) == 0
    told = [json.loads(line)["values"] for line in capsys.readouterr().out.splitlines()]
    assert told and {(it["pm25"], it["pm10"]) for it in told} == {(14, 17)}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0000000 046502 016000 004000\n", "these are octal numbers; od -An -tx1 prints bytes"),
        (" 42 4d 00 1c\n*\n 42 4d\n", "line 3: * before it stands for lines that repeat"),
        ("42 4d\n*\n", "ends with *"),
        ('{"SerialReceived":"424D"}\n', "begins with {"),
        ("42 4D 00 1C: 00 08", "'1C:' is not hexadecimal"),
        ("42 4D hello", "line 1, column 7: 'hello' is not hexadecimal; leave out offsets and the column of text"),
    ],
)
def test_what_cannot_be_read_is_answered_with_what_to_do(text: str, said: str) -> None:
    with pytest.raises(NotHex) as wrong:
        read(text)
    assert said in str(wrong.value)


@given(st.text(max_size=80) | st.binary(max_size=80))
def test_any_text_is_read_or_refused(text: str | bytes) -> None:
    try:
        read(text.encode("utf-8", "replace") if isinstance(text, str) else text)
    except NotHex:
        pass
