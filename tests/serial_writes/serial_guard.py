"""Judges what a test run wrote to serial lines: nothing may calibrate a sensor or change what it keeps.

The one exception is `classair configure … --do NAME`, run as a process of its own: it may send the one command that
it was asked for. What is forbidden comes from two sources: what the drivers say of themselves (`kept`, `changes`), and
the makers' documents, written down here so that a driver cannot vouch for itself.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

HERE = Path(__file__).parent
VARIABLE = "CLASSAIR_TEST_WRITES"

# After the makers' documents; `.` is any byte.
FORBIDDEN: dict[str, bytes] = {
    "MH-Z19 zero point": rb"\xff\x01\x87.{5}[\x00-\xff]",
    "MH-Z19 span point": rb"\xff\x01\x88.{5}[\x00-\xff]",
    "MH-Z19 self-calibration on or off": rb"\xff\x01\x79.{5}[\x00-\xff]",
    "MH-Z19 range": rb"\xff\x01\x99.{5}[\x00-\xff]",
    "S8 write of one register": rb"[\xfe\x68]\x06\x00.{5}",
    "S8 write of several registers": rb"\xfe\x10\x00.{6}",
    "SDS011 set mode": rb"\xaa\xb4\x02\x01.{15}",
    "SDS011 set working period": rb"\xaa\xb4\x08\x01.{15}",
    "SDS011 set device id": rb"\xaa\xb4\x05.{16}",
    "SPS30 set cleaning interval": rb"\x7e\x00\x80\x05\x00.{4,9}\x7e",
    "HPMA115 set adjustment coefficient": rb"\x68\x02\x08..",
}


class Written(NamedTuple):
    argv: list[str]
    address: str
    data: bytes
    test: str


def written(folder: Path) -> list[Written]:
    """What every process wrote, in its order; writes of one process to one line that follow each other are joined,
    because a command may travel in pieces."""
    found: list[Written] = []
    for file in sorted(folder.glob("*.jsonl")):
        lines: dict[str, Written] = {}
        for text in file.read_text("utf-8").splitlines():
            told = json.loads(text)
            one = Written(told["argv"], told["address"], bytes.fromhex(told["hex"]), told["test"])
            key = f"{one.address} {one.test}"
            before = lines.get(key)
            lines[key] = one if before is None else before._replace(data=before.data + one.data)
        found += lines.values()
    return found


def kept_of_drivers() -> dict[str, dict[str, bytes]]:
    """Model → the commands that its driver says a person alone may send."""
    drivers = importlib.import_module("firmware_bridge.drivers")
    found: dict[str, dict[str, bytes]] = {}
    for model in drivers.models():
        try:
            found[model] = dict(drivers.driver_for(model).kept())
        except Exception:  # a model that needs settings has them in its own tests
            continue
    return found


def violations(folder: Path) -> Iterator[str]:
    """One sentence for each forbidden command that was written."""
    kept = kept_of_drivers()
    for one in written(folder):
        allowed = _allowed(one.argv, kept)
        data = one.data
        for command in allowed:
            # What a person asked for by name, once, in a process of its own.
            data = data.replace(command, b"", 1)
        for model, commands in kept.items():
            for name, command in commands.items():
                if command and command in data:
                    yield _sentence(one, f"{model} {name}", command)
        for name, pattern in FORBIDDEN.items():
            for match in re.finditer(pattern, data, re.DOTALL):
                yield _sentence(one, name, match.group())


def _allowed(argv: list[str], kept: dict[str, dict[str, bytes]]) -> list[bytes]:
    if "configure" not in argv or "--do" not in argv or "--sensor" not in argv:
        return []
    model, name = argv[argv.index("--sensor") + 1], argv[argv.index("--do") + 1]
    commands = kept.get(model, {})
    if "--address" in argv:  # the same command, for one sensor of several
        drivers = importlib.import_module("firmware_bridge.drivers")
        commands = drivers.driver_for(model, {"address": argv[argv.index("--address") + 1]}).kept()
    return [commands[name]] if commands.get(name) else []


def _sentence(one: Written, what: str, data: bytes) -> str:
    where = one.test or " ".join(one.argv) or "?"
    return f"{what} ({data.hex(' ')}) was written to {one.address} by {where}"


def begin(folder: Path) -> None:
    """Watches this process and every Python process that it starts."""
    os.environ[VARIABLE] = str(folder)
    here = str(HERE)
    paths = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path and path != here]
    os.environ["PYTHONPATH"] = os.pathsep.join([here, *paths])
    # By its path: an interpreter may have a module of this name already.
    spec = importlib.util.spec_from_file_location("classair_serial_writes", HERE / "sitecustomize.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)


# -- a plugin of pytest ------------------------------------------------------------------------------------------------
# Under pytest-xdist the process that hands the tests out makes the folder and judges at the end; its workers, which are
# its children, only write.

_FOLDER = pytest.StashKey[Path]()
_FOUND = pytest.StashKey[list[str]]()


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):
        begin(Path(os.environ[VARIABLE]))
    else:
        config.stash[_FOLDER] = Path(tempfile.mkdtemp(prefix="classair-serial-writes-"))
        begin(config.stash[_FOLDER])


def pytest_sessionfinish(session: pytest.Session) -> None:
    folder = session.config.stash.get(_FOLDER, None)
    if folder is not None and (found := list(violations(folder))):
        session.config.stash[_FOUND] = found
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    found = config.stash.get(_FOUND, [])
    if found:
        terminalreporter.section("forbidden writes to serial lines", red=True)
        for sentence in found:
            terminalreporter.line(sentence)
    else:
        all_of_them = written(config.stash[_FOLDER])
        if all_of_them:
            terminalreporter.line(
                f"serial lines: {sum(len(one.data) for one in all_of_them)} bytes written by "
                f"{len(list(config.stash[_FOLDER].glob('*.jsonl')))} processes, nothing forbidden"
            )


def pytest_unconfigure(config: pytest.Config) -> None:
    if _FOLDER in config.stash:
        shutil.rmtree(config.stash[_FOLDER], ignore_errors=True)
