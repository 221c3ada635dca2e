"""How long from a pulled plug, and from a sensor that falls silent, to the API and to an open health page.

A whole installation runs with a simulated school (`classair run`); its simulator is told to unplug or silence a sensor,
and the health page stands open in Chromium in Thai and in English. Times count from the wish's file, so what the
simulator takes to read it (up to half a second) is in them.

    python benchmarks/server/faults_on_screen.py [--rounds 3]
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

import dashboard.pages  # noqa: F401  the texts of pages are in their folders
from classair.i18n import in_every_language

ROOT = Path(__file__).resolve().parents[2]
SCHOOL = """
org: bench-town
language: th
sites:
  school:
    name: School
    bridges: {box: {}}
    rooms: {a: {name: A, volume_m3: 180}}
    sensors:
      a-pm: {bridge: box, room: a, model: pms5003t, port: "sim:classroom"}
      a-co2: {bridge: box, room: a, model: s8, port: "sim:classroom"}
store: sqlite
"""
WORDS = {
    "unplug": ("unplugged", in_every_language("health_page.word.unplugged")),
    "silence": ("silent", in_every_language("health_page.word.silent")),
}
BOUND_S = {"unplug": 2.0, "silence": 10.0}
# Waits in the page itself, so that looking costs nothing: when the first group names the sensor with the word.
WATCH = """([name, word]) => {
  window.seenAt = null;
  if (window.watch) { window.watch.disconnect(); }
  window.watch = new MutationObserver(() => {
    const first = document.querySelector('#health .group');
    if (window.seenAt || !first) { return; }
    for (const row of first.querySelectorAll('tr')) {
      if (row.textContent.startsWith(name) && row.textContent.includes(word)) { window.seenAt = Date.now(); }
    }
  });
  window.watch.observe(document.body, {subtree: true, childList: true, characterData: true});
}"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    folder = Path(tempfile.mkdtemp(prefix="classair-faults-"))
    (folder / "sensors.yaml").write_text(SCHOOL, "utf-8")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    house = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "classair",
            "run",
            "--data",
            str(folder / "data"),
            "--config",
            str(folder / "sensors.yaml"),
            "--port",
            str(port),
        ],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _measure(folder / "data", f"http://127.0.0.1:{port}", rounds)
    finally:
        house.send_signal(signal.SIGTERM)
        try:
            house.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(house.pid, signal.SIGKILL)
        shutil.rmtree(folder, ignore_errors=True)


def _measure(data: Path, url: str, rounds: int) -> None:
    from playwright.sync_api import sync_playwright

    def state(sensor: str) -> str:
        try:
            with urllib.request.urlopen(f"{url}/api/v1/health", timeout=5) as answer:
                return str((json.load(answer)["sensors"].get(sensor) or {}).get("state", ""))
        except OSError:
            return ""

    def until(sensor: str, wanted: str, timeout: float) -> float:
        begun = time.time()
        while state(sensor) != wanted:
            if time.time() - begun > timeout:
                raise SystemExit(f"{sensor} did not become {wanted} within {timeout:g} s")
            time.sleep(0.02)
        return time.time()

    def wish(*words: str) -> float:
        subprocess.run(
            [sys.executable, "-m", "classair", "simulate", "--data", str(data), "wish", *words],
            check=True,
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
        )
        return (data / "sim" / "wishes.json").stat().st_mtime

    until("school.a-pm", "ok", 180)
    until("school.a-co2", "ok", 300)
    worst: dict[tuple[str, str], float] = {}
    executable = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox", "--disable-gpu"])
        pages: dict[str, Any] = {}
        for language in ("th", "en"):
            pages[language] = browser.new_page(viewport={"width": 1280, "height": 900})
            pages[language].goto(f"{url}/health?lang={language}")
            pages[language].wait_for_selector("#health .group")
        for _ in range(rounds):
            for kind, (word, shown) in WORDS.items():
                for language, page in pages.items():
                    page.evaluate(WATCH, ["a-pm", shown[language]])
                begun = wish(f"school.a-pm={kind}")
                took = {"API": until("school.a-pm", word, 60) - begun}
                for language, page in pages.items():
                    page.wait_for_function("() => window.seenAt", timeout=60_000)
                    took[f"page {language}"] = page.evaluate("window.seenAt") / 1000 - begun
                for place, seconds in took.items():
                    worst[kind, place] = max(worst.get((kind, place), 0.0), seconds)
                wish("school.a-pm=none")
                until("school.a-pm", "ok", 120)
        browser.close()
    print(f"{'fault':9}{'seen at':10}{'slowest, s':>12}{'bound, s':>10}   of {rounds}")
    for (kind, place), seconds in worst.items():
        print(f"{kind:9}{place:10}{seconds:12.2f}{BOUND_S[kind]:10.1f}")


if __name__ == "__main__":
    main()
