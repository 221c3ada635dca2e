"""Notes every byte that any Python process of a test run writes to a serial line, below all of our own code; and
refuses to start a server or browser for a test that is not marked as needing one.

Imported by itself when an interpreter starts with this folder on PYTHONPATH (child processes of tests), and by
serial_guard.py in the test process. Does nothing unless CLASSAIR_TEST_WRITES names a folder. Standard library only.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import sys
from types import ModuleType
from typing import Any

VARIABLE = "CLASSAIR_TEST_WRITES"
MARKS = "CLASSAIR_TEST_MARKS"  # those of the test that runs; not there between tests
NEEDED = {
    "mosquitto": "servers",
    "influxd": "servers",
    "victoria-metrics": "servers",
    "chromium": "browser",
    "node": "browser",  # playwright's own, which starts the browser
}


def note(address: str, data: bytes) -> None:
    """Appends what is written, with the command line of this process, to a file of this process."""
    folder = os.environ.get(VARIABLE)
    if not folder:
        return
    line = (
        json.dumps(
            {
                "argv": sys.argv,
                "address": address,
                "hex": bytes(data).hex(),
                "test": os.environ.get("PYTEST_CURRENT_TEST", ""),
            }
        )
        + "\n"
    )
    try:
        fd = os.open(f"{folder}/{os.getpid()}.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    except OSError:
        return
    try:
        os.write(fd, line.encode())
    finally:
        os.close(fd)


def _watch(kind: type) -> None:
    if "write" not in vars(kind) or hasattr(vars(kind)["write"], "noted"):
        return
    original = vars(kind)["write"]

    def write(self: Any, data: bytes) -> Any:
        note(str(getattr(self, "port", "") or getattr(self, "portstr", "")), data)
        return original(self, data)

    write.noted = True  # type: ignore[attr-defined]
    kind.write = write  # type: ignore[attr-defined]


def watch_module(module: ModuleType) -> None:
    """Watches every class of a module that writes to a line: pyserial's own and those of its URL handlers."""
    for kind in vars(module).values():
        if isinstance(kind, type) and callable(getattr(kind, "write", None)) and kind.__module__ == module.__name__:
            _watch(kind)


class _Watching(importlib.abc.Loader):
    def __init__(self, real: Any) -> None:
        self._real = real

    def create_module(self, spec: Any) -> Any:
        return self._real.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._real.exec_module(module)
        watch_module(module)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


class _Finder(importlib.abc.MetaPathFinder):
    """Wraps the loader of the modules in which pyserial writes to a line."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if name not in ("serial.serialposix", "serial.rfc2217") and not name.startswith("serial.urlhandler."):
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        if spec is not None and spec.loader is not None:
            spec.loader = _Watching(spec.loader)
        return spec


def _refuse_without_mark(event: str, args: tuple[Any, ...]) -> None:
    if event != "subprocess.Popen" or MARKS not in os.environ:
        return
    name = os.path.basename(os.fsdecode(args[0]))  # noqa: PTH119  as light as can be, in every process
    if name in NEEDED and NEEDED[name] not in os.environ[MARKS].split():
        raise RuntimeError(f"{name} was started by a test without the mark {NEEDED[name]}: take a fixture that has it")


def install() -> None:
    """From now on; also when pyserial has been imported already."""
    sys.addaudithook(_refuse_without_mark)
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
    for name, module in list(sys.modules.items()):
        if name == "serial.serialposix" or name.startswith("serial.urlhandler."):
            watch_module(module)


if os.environ.get(VARIABLE):
    install()
