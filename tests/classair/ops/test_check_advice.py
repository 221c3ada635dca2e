"""What `classair check` advises although the file is in order."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from classair.ops import checking

DEMO = Path(__file__).parents[3] / "sensors.yaml"
FILE = """
org: demo-town
address: http://air.lan
sites:
  school:
    name: School
    bridges: {pi: {}}
    rooms: {blue: {name: Blue, volume_m3: 180}}
    sensors:
      blue: {bridge: pi, room: blue, %s}
"""


@pytest.mark.parametrize(
    ("sensor", "told"),
    [
        ('model: pms5003, port: "/dev/ttyUSB0"', "sensors.blue.port: /dev/ttyUSB0 may point to another sensor"),
        ('model: s8, port: "/dev/ttyAMA0", duty: {every: 10m, measure: 1m}', "sensors.blue.duty: a s8 cannot sleep"),
        (
            'model: pms5003, port: "usb:1-1.3", duty: {every: 2m, measure: 90s}',
            "duty: 120 s leave no time to sleep",
        ),
        (
            'model: pms5003, port: "usb:serial=A1", identity: X, duty: {every: 10m, measure: 1m, in_school_hours: yes}',
            "",
        ),
    ],
)
def test_what_had_better_be_otherwise_is_said_and_is_no_fault(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    sensor: str,
    told: str,
) -> None:
    file = tmp_path / "sensors.yaml"
    file.write_text(FILE % sensor, "utf-8")
    assert checking.main(["--config", str(file)]) == 0
    heard = capsys.readouterr()
    assert told in heard.err
    # No machine of tests has an adapter plugged in, and that is said, too.
    others = [line for line in heard.err.splitlines() if "on this machine" not in line]
    assert bool(others) is bool(told)
    assert "OK" in heard.out


@pytest.mark.parametrize(
    ("more", "told"), [("", True), ("public_url: https://air.example.org", False), ("address: http://air.lan", False)]
)
def test_a_school_that_no_phone_can_reach_is_advised_of_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], more: str, told: bool
) -> None:
    path = tmp_path / "sensors.yaml"
    text = FILE.replace("address: http://air.lan\n", "") % 'model: pms5003, port: "usb:serial=A1", identity: X'
    path.write_text(f"{text}{more}\n")
    assert checking.main(["--config", str(path)]) == 0
    assert ("neither address nor public_url is set" in capsys.readouterr().err) == told


def test_the_demo_and_every_example_in_its_comments_are_accepted_without_advice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    written = DEMO.read_text("utf-8")
    text, examples = re.subn(r"(?m)^  # (\w+: \{)", r"  \1", written)
    assert examples == 2, "the examples in comments of sensors.yaml"
    for name in re.findall(r"\$\{(\w+)\}", text):
        monkeypatch.setenv(name, "mailto://127.0.0.1:25?from=classair@school.example&to=head@school.example")
    shutil.copytree(DEMO.parent / "calendars", tmp_path / "calendars")
    file = tmp_path / "sensors.yaml"
    for version in (written, text):
        file.write_text(version, "utf-8")
        assert checking.main(["--config", str(file)]) == 0
        assert capsys.readouterr().err == ""
