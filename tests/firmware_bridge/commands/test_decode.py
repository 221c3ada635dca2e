"""Captured bytes are decoded again, from any form they were kept in."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from classair.__main__ import main
from firmware_bridge.blackbox.format import LOST, RECEIVED, SENT, Header, Item, encode_block
from firmware_bridge.clock import BUILT_MS
from firmware_bridge.drivers import driver_for

ROOT = Path(__file__).parents[3]
CAPTURES = ROOT / "tests" / "captures"
CLASSAIR = [sys.executable, "-m", "classair"]


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def frames(*pm25: float) -> bytes:
    driver = driver_for("pms5003")
    return b"".join(
        driver.encode({"pm1": 1, "pm25": it, "pm10": 100, "n03": 1000, "n05": 300, "n1": 50, "n25": 5}) for it in pm25
    )


@pytest.mark.parametrize("capture", sorted(CAPTURES.glob("*.hex")), ids=lambda path: path.stem)
def test_a_capture_of_the_tests_gives_what_it_says_it_gives(capture: Path, capsys: pytest.CaptureFixture[str]) -> None:
    story = capture.read_text("utf-8").partition("---\n")[0]
    expected = json.loads("\n".join(line for line in story.splitlines() if not line.startswith("#")))
    settings = [
        word
        for key, value in expected.get("settings", {}).items()
        for word in ("--settings", f"{key}={json.dumps(value)}")
    ]
    assert main(["decode", "--sensor", expected["model"], *settings, str(capture)]) == 0
    told = lines(capsys)
    assert [line["values"].get(key) for line in told for key in expected["keys"]] == expected["values"]
    assert [line["n"] for line in told] == list(range(1, len(told) + 1))


def test_raw_bytes_between_noise(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "raw").write_bytes(b"noise BM" + frames(7, 8) + b"BM\0\x1c cut off")
    assert main(["decode", "--sensor", "pms5003", str(tmp_path / "raw")]) == 0
    assert [line["values"]["pm25"] for line in lines(capsys)] == [7, 8]


def test_flags_are_named_as_on_the_wire(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "raw").write_bytes(driver_for("pms5003").encode({"pm25": 3, "error": 8}))
    assert main(["decode", "--sensor", "pms5003", str(tmp_path / "raw")]) == 0
    (told,) = lines(capsys)
    assert told["flags"] == ["SENSOR_ERROR"]
    assert "ORDER" in told["value_flags"]["pm25"]


def test_hexadecimal_text_as_people_paste_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = frames(9)
    text = "# from a forum\n" + ", ".join(f"0x{byte:02x}" for byte in data[:10]) + "\n\n" + data[10:].hex().upper()
    (tmp_path / "pasted.txt").write_text(text)
    assert main(["decode", "--hex", "--sensor", "pms5003", str(tmp_path / "pasted.txt")]) == 0
    assert [line["values"]["pm25"] for line in lines(capsys)] == [9]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("42 4D\n00 1G", "line 2, column 4: '1G' is not hexadecimal"),
        ("42 4D 0", "ends in the middle of a byte ('0')"),
        ("hello", "line 1, column 1: 'hello' is not hexadecimal"),
    ],
)
def test_bad_hexadecimal_is_answered_with_its_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, said: str
) -> None:
    (tmp_path / "x.hex").write_text(text)
    assert main(["decode", "--sensor", "pms5003", str(tmp_path / "x.hex")]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--sensor", "pms503"], "did you mean pms5003?"),
        ([], "Give --sensor MODEL"),
        (["--sensor", "pms5003", "--settings", "nonsense"], "expected KEY=VALUE"),
        (["--sensor", "pms5003", "--settings", "nonsense=1"], "nonsense: Extra inputs are not permitted"),
        (["--sensor", "pms5003", "--from", "2026-11-20"], "raw bytes have no timestamps"),
    ],
)
def test_wrong_use_is_answered_with_what_would_be_right(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    (tmp_path / "raw").write_bytes(frames(1))
    assert main(["decode", *words, str(tmp_path / "raw")]) == 2
    assert said in capsys.readouterr().err


def test_a_file_that_is_not_there_is_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["decode", "--sensor", "pms5003", "/nowhere/x"]) == 2
    assert "/nowhere/x: No such file" in capsys.readouterr().err


def test_bytes_without_a_measurement_end_with_code_1_and_say_what_they_were(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "raw").write_bytes(frames(1, 2))
    assert main(["decode", "--sensor", "s8", str(tmp_path / "raw")]) == 1
    assert "no measurement in 64 bytes" in capsys.readouterr().err


def test_the_counters_account_for_every_byte(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = bytearray(frames(1))
    broken[9] ^= 1
    (tmp_path / "raw").write_bytes(b"xx" + frames(1, 2) + broken)
    assert main(["decode", "--stats", "--sensor", "pms5003", str(tmp_path / "raw")]) == 0
    (told,) = lines(capsys)
    assert (told["bytes_in"], told["good"], told["checksum"]) == (98, 2, 1)
    assert told["skipped"] + told["in_frames"] + told["pending"] == 98
    assert sum(told["flagged"].values()) >= 2


# -- pipes -------------------------------------------------------------------------------------------------------------


@pytest.mark.thorough
def test_a_reading_in_a_pipe_is_printed_when_it_comes() -> None:
    with subprocess.Popen(
        [*CLASSAIR, "decode", "--sensor", "pms5003", "-"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as decoding:
        assert decoding.stdin is not None
        assert decoding.stdout is not None
        for pm25 in (5, 6):
            os.write(decoding.stdin.fileno(), frames(pm25))
            assert json.loads(decoding.stdout.readline())["values"]["pm25"] == pm25
        decoding.stdin.close()
        assert decoding.wait(60) == 0


@pytest.mark.thorough
def test_a_reader_that_goes_away_is_no_error() -> None:
    told = subprocess.run(
        [
            "bash",
            "-o",
            "pipefail",
            "-c",
            f"head -c 3000000 /dev/zero | {sys.executable} -c 'import sys; "
            f'data = bytes.fromhex("{frames(5).hex()}"); sys.stdout.buffer.write(data * 50000)\' | '
            f"{sys.executable} -m classair decode --sensor pms5003 | head -n 1 >/dev/null; "
            "echo ${PIPESTATUS[2]}",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (told.stdout.strip(), "Error" in told.stderr) == ("0", False), told.stderr


@pytest.mark.thorough
def test_memory_stays_flat_however_much_comes() -> None:
    code = (
        "import os, resource, sys\n"
        "from firmware_bridge.commands import decode\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "assert decode.main(['--stats', '--sensor', 'pms5003', '-']) == 0\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, file=sys.stderr)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=False,
    ) as decoding:
        assert decoding.stdin is not None
        piece = frames(5) * 2000 + bytes(64_000)
        for _ in range(30):
            decoding.stdin.write(piece)
        out, err = decoding.communicate(timeout=120)
    assert json.loads(out)["good"] == 60_000
    assert int(err) < 8 * 1024, "KiB more than at the start"


# -- black boxes -------------------------------------------------------------------------------------------------------


@pytest.fixture
def black_box(tmp_path: Path) -> Path:
    """Three minutes of one port, a block each, with a start command, a loss and a damaged block."""
    folder = tmp_path / "p1-2-pm"
    folder.mkdir()
    header = Header("site.p1-2-pm", "pms5003", "/dev/x")
    blocks = [
        encode_block(bytes(range(16)), BUILT_MS, "sync", items)
        for items in (
            [Item(SENT, 0, b"start"), Item(RECEIVED, 1000, frames(1)), Item(RECEIVED, 2000, frames(2)[:20])],
            [Item(RECEIVED, 60_000, frames(3)), Item(LOST, 61_000, b"", 99), Item(RECEIVED, 62_500, frames(4))],
            [Item(RECEIVED, 120_010, frames(5)[:8]), Item(RECEIVED, 120_040, frames(5)[8:])],
        )
    ]
    (folder / "0000000001.cbb").write_bytes(header.encode() + blocks[0] + b"CBX1 torn")
    (folder / "0000000002.cbb").write_bytes(header.encode() + blocks[1] + blocks[2])
    return folder


def test_a_black_box_knows_its_sensor_and_its_times(black_box: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["decode", str(black_box)]) == 0
    told = lines(capsys)
    assert [line["values"]["pm25"] for line in told] == [1, 3, 4, 5]
    assert told[0]["at"] == "2026-11-01T00:00:01.000Z"
    assert told[3]["at"] == "2026-11-01T00:02:00.040Z"


def test_one_segment_can_be_read_alone_and_between_two_times(
    black_box: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--from", "2026-11-01T00:01:01", "--to", "2026-11-01T07:02:00.020+07:00"]
    assert main(["decode", *words, str(black_box / "0000000002.cbb")]) == 0
    assert [line["values"]["pm25"] for line in lines(capsys)] == [4]


def test_the_statistics_of_a_black_box_say_what_is_missing(black_box: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["decode", "--stats", str(black_box)]) == 0
    (told,) = lines(capsys)
    assert (told["good"], told["sent_bytes"], told["lost_bytes"], told["damaged_blocks"]) == (4, 5, 99, 1)


def test_a_black_box_in_a_pipe_is_answered_with_what_to_do(
    black_box: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with (black_box / "0000000001.cbb").open("rb") as file:
        monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BufferedReader(file.raw)))  # type: ignore[attr-defined]
        assert main(["decode", "--sensor", "pms5003", "-"]) == 2
    assert "Give its file or folder" in capsys.readouterr().err


def test_a_single_line_may_be_pasted_without_its_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pasted = tmp_path / "line.txt"
    pasted.write_bytes(b"PM2.5: 12.3 ug/m3  Temp: 25.3 \xb0C")
    assert main(["decode", "--sensor", "text-lines", str(pasted)]) == 0
    assert json.loads(capsys.readouterr().out)["values"] == {"pm25": 12.3, "temp_c": 25.3}
