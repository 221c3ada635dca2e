"""`classair export` and its jobs as their user meets them: cut short, cancelled, on a full disk, streamed."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.ipc as ipc
import pytest

from classair.places import Places
from research.export import Cancelled, ExportFault, job
from research.export.command import main
from research.export.package import build
from research.export.request import Request
from research.export.sources import Sources, opened

pytestmark = pytest.mark.thorough

Ask = Callable[..., Request]
WISH = ["--rooms", "hill.r1,hill.yard", "--first", "2026-11-23", "--last", "2026-11-25"]


@pytest.fixture
def command(places: Places, tmp_path: Path, school_text: str) -> list[str]:
    """Everything but the wish."""
    (tmp_path / "sensors.yaml").write_text(school_text, "utf-8")
    return ["--data", str(places.root), "--config", str(tmp_path / "sensors.yaml")]


def run(*words: str, **more: Any) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "classair", "export", *words], capture_output=True, check=False, **more
    )


def test_a_package_is_made_and_made_again_from_its_own_request(
    command: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    assert main([*command, *WISH, "--step", "1d", "--out", str(one)]) == 0
    assert main([*command, "--request", str(one / "request.json"), "--out", str(two), "--since", str(one)]) == 0
    assert "Nothing has changed since export" in capsys.readouterr().out
    for path in one.iterdir():
        # These say what it was compared with, or carry a digest of those that do.
        if path.name not in ("README.md", "versions.json", "SHA256SUMS", "ro-crate-metadata.json"):
            assert path.read_bytes() == (two / path.name).read_bytes()
    assert main([*command, *WISH, "--step", "1d", "--out", str(one)]) == 1
    assert "already exists" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([*WISH, "--step", "7m"], "step"),
        ([*WISH, "--quantities", "o3"], "unknown o3"),
        ([*WISH[:1], "hill.attic", *WISH[2:]], "unknown room 'hill.attic'"),
        ([*WISH, "--step", "reading", "--method", "accepted"], "corrections need an averaging interval"),
        ([*WISH, "--step", "reading", "--columns", "openair"], "openair needs averages"),
        ([*WISH, "--step", "1m", "--method", "epa2021_atm"], "at least 5m"),
        (["--rooms", "hill.r1"], "give --rooms, --first and --last"),
    ],
)
def test_a_request_that_cannot_be_is_refused_with_reasons(
    command: list[str],
    words: list[str],
    said: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    assert main([*command, *words, "--out", str(tmp_path / "none")]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


def test_a_preview_says_rows_size_gaps_and_three_rows(
    command: list[str],
    sources: Sources,
    ask: Ask,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for step, far in (("reading", 0), ("1h", 2), ("1d", 0)):
        assert main([*command, *WISH, "--step", step, "--preview", "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        made = build(sources, ask(step, quantities="pm25"), tmp_path / step)
        assert abs(told["rows"] - made.rows) <= far
        assert told["gaps"] == pytest.approx(180 / 8640, abs=1e-3)
        assert (made.path / "data.csv").read_text("utf-8-sig").splitlines()[1:4] == [
            ",".join(row) for row in told["sample"]
        ]
        size = (made.path / "data.csv").stat().st_size
        assert size < told["bytes"] < 2 * size
    assert main([*command, "--rooms", "hill.r1", "--first", "2020-01-01", "--last", "2020-01-02", "--preview"]) == 0
    assert capsys.readouterr().out.strip() == "There is no data in this range. Choose a wider one."


def test_rows_alone_can_be_streamed_as_csv_and_arrow(
    command: list[str],
    sources: Sources,
    ask: Ask,
    tmp_path: Path,
) -> None:
    made = build(sources, ask("reading"), tmp_path / "package")
    wish = [*command, *WISH, "--quantities", "pm25,rh_pct", "--step", "reading"]
    assert run(*wish, "--stream", "csv").stdout == (made.path / "data.csv").read_bytes()
    streamed = ipc.open_stream(io.BytesIO(run(*wish, "--stream", "arrow").stdout)).read_all()
    assert streamed.num_rows == made.rows
    assert streamed.schema.field("pm25_raw_ugm3").metadata == {b"unit": "µg/m³".encode()}


def wished(folder: Path, request: Request) -> Path:
    folder.mkdir(parents=True)
    (folder / "job.json").write_text(json.dumps({"request": request.as_record()}))
    return folder


def test_a_job_killed_in_the_middle_goes_on_and_ends_in_the_same_bytes(
    command: list[str],
    sources: Sources,
    ask: Ask,
    tmp_path: Path,
) -> None:
    request = ask("reading")
    whole = build(sources, request, tmp_path / "whole.zip", zipped=True)
    folder = wished(tmp_path / "job", request)
    # The second piece is a pipe that nobody fills: the job stands there until it is killed.
    (folder / "pieces").mkdir()
    os.mkfifo(folder / "pieces" / "000001.json")
    child = subprocess.Popen([sys.executable, "-m", "classair", "export", *command, "--job", str(folder)])
    until = time.monotonic() + 60
    while not (folder / "pieces" / "000000.json").exists() and time.monotonic() < until:
        time.sleep(0.01)
    child.send_signal(signal.SIGKILL)
    assert child.wait(60) == -signal.SIGKILL
    assert job.read(folder).state == "running"
    assert not (folder / job.PACKAGE).exists()
    (folder / "pieces" / "000001.json").unlink()
    first = (folder / "pieces" / "000000.arrow").stat().st_mtime_ns
    reused: list[int] = []

    def config() -> Any:
        reused.append((folder / "pieces" / "000000.arrow").stat().st_mtime_ns)
        return sources.config

    assert job.run(folder, Places(sources.readings.parent), config) == 0
    assert reused == [first]
    assert (folder / job.PACKAGE).read_bytes() == whole.path.read_bytes()
    told = job.read(folder)
    assert (told.state, told.rows, told.data, told.done) == ("ready", whole.rows, whole.origin.data_id, 3)
    assert {path.name for path in folder.iterdir()} == {"job.json", "progress.json", "lock", job.PACKAGE}


def test_pieces_are_used_again_unless_their_day_changed(
    sources: Sources,
    ask: Ask,
    tmp_path: Path,
    late: Callable[[], None],
    places: Places,
    school: Any,
) -> None:
    stops = iter([False, False])
    with pytest.raises(Cancelled):
        build(sources, ask("reading"), tmp_path / "one", kept=tmp_path / "kept", stop=lambda: next(stops, True))
    late()
    with opened(places, school) as again:
        made = build(again, ask("reading"), tmp_path / "one", kept=tmp_path / "kept")
        fresh = build(again, ask("reading"), tmp_path / "two")
    assert made.reused == 1
    assert (made.path / "data.parquet").read_bytes() == (fresh.path / "data.parquet").read_bytes()
    assert made.origin.data_id == fresh.origin.data_id


def test_a_cancelled_job_leaves_no_package(sources: Sources, ask: Ask, tmp_path: Path) -> None:
    folder = wished(tmp_path / "job", ask())
    (folder / "cancel").touch()
    assert job.run(folder, Places(sources.readings.parent), lambda: sources.config) == 3
    assert job.read(folder).state == "cancelled"
    assert {path.name for path in folder.iterdir()} == {"job.json", "progress.json", "lock", "cancel"}


def test_two_processes_do_not_make_one_job(sources: Sources, ask: Ask, tmp_path: Path) -> None:
    from classair.places import alone

    folder = wished(tmp_path / "job", ask())
    with alone(folder / "lock") as mine:
        assert mine
        assert job.run(folder, Places(sources.readings.parent), lambda: sources.config) == 4


def test_on_a_full_disk_it_says_so_and_leaves_nothing(command: list[str], tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    words = " ".join([*command, *WISH, "--step", "reading", "--out", str(out / "package"), "--keep", str(out / "kept")])
    told = subprocess.run(
        ["bash", "-c", f"ulimit -f 64; exec {sys.executable} -m classair export {words}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 1
    assert "is full; partial files were removed" in told.stderr
    assert "Traceback" not in told.stderr
    assert {path.name for path in out.iterdir()} <= {"kept"}


def test_what_the_readings_need_is_never_taken(
    sources: Sources,
    ask: Ask,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from research.export import package

    monkeypatch.setattr(package, "RESERVE", 2**62)
    with pytest.raises(ExportFault, match="are reserved for readings"):
        build(sources, ask(), tmp_path / "out" / "package")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_request_and_its_flat_form_are_one_and_have_one_name(ask: Ask) -> None:
    request = ask("1d", netcdf=True, licence="CC-BY-4.0")
    assert Request.parse(json.loads(json.dumps(request.as_record()))) == request
    assert len({request.id, ask("1d").id, ask("1h").id}) == 3


def test_a_zip_of_a_job_opens(sources: Sources, ask: Ask, tmp_path: Path) -> None:
    folder = wished(tmp_path / "job", ask("1d"))
    assert job.run(folder, Places(sources.readings.parent), lambda: sources.config) == 0
    with zipfile.ZipFile(folder / job.PACKAGE) as packed:
        assert packed.testzip() is None
        assert len(packed.namelist()) == 18
