"""What the documents show is run: shell, Python and SQL in a copy of the demo, output compared where output is shown.

Behind a fence's language stand words for this test:
  sh, python, sql            run as they are, exit code 0
  console                    lines with `$ ` are run, the lines below are their output, letter for letter
  console shape              likewise, but numbers may differ
  console today              likewise, but the output depends on the day: it is not compared
  save=FILE                  written to FILE before the examples of the page are run
  no-run=REASON              not run; tests/house/test_documents.py knows the reasons
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.neighbours.ports import free_port

ROOT = next(parent for parent in Path(__file__).resolve().parents if (parent / "pyproject.toml").exists())
PAGES = [
    ROOT / "README.md",
    ROOT / "README.th.md",
    # The guides for developers (add-a-…) are run by tests of their own.
    *sorted(page for page in (ROOT / "docs").glob("*.md") if not page.name.startswith("add-a-")),
    *sorted((ROOT / "deploy").rglob("*.md")),
]
# The documents speak of a demo that was started on 29 November 2026: its last whole day is yesterday's.
LAST_DAY_SHOWN = date(2026, 11, 28)
DUCKDB = "import duckdb, sys; print(duckdb.execute(sys.stdin.read()).df())"


class Example(NamedTuple):
    language: str
    words: frozenset[str]
    body: str
    line: int


def examples(page: Path) -> list[Example]:
    text = page.read_text("utf-8")
    found = []
    for fence in re.finditer(r"^( *)```(\w+)([^\n]*)\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL):
        body = re.sub(rf"^{fence[1]}", "", fence[4], flags=re.MULTILINE)
        found.append(Example(fence[2], frozenset(fence[3].split()), body, text[: fence.start()].count("\n") + 1))
    return found


def moved(text: str, by: timedelta) -> str:
    """Days of the documents as days of a demo that was started today."""
    text = re.sub(
        r"\b\d{4}-\d\d-\d\d\b", lambda day: (date.fromisoformat(day[0]) + by).isoformat() if by else day[0], text
    )
    return text.replace(f"/{LAST_DAY_SHOWN.year}/", f"/{(LAST_DAY_SHOWN + by - timedelta(days=8)).year}/")


class House:
    """A copy of the demo, running, with a shell in which `classair` and `python` are those of this repository."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.output: list[str] = []
        (folder / "bin").mkdir(parents=True)
        for name, words in {"classair": "-m classair", "python": ""}.items():
            script = folder / "bin" / name
            script.write_text(f'#!/bin/sh\nexec {sys.executable} {words} "$@"\n')
            script.chmod(0o755)
        (folder / "sensors.yaml").write_text(smaller((ROOT / "sensors.yaml").read_text("utf-8")), "utf-8")
        (folder / "calendars").mkdir()
        for file in (ROOT / "calendars").iterdir():
            (folder / "calendars" / file.name).write_bytes(file.read_bytes())
        self.env = {
            **os.environ,
            "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        self.process = subprocess.Popen(
            ["classair", "run", "--port", str(self.port)],
            cwd=folder,
            env=self.env,
            stdout=(folder / "run.log").open("w"),
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        today = datetime.now(UTC) + timedelta(hours=7)
        self.by = today.date() - timedelta(days=1) - LAST_DAY_SHOWN

    def stored(self) -> bool:
        counts = re.findall(r"history stored ([\d,]+) of ([\d,]+)", (self.folder / "run.log").read_text("utf-8"))
        return bool(counts) and counts[-1][0] == counts[-1][1]

    def run(self, words: list[str], given: str = "") -> subprocess.CompletedProcess[str]:
        given = moved(given, self.by).replace("127.0.0.1:8050", f"127.0.0.1:{self.port}")
        return subprocess.run(
            words, input=given, cwd=self.folder, env=self.env, text=True, capture_output=True, timeout=60
        )

    def fault_of(self, example: Example) -> str:
        """What is wrong with one example; empty when it runs and its output is as shown."""
        if example.language == "console":
            for block in re.split(r"^\$ ", example.body, flags=re.MULTILINE)[1:]:
                command, _, shown = block.partition("\n")
                done = self.run(["sh", "-e"], command)
                if done.returncode:
                    return f"{command}: code {done.returncode} {done.stderr}"
                if "today" in example.words:
                    continue
                shape = (lambda text: re.sub(r"\d", "#", text)) if "shape" in example.words else str
                if shape(done.stdout) != shape(moved(shown, self.by)):
                    return f"{command} gives\n{done.stdout}"
            return ""
        words = {"sh": ["sh", "-e"], "python": ["python", "-"], "sql": ["python", "-c", DUCKDB]}[example.language]
        done = self.run(words, example.body)
        return f"code {done.returncode}\n{done.stdout[-300:]}{done.stderr}" if done.returncode else ""


def smaller(demo: str) -> str:
    """One classroom and the yard of the demo's first school: its fourteen days are made in seconds."""
    first, _, rest = demo.partition("\n  rim-khlong:")
    demo = first + "\n" + rest[rest.index("\ntimetables:") :]
    return re.sub(r"^      (?:a1-1|p1-10|p4-1)[\w-]*:.*\n(?:^ {12,}.*\n)*", "", demo, flags=re.MULTILINE)


@pytest.fixture
def house(
    tmp_path: Path, mosquitto_program: str, program_of: Callable[..., str], wait_for: Callable[..., Any]
) -> Iterator[House]:
    program_of("curl")
    made = House(tmp_path / "demo")
    try:
        wait_for(made.stored, timeout=120, what="the history of the demo")
        told = made.run(["classair", "user", "token", "create", "examples", "--scope", "export", "--scope", "control"])
        made.env["TOKEN"] = re.findall(r"classair_\S+", told.stdout)[-1]
        yield made
    finally:
        made.process.terminate()
        made.process.wait(20)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_every_example_in_the_documents_runs_and_gives_what_it_shows(house: House) -> None:
    faults, ran = [], 0
    for page in PAGES:
        for example in examples(page):
            for name in (word.removeprefix("save=") for word in example.words if word.startswith("save=")):
                (house.folder / name).parent.mkdir(parents=True, exist_ok=True)
                (house.folder / name).write_text(example.body, "utf-8")
        for example in examples(page):
            if example.language not in ("sh", "console", "python", "sql"):
                continue
            if any(word.startswith("no-run=") for word in example.words):
                continue
            ran += 1
            if fault := house.fault_of(example):
                faults.append(f"{page.relative_to(ROOT)}:{example.line}: {fault}")
    assert faults == [], "\n".join(faults)
    assert ran > 30
