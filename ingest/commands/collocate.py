"""`classair collocate`: compares sensors with a reference, fits a correction and approves it on request."""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import random
import re
import sqlite3
import sys
from contextlib import closing
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Final

from classair.arguments import day, shared
from classair.asking import NoAnswer, ask_ingest, broker_of_installation
from classair.config import Config
from classair.dates import EARLIEST
from classair.i18n import LANGUAGES, REFERENCE
from classair.places import Places
from classair.science.corrections import Correction, as_record, faults
from classair.science.indexes.known import DEFAULT
from classair.stores import StoreAway, open_store
from classair.stores.corrections import accepted_corrections
from classair.timetable import ZONE, to_ms
from classair.wire import Ask
from ingest.books.books import Books
from ingest.books.corrections import ACCEPT, CorrectionRejected
from ingest.books.versions import newest_version
from ingest.clock import now_ms
from ingest.config_acceptance import ConfigAcceptance, as_accepted
from ingest.opening import had_journal, only_one
from research.collocation.calibration import MODELS, Calibration, calibrate
from research.collocation.differences import differences
from research.collocation.least_squares import Undetermined
from research.collocation.models import WITHOUT, best
from research.collocation.plot import svg
from research.collocation.reference_file import Unreadable, read_reference
from research.collocation.report import (
    INPUTS,
    Comparison,
    Findings,
    changes,
    compared,
    findings,
    gather,
    local,
    report,
)
from research.collocation.words import in_words

SEED: Final = 20260101  # the same data give the same intervals
GOOD_DAYS: Final = 30
WHO: Final = "command line"
LONGEST_DAYS: Final = 1100


class Wrong(Exception):
    """What is wrong with the request, in words."""


def main(argv: list[str]) -> int:
    """0 when done, 1 when the data do not say, nothing was accepted or nobody answered, 2 for wrong use."""
    args = _parser().parse_args(argv)
    try:
        return _run(args)
    except (Wrong, Unreadable) as wrong:
        print(f"classair collocate: {wrong}", file=sys.stderr)
        return 2
    except (Undetermined, StoreAway, NoAnswer, CorrectionRejected, sqlite3.Error) as wrong:
        print(f"classair collocate: {wrong}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="classair collocate",
        description="compare sensors with a reference, fit a correction and, with --accept-from, approve it",
        parents=[shared("--data", "--broker")],
    )
    parser.add_argument(
        "--reference",
        type=Path,
        required=True,
        metavar="FILE.csv",
        help="reference data, a time and a value per row; times without an offset are Thailand time (UTC+7)",
    )
    parser.add_argument(
        "--sensor", action="append", required=True, metavar="SITE.ID", help="sensor to compare; repeatable"
    )
    parser.add_argument(
        "--from", dest="start", type=day, required=True, metavar="DATE", help="first local day of the comparison"
    )
    parser.add_argument("--to", dest="end", type=day, required=True, metavar="DATE", help="last local day, inclusive")
    parser.add_argument("--model", choices=list(MODELS), default="linear", help="regression model (default: linear)")
    parser.add_argument(
        "--input",
        choices=INPUTS,
        default="pm25",
        help="input quantity (default: pm25; only pm25 can be approved)",
    )
    parser.add_argument(
        "--time-column", default="", metavar="NAME", help="time column of FILE.csv (default: found by name)"
    )
    parser.add_argument(
        "--value-column", default="", metavar="NAME", help="value column of FILE.csv (default: found by name)"
    )
    parser.add_argument(
        "--utc-offset", type=_hours, default=None, metavar="HOURS", help="UTC offset of times without one (default: 7)"
    )
    parser.add_argument(
        "--stamp-end",
        action="store_true",
        help="read the time of a row as the end of its interval (default: the start)",
    )
    parser.add_argument(
        "--error-ratio",
        type=_ratio,
        default=1.0,
        metavar="R",
        help="Deming regression: error variance of the sensor by that of the reference (default: 1)",
    )
    parser.add_argument("--plot", type=Path, metavar="FILE.svg", help="draw the comparison as SVG")
    parser.add_argument("--language", choices=LANGUAGES, default=REFERENCE, help="language of the plot (default: en)")
    parser.add_argument("--json", action="store_true", help="print one JSON document, including the residuals")
    parser.add_argument(
        "--accept-from",
        type=day,
        metavar="DATE",
        help="propose the fit as these sensors' correction from this local day",
    )
    parser.add_argument("--id", default="", metavar="ID", help="id of the correction (default: from sensor and month)")
    parser.add_argument("--author", default="", metavar="NAME", help="person responsible; required with --accept-from")
    parser.add_argument("--yes", action="store_true", help="approve without asking for confirmation")
    return parser


def _ratio(text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not 0.001 <= found <= 1000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a ratio; expected 0.001 to 1000")
    return found


def _hours(text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not -24 < found < 24:
        raise argparse.ArgumentTypeError(f"{text!r} is not an offset; expected hours such as 7 or 5.5")
    return found


def _run(args: argparse.Namespace) -> int:
    if args.end < args.start:
        raise Wrong(f"--to {args.end} must not be before --from {args.start}")
    if args.start < EARLIEST or (args.end - args.start).days >= LONGEST_DAYS:
        raise Wrong(f"--from, --to: expected at most {LONGEST_DAYS} days, not before {EARLIEST}")
    start, end = _midnight(args.start), _midnight(args.end + timedelta(days=1))
    if args.accept_from and args.accept_from < EARLIEST:
        raise Wrong(f"--accept-from: must not be before {EARLIEST}")
    if args.accept_from and not args.author:
        raise Wrong("--author is missing: an approval needs the person responsible")
    places = Places(args.data.resolve())
    config = _config(places)
    models = {full: sensor.model for full, sensor in config.sensors()}
    if unknown := [one for one in args.sensor if one not in models]:
        raise Wrong(f"--sensor: {', '.join(unknown)} is not in the configuration; known: {', '.join(sorted(models))}")
    text = _text(args.reference)
    reference, notes = read_reference(
        text.splitlines(),
        time_column=args.time_column,
        value_column=args.value_column,
        utc_offset_h=args.utc_offset,
        stamp_end=args.stamp_end,
    )
    with closing(open_store(config.store, places, readonly=True)) as store:
        chosen = {sensor: models[sensor] for sensor in args.sensor}
        rooms = sorted({series.room for series in store.counts(start, end) if series.sensor in chosen})
        there = gather(store, rooms, chosen, start, end)
        found = compared(reference, {sensor: there.of(sensor, args.input) for sensor in args.sensor}, start, end)
        pick = random.Random(SEED).randrange  # noqa: S311  no secret
        fit = calibrate(found.every, args.model, pick)
        more = findings(found, fit, pick, args.error_ratio)
        notes += _doubts(fit, found, more, there.simulated)
        proposed = _proposed(args, fit, there.simulated, text)
        result = report(found, fit, more)
        difference = None
        if args.accept_from:
            difference = _differences(places, store, config, proposed)
    result |= {"correction": as_record(proposed), "notes": notes, "changes": difference}
    print(json.dumps(result, ensure_ascii=False, indent=1) if args.json else in_words(result, found, fit, more))
    if args.plot:
        _draw(args, fit, more, there.simulated)
    return _accept(args, places, config, proposed) if args.accept_from else 0


def _midnight(day: date) -> int:
    return to_ms(datetime.combine(day, time(), ZONE))


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise Wrong(f"{file}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise Wrong(f"{file} is not UTF-8 text (byte {error.start})") from error


def _config(places: Places) -> Config:
    """The configuration in force in this data folder."""
    if not places.readings.exists():
        raise Wrong(f"{places.readings} does not exist. For another folder: --data DIR")
    with closing(sqlite3.connect(f"file:{places.readings}?mode=ro", uri=True)) as connection:
        version = newest_version(connection)
    accepted = as_accepted(version) if version else None
    if accepted is None:
        raise Wrong(f"{places.root} has no accepted configuration yet. For another folder: --data DIR")
    return accepted.config


def _draw(args: argparse.Namespace, fit: Calibration, more: Findings, simulated: bool) -> None:
    try:
        picture = svg(fit, more.prediction, args.language, ", ".join(args.sensor), simulated)
        args.plot.write_text(picture, "utf-8")
    except OSError as error:
        raise Wrong(f"--plot: {args.plot}: {error.strerror}") from error


def _doubts(fit: Calibration, found: Comparison, more: Findings, simulated: bool) -> list[str]:
    notes = (
        [] if fit.days >= GOOD_DAYS else [f"only {fit.days} days of data; at least 30, from two seasons, recommended"]
    )
    notes += [
        f"{sensor}: data completeness {share:.0%} of the reference's hours"
        for sensor, share in found.coverage.items()
        if share < 0.75
    ]
    if fit.validated.rmse >= fit.uncorrected.rmse:
        notes.append("on unseen days the fit is no better than the raw sensor")
    chosen = best(more.models)
    if chosen not in (None, WITHOUT, fit.model):
        notes.append(f"on unseen days {chosen} does better than {fit.model}")
    notes += [
        f"{unit.sensor}: its slope differs from that of all sensors together" for unit in more.units if unit.differs
    ]
    low, high = fit.humidity
    if "rh" not in fit.coefficients and math.isfinite(low):
        notes.append(f"fitted at {low:.0f}–{high:.0f}% relative humidity; the model does not notice other humidity")
    return [*notes, "based on simulated readings"] if simulated else notes


def _proposed(args: argparse.Namespace, fit: Calibration, simulated: bool, text: str) -> Correction:
    digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    kind = "simulated readings of " if simulated else ""
    data_set = (
        f"{kind}{', '.join(args.sensor)} beside {args.reference.name} (sha256 {digest}), hourly means "
        f"{local(fit.start)} to {local(fit.end)}, n = {fit.n} on {fit.days} days"
    )
    usual = re.sub(r"[^a-z0-9_-]", "-", f"{args.sensor[0]}-{args.end:%Y-%m}")[:64]
    valid_from = _midnight(args.accept_from) if args.accept_from else 0
    return fit.correction(
        args.id or usual,
        valid_from,
        input=args.input,
        sensors=tuple(sorted(set(args.sensor))),
        data_set=data_set,
        author=args.author,
        source="classair collocate",
    )


def _differences(places: Places, store: Any, config: Config, proposed: Correction) -> list[dict[str, Any]]:
    """Which rooms and days would change, from the proposed date up to now."""
    every = {full: sensor.model for full, sensor in config.sensors()}
    end = now_ms()
    if proposed.valid_from >= end:
        return []
    rooms = sorted(
        {series.room for series in store.counts(proposed.valid_from, end) if series.sensor in proposed.sensors}
    )
    there = gather(store, rooms, every, proposed.valid_from, end)
    before = accepted_corrections(places.readings)
    same = before.newest(proposed.id)
    fresh = replace(proposed, accepted_at=end, version=same.version + 1 if same else 1)
    return changes(differences(there.hours, before, before.with_one(fresh), DEFAULT))


def _accept(args: argparse.Namespace, places: Places, config: Config, proposed: Correction) -> int:
    if against := faults(proposed):
        raise CorrectionRejected("; ".join(against))
    if not args.yes:
        if not sys.stdin.isatty():
            print("classair collocate: nothing approved; check the differences, then add --yes", file=sys.stderr)
            return 1
        print(
            f"Approve {proposed.id} from {args.accept_from}? This changes published values of those days. Type yes: ",
            end="",
            file=sys.stderr,
            flush=True,
        )
        if sys.stdin.readline().strip().lower() != "yes":
            print("classair collocate: nothing approved", file=sys.stderr)
            return 1
    wish = {"role": "admin", "correction": as_record(proposed)}
    with only_one(places) as alone:
        if alone:
            books = Books(places.readings, journal=had_journal(places))
            try:
                assert ConfigAcceptance(books).current is not None
                ask = Ask(id="command-line", do=ACCEPT, who=WHO, args=wish)
                label = books.decide_correction(ask, config, now_ms()).label
            finally:
                books.close()
            print(f"approved: {label}", file=sys.stderr)
            return 0
    answer = ask_ingest(broker_of_installation(places, args.broker), config.org, ACCEPT, wish, timeout=30)
    if not answer.ok:
        raise CorrectionRejected(f"ingest: {answer.error}")
    kept = answer.result["correction"]
    print(f"approved: {kept['id']}@{kept['version']}", file=sys.stderr)
    return 0
