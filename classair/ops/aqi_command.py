"""`classair aqi`: index numbers from concentrations, one JSON line each; needs nothing that a bridge does not have."""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, TextIO

from classair import i18n
from classair.science.indexes import Index, exact
from classair.science.indexes.known import DEFAULT, INDEXES
from classair.science.nowcast import HOURS, STEPS, nowcast

MISSING: Final = frozenset({"", "-"})
_SHORT: Final = {"o3": "o3_ppb", "co": "co_ppm", "no2": "no2_ppb", "so2": "so2_ppb"}
_EPILOG: Final = """\
examples:
  classair aqi 34.1 12.4                                  Thai index of two 24 h means of PM2.5
  classair aqi --index usepa2024 --pollutant pm10 73      another index and pollutant
  classair aqi --averaging '1 h' 60                       1 h means have a level but no index number
  classair aqi --index usepa2024 --nowcast 34.9 43 50 64.9 69.2 66.2 53.7 48.6 49.2 35 - 21
  classair aqi --file means.txt                           one value per line; --file - reads standard input
A missing value is - (or an empty field between commas). The exit code is 0, 1 if lines of a file are not numbers,
2 for wrong use. Concentrations are µg/m³ (gases: ppb or ppm, see --list)."""


class Wrong(ValueError):
    """What is wrong with a value, in words for the person who gave it."""


def main(argv: list[str]) -> int:
    parser = _parser()
    args = parser.parse_args(argv)
    if args.list:
        for index in INDEXES.values():
            print(json.dumps(_described(index), ensure_ascii=False))
        return 0
    index = INDEXES[args.index]
    quantity = _SHORT.get(args.pollutant, args.pollutant)
    if quantity not in index.scales:
        parser.error(f"{index.key} does not cover {args.pollutant}; it covers {', '.join(index.scales)}")
    if args.nowcast and quantity not in STEPS:
        parser.error(f"NowCast is defined for {' and '.join(STEPS)}, not for {quantity}")
    if args.averaging and not re.fullmatch(r"\d+ (min|h|d|y)|nowcast", _spaced(args.averaging)):
        parser.error(f"--averaging {args.averaging!r}: expected a time such as 24 h, 15 min, 1 y, or nowcast")
    if args.values and args.file:
        parser.error("give values or --file, not both")
    if args.values:
        rows = [args.values] if args.nowcast else [[value] for value in args.values]
        try:
            lines = [_answer(index, quantity, row, args) for row in rows]
        except Wrong as wrong:
            parser.error(str(wrong))
        for line in lines:
            print(json.dumps(line, ensure_ascii=False))
        return 0
    if not args.file and sys.stdin.isatty():
        parser.error("no value given; see --help")
    try:
        return _read(args.file or "-", index, quantity, args)
    except BrokenPipeError:
        raise
    except OSError as error:
        parser.error(f"{args.file}: {error.strerror}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="classair aqi",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="convert concentrations to air quality indices or NowCast, one JSON line per value",
    )
    parser.add_argument("values", nargs="*", metavar="VALUE", help="concentrations; - is a missing value")
    parser.add_argument(
        "--index",
        choices=list(INDEXES),
        default=DEFAULT.key,
        metavar="KEY",
        help=f"index: one of {', '.join(INDEXES)} (default: {DEFAULT.key})",
    )
    parser.add_argument(
        "--pollutant", default="pm25", metavar="KEY", help="pollutant: pm25 (default), pm10, or another one from --list"
    )
    parser.add_argument(
        "--averaging",
        metavar="TIME",
        help="averaging interval of the values: '24 h', '1 h', '15 min' … (default: the index's own)",
    )
    parser.add_argument(
        "--nowcast",
        action="store_true",
        help="compute NowCast from the values, the latest 12 hourly means; in a file, 12 per line",
    )
    parser.add_argument(
        "--newest-first",
        action="store_true",
        help="read the first hour as the latest one (default: the last hour is the latest)",
    )
    parser.add_argument("--file", metavar="FILE", help="read values from a file; - is standard input")
    parser.add_argument("--list", action="store_true", help="list the indices with their validity and sources")
    return parser


def _read(file: str, index: Index, quantity: str, args: argparse.Namespace) -> int:
    status = 0
    with _opened(file) as stream:
        for number, row in _rows(stream, args.nowcast):
            try:
                line = _answer(index, quantity, row, args)
            except Wrong as wrong:
                print(f"classair aqi: line {number}: {wrong}", file=sys.stderr)
                line, status = {"line": number, "error": str(wrong)}, 1
            print(json.dumps(line, ensure_ascii=False))
    return status


@contextlib.contextmanager
def _opened(file: str) -> Iterator[TextIO]:
    if file == "-":
        # A mark at the beginning is no part of the first number; what is no UTF-8 is named as such.
        sys.stdin.reconfigure(encoding="utf-8-sig", errors="replace")  # type: ignore[union-attr]
        yield sys.stdin
        return
    with Path(file).open(encoding="utf-8-sig", errors="replace") as stream:
        yield stream


def _rows(stream: TextIO, in_rows: bool) -> Iterator[tuple[int, list[str]]]:
    """(line number, fields). Comments begin with #. Values are parted by blanks; hours also by commas or semicolons.

    Not values: "34,1" is a decimal comma and must be a fault, not 34 and 1.
    """
    for number, line in enumerate(stream, 1):
        text = line.partition("#")[0].strip()
        if not text:
            continue
        if not in_rows:
            yield from ((number, [field]) for field in text.split())
            continue
        mark = next((mark for mark in ";," if mark in text), None)
        yield number, [field.strip() for field in text.split(mark)]


def _answer(index: Index, quantity: str, row: Sequence[str], args: argparse.Namespace) -> dict[str, Any]:
    for field in row:
        try:
            _ = None if field in MISSING else exact(field)
        except ValueError as error:
            raise Wrong(f"{error}; expected something like 34.1, or - for a missing value") from error
    if args.nowcast:
        return _nowcast(index, quantity, row, args.newest_first)
    scale = index.scales[quantity]
    return _line(index, quantity, None if row[0] in MISSING else row[0], _spaced(args.averaging) or scale.averaging)


def _spaced(averaging: str | None) -> str:
    """24h is 24 h."""
    return re.sub(r"^(\d+)\s*([a-z]+)$", r"\1 \2", (averaging or "").strip().lower())


def _nowcast(index: Index, quantity: str, row: Sequence[str], newest_first: bool) -> dict[str, Any]:
    if len(row) > HOURS:
        raise Wrong(f"expected {HOURS} hours for NowCast, got {len(row)}")
    hours = [None if field in MISSING else field for field in (row if newest_first else reversed(row))]
    found = nowcast(hours, quantity)
    line = _line(index, quantity, None if found is None else str(found.value), "nowcast")
    return {
        **line,
        "hours": found.hours if found else sum(hour is not None for hour in hours),
        "unrounded": float(found.unrounded) if found else None,
    }


def _line(index: Index, quantity: str, value: str | None, averaging: str) -> dict[str, Any]:
    scale, named = index.scales[quantity], index.named(quantity, averaging)
    sub = index.sub_index(quantity, value)
    common = {
        "index": index.key,
        "pollutant": quantity,
        "unit": scale.unit,
        "averaging": averaging,
        "value": None if value is None or sub is None else float(exact(value) or 0),
    }
    if sub is None:
        return {
            **common,
            "kind": "none",
            "aqi": None,
            "shown": "",
            "open_ended": False,
            "level": None,
            "category": "none",
            "confirmed": True,
            "words": i18n.in_every_language("index_name.none"),
        }
    numbered = named != "level"
    return {
        **common,
        "kind": named,
        "aqi": sub.value if numbered else None,
        "shown": sub.shown if numbered else "",
        "open_ended": sub.open_ended,
        "level": sub.level,
        "category": sub.key,
        "confirmed": sub.confirmed,
        "words": i18n.in_every_language(f"{index.words}.{sub.key}"),
        "kind_words": i18n.in_every_language(f"index_name.{named}"),
    }


def _described(index: Index) -> dict[str, Any]:
    return {
        "index": index.key,
        "default": index.key == DEFAULT.key,
        "valid_from": index.valid_from and index.valid_from.isoformat(),
        "valid_until": index.valid_until and index.valid_until.isoformat(),
        "source": index.source,
        "pollutants": {
            key: {
                "unit": scale.unit,
                "averaging": scale.averaging,
                "numbers": scale.bands[0].first is not None,
                "confirmed": all(band.confirmed for band in scale.bands),
            }
            for key, scale in index.scales.items()
        },
    }
