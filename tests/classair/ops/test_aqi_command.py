"""`classair aqi` as its user runs it: values, files, standard input, NowCast, faults."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from classair.ops import aqi_command

HOURS = ["34.9", "43", "50", "64.9", "69.2", "66.2", "53.7", "48.6", "49.2", "35", "-", "21"]


def run(capsys: Any, *argv: str) -> list[dict[str, Any]]:
    assert aqi_command.main(list(argv)) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_the_default_is_the_thai_index_of_24_hour_means(capsys: Any) -> None:
    first, second, third, fourth = run(capsys, "34.1", "88", "-3", "-")
    assert (first["index"], first["aqi"], first["kind"], first["averaging"]) == ("thai2023", 87, "aqi", "24 h")
    assert first["words"] == {"th": "ปานกลาง", "en": "Moderate"}
    assert (second["aqi"], second["shown"], second["open_ended"]) == (201, ">200", True)
    assert third["aqi"] == 0
    assert (fourth["aqi"], fourth["category"], fourth["value"]) == (None, "none", None)


@pytest.mark.parametrize("averaging", ["1 h", "1h", "15 min", "nowcast"])
def test_a_shorter_mean_has_a_level_and_no_number(capsys: Any, averaging: str) -> None:
    (found,) = run(capsys, "--averaging", averaging, "60")
    assert (found["kind"], found["aqi"], found["level"]) == ("level", None, 4)
    assert run(capsys, "--averaging", "24h", "60")[0]["kind"] == "aqi"


def test_nowcast_takes_twelve_hours_in_either_order(capsys: Any) -> None:
    (old,) = run(capsys, "--index", "usepa2024", "--nowcast", *HOURS)
    (new,) = run(capsys, "--index", "usepa2024", "--nowcast", "--newest-first", *HOURS[::-1])
    assert old == new
    assert (old["kind"], old["aqi"], old["value"], old["unrounded"], old["hours"]) == (
        "nowcast_aqi",
        87,
        28.4,
        28.409801,
        11,
    )
    (thai,) = run(capsys, "--nowcast", *HOURS)
    assert (thai["kind"], thai["aqi"], thai["level"]) == ("level", None, 3)
    (none,) = run(capsys, "--nowcast", "10", "-", "-")
    assert none["category"] == "none"


def test_gases_go_by_their_short_names_and_say_what_is_not_confirmed(capsys: Any) -> None:
    (co,) = run(capsys, "--pollutant", "co", "1.20")
    (no2,) = run(capsys, "--pollutant", "no2", "30")
    assert (co["aqi"], co["unit"], co["averaging"], co["confirmed"]) == (7, "ppm", "8 h", True)
    assert (no2["aqi"], no2["confirmed"]) == (13, False)


def test_a_file_gives_one_line_for_each_value_and_faults_do_not_stop_it(capsys: Any, tmp_path: Path) -> None:
    file = tmp_path / "means.txt"
    file.write_text("\ufeff# two days\n34.1\n34,1\n-  # no data\n12.4 21.7\n", "utf-8")
    assert aqi_command.main(["--file", str(file)]) == 1
    told = capsys.readouterr()
    lines = [json.loads(line) for line in told.out.splitlines()]
    assert [line.get("aqi") for line in lines] == [87, None, None, 21, 42]
    assert lines[1]["line"] == 3 and "'34,1' is not a number" in lines[1]["error"]
    assert "line 3" in told.err


def test_standard_input_is_read_where_no_value_is_given() -> None:
    rows = "\n".join([",".join(HOURS).replace("-", ""), ";".join(HOURS), " ".join(HOURS), ",".join("1" * 13)])
    done = subprocess.run(
        [sys.executable, "-m", "classair", "aqi", "--index", "usepa2024", "--nowcast"],
        input=rows,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert [json.loads(line).get("aqi") for line in done.stdout.splitlines()] == [87, 87, 87, None]
    assert done.returncode == 1 and "line 4: expected 12 hours for NowCast, got 13" in done.stderr


@pytest.mark.parametrize(
    ("given", "values"),
    [
        (b"\xef\xbb\xbf34.1\n12\n", [34.1, 12.0]),
        (b"\xff\xfe\x00 5\n", [None, 5.0]),
        ("๓๔.๑\n".encode(), [34.1]),
    ],
)
def test_standard_input_of_other_programs_costs_no_number(given: bytes, values: list[float | None]) -> None:
    done = subprocess.run([sys.executable, "-m", "classair", "aqi"], input=given, capture_output=True, timeout=60)
    assert [json.loads(line).get("value") for line in done.stdout.splitlines()] == values


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--averaging", "soon", "1"], "24 h, 15 min"),
        (["abc"], "'abc' is not a number"),
        (["--index", "mars", "1"], "mars"),
        (["--pollutant", "radon", "1"], "radon"),
        (["--nowcast", "--pollutant", "co", "1"], "NowCast"),
        (["--nowcast", *["1"] * 13], "got 13"),
        (["--file", "/nowhere/at/all"], "No such file"),
        (["--file", "x", "1"], "not both"),
    ],
)
def test_wrong_use_is_said_and_gives_2(capsys: Any, argv: list[str], said: str) -> None:
    with pytest.raises(SystemExit) as ended:
        aqi_command.main(argv)
    told = capsys.readouterr()
    assert ended.value.code == 2 and said in told.err and told.out == ""


def test_the_list_says_since_when_and_from_where(capsys: Any) -> None:
    listed = {line["index"]: line for line in run(capsys, "--list")}
    assert listed["thai2023"]["default"] and listed["thai2023"]["valid_from"] == "2023-06-01"
    assert all(line["source"] for line in listed.values())
    assert not listed["who2021"]["pollutants"]["pm25"]["numbers"]


def test_it_needs_neither_numpy_nor_anything_of_the_server() -> None:
    program = (
        "import sys; from classair.__main__ import main; main(['aqi', '34.1']); "
        "print(sorted({'numpy', 'pydantic', 'babel', 'fastapi', 'paho'} & set(sys.modules)))"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert told.stdout.splitlines()[-1] == "[]"
