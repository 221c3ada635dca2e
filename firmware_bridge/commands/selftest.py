"""`classair selftest`: tests every sensor in sensors.yaml for some seconds and reports its condition."""

from __future__ import annotations

import argparse
import json
import sys
import threading
from typing import Final

from classair import config as configuration
from classair.arguments import shared
from classair.config import Config, Sensor
from classair.i18n import LANGUAGES, t
from classair.model import QUANTITIES
from classair.places import Places
from firmware_bridge.commands import running
from firmware_bridge.commands.verdict import FOREIGN, Found, judged, watched_in_black_box, watched_on_port
from firmware_bridge.health.topic import words

SECONDS: Final = 15.0


def main(argv: list[str]) -> int:
    """0: all sensors are well; 1: something is wrong with one; 2: wrong use or wrong configuration."""
    parser = argparse.ArgumentParser(
        prog="classair selftest",
        description="test every sensor in sensors.yaml, on its port or in the black box of a running bridge",
        parents=[shared("--data", "--config")],
    )
    parser.add_argument("sensors", nargs="*", metavar="SITE.SENSOR", help="sensors to test (default: all)")
    parser.add_argument("--bridge", metavar="SITE.ID", help="test only the sensors of this bridge")
    parser.add_argument(
        "--seconds",
        type=float,
        default=SECONDS,
        metavar="N",
        help=f"how long to test, all sensors in parallel (default: {SECONDS:g})",
    )
    parser.add_argument("--language", choices=LANGUAGES, help="language of the output (default: that of sensors.yaml)")
    parser.add_argument("--json", action="store_true", help="print one JSON object per sensor")
    args = parser.parse_args(argv)
    if args.seconds <= 0:
        parser.error("--seconds: expected more than 0")
    given = {word.partition("=")[0] for word in argv} & {"--data", "--config"}
    try:
        school, told = running.meant(args.data, args.config, said=sorted(given))
        config = configuration.load(school.config)
    except ValueError as several:
        print(f"classair selftest: {several}", file=sys.stderr)
        return 2
    except configuration.ConfigFaults as faults:
        print("\n".join(f"{school.config}: {fault}" for fault in faults.faults), file=sys.stderr)
        return 2
    if told:
        print(f"classair selftest: {told}", file=sys.stderr)
    chosen = _chosen(config, args.sensors, args.bridge)
    if isinstance(chosen, str):
        print(f"classair selftest: {chosen}", file=sys.stderr)
        return 2
    language = args.language or config.language
    found = look_at(chosen, Places(school.data), args.seconds)
    for one in found:
        print(json.dumps(as_record(one), ensure_ascii=False) if args.json else _shown(one, language))
    wrong, looked_at = sum(not one.well for one in found), sum(one.cause != FOREIGN for one in found)
    if not args.json:
        print("\n" + _summary(language, wrong, looked_at, len(found) - looked_at))
    return 1 if wrong else 0


def _summary(language: str, wrong: int, looked_at: int, foreign: int) -> str:
    """Nothing is said to be well that was not looked at."""
    said = []
    if wrong or looked_at:
        key = "some_wrong" if wrong else "all_well"
        said.append(t(language, f"selftest.{key}", wrong=wrong, count=looked_at))
    if foreign:
        said.append(t(language, "selftest.not_looked_at", count=foreign))
    return "\n".join(said)


def _chosen(config: Config, names: list[str], bridge: str | None) -> dict[str, Sensor] | str:
    """The sensors that are meant by `<site>.<id>`, or what is wrong with the names."""
    sensors = dict(config.sensors())
    if bridge is not None:
        bridges = [name for name, _ in config.bridges()]
        if bridge not in bridges:
            return f"unknown bridge {bridge!r}; known: {', '.join(bridges)}"
        sensors = {full: it for full, it in sensors.items() if f"{full.partition('.')[0]}.{it.bridge}" == bridge}
    unknown = [name for name in names if name not in sensors]
    if unknown:
        return f"unknown sensor {unknown[0]!r}; known: {', '.join(sensors) or 'none'}"
    return {full: it for full, it in sensors.items() if not names or full in names}


def look_at(sensors: dict[str, Sensor], places: Places, seconds: float) -> list[Found]:
    """What was found at each, all looked at during the same seconds."""
    found: dict[str, Found] = {}

    def look(full: str, sensor: Sensor) -> None:
        one = watched_on_port(full, sensor, places, seconds)
        if one.cause == "in_use":
            bridge = f"{full.partition('.')[0]}.{sensor.bridge}"
            one = watched_in_black_box(full, sensor, places.blackbox(bridge) / full.partition(".")[2], seconds) or one
        found[full] = judged(one)

    threads = [threading.Thread(target=look, args=each, daemon=True) for each in sensors.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [found[full] for full in sensors]


def as_record(one: Found) -> dict[str, object]:
    """The object of JSON for a sensor; verdicts in every language."""
    return {
        "sensor": one.sensor,
        "model": one.model,
        "port": one.port,
        "well": None if one.cause == FOREIGN else one.well,
        "cause": one.cause,
        "seen_by": one.seen_by,
        "seconds": round(one.seconds, 1),
        "identity": one.about.identity,
        "firmware": one.about.firmware,
        "mode": one.about.mode,
        "notes": one.about.notes,
        "frames": one.frames,
        "checksum_errors": one.errors,
        "checksum_error_rate": round(one.error_rate, 5),
        "noise": {key: {"mean": round(it.mean, 3), "sd": round(it.sd, 3), "n": it.n} for key, it in one.noise.items()},
        "flags": one.flags,
        "verdict": {language: _verdict(one, language) for language in LANGUAGES},
    }


def _verdict(one: Found, language: str) -> str:
    """Cause and first step."""
    if one.cause in ("", *_OURS):
        return t(language, f"selftest.cause.{one.cause or 'well'}", **one.places)
    places = {"port": one.port, "model": one.model, "code": one.code, "known": "", **one.places}
    return " ".join(text[language] for text in words(one.cause, places) if text)


_OURS: Final = ("checksums", "few_frames", "contradicts", "old_black_box", "busy", FOREIGN)


def _shown(one: Found, language: str) -> str:
    about = [
        t(language, f"selftest.{name}", value=value)
        for name, value in (
            ("identity", one.about.identity),
            ("firmware", one.about.firmware),
            ("mode", one.about.mode),
        )
        if value
    ]
    mark = "–" if one.cause == FOREIGN else "✓" if one.well else "✗"
    lines = [f"{mark} {one.sensor}  {one.model}  {one.port}", f"    {_verdict(one, language)}"]
    if one.seen_by == "blackbox":
        lines.append("    " + t(language, "selftest.from_black_box", seconds=round(one.seconds)))
    if about:
        lines.append("    " + " · ".join(about))
    if one.frames:
        noise = [f"{key} {it.mean:.1f} ± {it.sd:.2f} {QUANTITIES[key].unit}" for key, it in one.noise.items()]
        lines.append("    " + t(language, "selftest.noise", values=", ".join(noise), frames=one.frames))
        lines.append("    " + t(language, "selftest.errors", percent=f"{100 * one.error_rate:.2f}", count=one.errors))
    return "\n".join(lines)
