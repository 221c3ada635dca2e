"""A command that was not told which school is meant finds the one that runs here."""

from __future__ import annotations

from pathlib import Path

import pytest

from firmware_bridge.commands.running import Running, meant, running


@pytest.fixture
def processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A /proc to fill with `process(…)`."""
    folder = tmp_path / "proc"
    folder.mkdir()
    monkeypatch.setattr("firmware_bridge.commands.running.running", lambda: running(folder))
    return folder


def process(folder: Path, number: int, cwd: Path, *words: str) -> None:
    cwd.mkdir(exist_ok=True)
    (folder / str(number)).mkdir()
    (folder / str(number) / "cmdline").write_bytes("\0".join([*words, ""]).encode())
    (folder / str(number) / "cwd").symlink_to(cwd)


DATA, CONFIG = Path("data"), Path("sensors.yaml")


def test_the_running_school_is_found_with_its_file(processes: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    process(processes, 71, home, "python3", "-m", "classair", "run", "--port", "8051", "--data", "school")
    process(processes, 72, home, "/usr/bin/vim", "classair", "notes")
    process(processes, 73, home, "grep", "-r", "classair", "run")
    found, told = meant(DATA, CONFIG, said=[])
    assert found == Running(home / "school", home / "sensors.yaml")
    assert str(home / "school") in told


def test_what_was_said_counts(processes: Path, tmp_path: Path) -> None:
    process(processes, 71, tmp_path / "home", "/venv/bin/classair", "run", "--data=school")
    assert meant(tmp_path / "mine", CONFIG, said=["--data"])[0].data == tmp_path / "mine"
    other = tmp_path / "other.yaml"
    assert meant(DATA, other, said=["--config"]) == (Running(DATA.resolve(), other), "")


def test_without_a_running_school_the_usual_folder_is_meant(processes: Path) -> None:
    assert meant(DATA, CONFIG, said=[]) == (Running(DATA.resolve(), CONFIG.resolve()), "")


def test_of_several_schools_one_must_be_said(processes: Path, tmp_path: Path) -> None:
    for number, name in ((71, "one"), (72, "two")):
        process(processes, number, tmp_path / name, "python", "-m", "classair", "run")
    with pytest.raises(ValueError, match="several schools run on this machine"):
        meant(DATA, CONFIG, said=[])


def test_services_of_one_school_are_one_school(processes: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    process(processes, 71, home, "python", "-m", "classair", "run")
    process(processes, 72, home, "python", "-m", "classair", "bridge", "--data", str(home / "data"))
    assert meant(DATA, CONFIG, said=[])[0].data == home / "data"
