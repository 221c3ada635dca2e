"""How many intact frames each decoder finds in a damaged stream, and how many wrong readings it accepts.

4000 frames, 5 seeds, cases A to F (benchmarks/edge/streams.py), every binary sensor; beside it other decoders, where
they can be fed. Then frames that are damaged so that the checksum still holds: how many of them carry a flag. At last
lines of text, which have no check unless the board prints one.

    python benchmarks/edge/resynchronisation.py [--frames 4000] [--seeds 5] [--only pms5003,sds011]
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import peers
from streams import CASES, KINDS, Kind, Piece, values

from firmware_bridge.drivers import Driver, Frame, driver_for

BEHIND = 4  # frames that may come while the end of a false one is waited for


@dataclass
class Score:
    intact: int = 0
    found: int = 0
    wrong: int = 0
    flagged: int = 0

    def add(self, other: Score) -> None:
        self.intact += other.intact
        self.found += other.found
        self.wrong += other.wrong
        self.flagged += other.flagged


def score(truth: Sequence[tuple[Any, bool]], emitted: Iterable[tuple[Any, bool, int, int]]) -> Score:
    """`truth`: key of every frame sent and whether it is intact. `emitted`: key of every reading, whether it is
    flagged, and between which frames it came.

    A reading that equals no frame sent near its place is wrong. A damaged frame read right (the damage hit bytes that
    say nothing) is neither found nor wrong.
    """
    done = Score(intact=sum(intact for _, intact in truth))
    at = 0
    for key, flagged, low, high in emitted:
        near = [n for n in range(max(at, low - BEHIND), min(high + 1, len(truth))) if truth[n][0] == key]
        if not near:
            done.wrong += 1
            done.flagged += flagged
            continue
        found = next((n for n in near if truth[n][1]), near[0])
        done.found += truth[found][1]
        at = found + 1
    return done


def key_of(frame: Frame) -> tuple[Any, ...]:
    return tuple(sorted(frame.values.items()))


def is_flagged(frame: Frame) -> bool:
    return bool(frame.flags) or any(frame.value_flags.values())


def ours(kind: Kind, frames: Sequence[bytes], pieces: Sequence[Piece], rng: random.Random) -> Score:
    truth = []
    for frame, piece in zip(frames, pieces, strict=True):
        (clean,) = kind.driver().feed(frame)
        truth.append((key_of(clean), piece.intact))
    driver, stream, emitted = kind.driver(), b"".join(piece.data for piece in pieces), []
    ends = list(accumulate(len(piece.data) for piece in pieces))
    at = 0
    while at < len(stream):
        size = rng.randint(1, 120)
        low, high = bisect_left(ends, at), bisect_left(ends, at + size)
        emitted += [(key_of(it), is_flagged(it), low, high) for it in driver.feed(stream[at : at + size])]
        at += size
    emitted += [(key_of(it), is_flagged(it), len(pieces) - BEHIND, len(pieces)) for it in driver.silence()]
    counters = driver.counters
    assert counters.skipped + counters.in_frames == counters.bytes_in == len(stream)
    return score(truth, emitted)


def theirs(peer: Any, frames: Sequence[bytes], pieces: Sequence[Piece]) -> Score:
    # What a peer does not read even untouched counts as not found: no key is equal to this one.
    truth = [(peer.clean(frame) or object(), piece.intact) for frame, piece in zip(frames, pieces, strict=True)]
    given = [0]

    def giving() -> Iterator[bytes]:
        for piece in pieces:
            given[0] += 1
            yield piece.data

    return score(truth, [(key, False, given[0] - 1, given[0] - 1) for key in peer.readings(giving())])


def table(kinds: Sequence[Kind], count: int, seeds: int) -> None:
    print(f"intact frames found, % | wrong readings accepted (of them flagged); {count} frames, {seeds} seeds\n")
    print(f"{'':<18}{'decoder':<11}" + "".join(f"{case:>20}" for case in CASES))
    for kind in kinds:
        others = peers.of(kind.name, kind.pypms)
        rows: dict[str, dict[str, Score]] = {}
        other = tuple(bytes.fromhex(text) for text in kind.other)
        for case, (_, damage) in CASES.items():
            for seed in range(seeds):
                rng = random.Random(f"{kind.name} {case} {seed}")
                driver = kind.driver()
                frames = [driver.encode(it) for it in values(rng, count)]
                pieces = [damage(rng, frame, other) for frame in frames]
                rows.setdefault("ClassAir", {}).setdefault(case, Score()).add(ours(kind, frames, pieces, rng))
                for peer in others:
                    rows.setdefault(peer.title, {}).setdefault(case, Score()).add(theirs(peer, frames, pieces))
        for title, scores in rows.items():
            mine = title == "ClassAir"
            cells = [
                f"{_percent(it.found, it.intact)} | {it.wrong}" + (f" ({it.flagged})" if mine else "")
                for it in scores.values()
            ]
            print(f"{kind.name if mine else '':<18}{title:<11}" + "".join(f"{cell:>20}" for cell in cells), flush=True)
    print("\n" + "\n".join(f"{case}: {what}" for case, (what, _) in CASES.items()))


def _percent(part: int, whole: int) -> str:
    if part == whole:
        return "100"
    text = f"{100 * part / whole:.3f}"
    return "<100" if text == "100.000" else text


# -- what a weak checksum lets pass ------------------------------------------------------------------------------------


def passing(kind: Kind, swaps: bool, wanted: int, rng: random.Random) -> tuple[int, int]:
    """(accepted with other values than were sent, of them flagged) among frames with two flipped bits or two swapped
    neighbours (bytes, or words)."""
    driver, accepted, flagged, tries = kind.driver(), 0, 0, 0
    school = values(rng, 4000)
    while accepted < wanted and tries < 60 * wanted:
        tries += 1
        frame = driver.encode(school[tries % len(school)])
        data = bytearray(frame)
        if swaps:
            _swap(rng, data)
        else:
            for bit in rng.sample(range(8 * len(data)), 2):
                data[bit >> 3] ^= 1 << (bit & 7)
        (clean, *_) = driver.feed(frame)
        if is_flagged(clean) or bytes(data) == frame:
            driver.silence()
            continue
        found = driver.feed(bytes(data)) + driver.silence()
        for reading in found:
            if differs(reading, clean):
                accepted += 1
                flagged += is_flagged(reading)
    return accepted, flagged


def differs(reading: Frame, clean: Frame) -> bool:
    """By more than a thousandth in any value: less is less than any sensor resolves (low bits of a float)."""
    return reading.values.keys() != clean.values.keys() or any(
        abs(value - clean.values[key]) > 0.001 * abs(clean.values[key]) for key, value in reading.values.items()
    )


def _swap(rng: random.Random, data: bytearray) -> None:
    """Two bytes or two words change places, anywhere behind the head."""
    if rng.random() < 0.5:
        a, b = rng.sample(range(2, len(data) - 1), 2)
        data[a], data[b] = data[b], data[a]
    else:
        places = range(2, len(data) - 2, 2)
        a, b = rng.sample(places, 2)
        data[a : a + 2], data[b : b + 2] = data[b : b + 2], data[a : a + 2]


def checksum_table(kinds: Sequence[Kind], wanted: int) -> None:
    print("\nframes damaged so that they are accepted with other values: how many carry a flag\n")
    print(f"{'':<18}{'two bits flipped':>28}{'two bytes or words swapped':>32}{'flags on clean frames':>26}")
    for kind in kinds:
        cells = []
        for swaps in (False, True):
            accepted, flagged = passing(kind, swaps, wanted, random.Random(f"{kind.name} {swaps}"))
            cells.append(f"{flagged} of {accepted} = {100 * flagged / accepted:.1f} %" if accepted else "none accepted")
        driver = kind.driver()
        clean = [frame for it in values(random.Random(kind.name), 20_000) for frame in driver.feed(driver.encode(it))]
        print(f"{kind.name:<18}{cells[0]:>28}{cells[1]:>32}{sum(map(is_flagged, clean)):>19} of 20000", flush=True)


# -- lines of text -----------------------------------------------------------------------------------------------------


def text_table(count: int, seeds: int) -> None:
    print("\nlines of text, JSON: a flipped digit is another number, and only the board's own check (*hh) shows it\n")
    print(f"{'':<22}" + "".join(f"{case:>18}" for case in CASES if case != "E"))
    for title, checked in (("without a check", False), ("with the check *hh", True)):
        cells = []
        for case, (_, damage) in CASES.items():
            if case == "E":
                continue
            total = Score()
            for seed in range(seeds):
                rng = random.Random(f"text {case} {seed}")
                lines = [_line(it, checked) for it in values(rng, count)]
                pieces = [damage(rng, line, (b"ets Jul 29 2019 12:21:46\r\n",)) for line in lines]
                driver: Driver = driver_for("json-lines")
                truth = [
                    (key_of(driver_for("json-lines").feed(line)[0]), piece.intact)
                    for line, piece in zip(lines, pieces, strict=True)
                ]
                emitted = [
                    (key_of(frame), is_flagged(frame), number, number)
                    for number, piece in enumerate(pieces)
                    for frame in driver.feed(piece.data)
                ]
                total.add(score(truth, emitted))
            cells.append(f"{_percent(total.found, total.intact)} | {total.wrong} ({total.flagged})")
        print(f"{title:<22}" + "".join(f"{cell:>18}" for cell in cells), flush=True)
    print(
        "Noise before a line, or the loss of the end of the line before, makes an unreadable line of both: a line "
        "begins only behind an end of line."
    )


def _line(it: dict[str, float], checked: bool) -> bytes:
    told = json.dumps(
        {
            "pm25": round(it["pm25"], 1),
            "pm10": round(it["pm10"], 1),
            "co2": round(it["co2_ppm"]),
            "t": round(it["temp_c"], 1),
            "rh": round(it["rh_pct"], 1),
        }
    ).encode()
    if checked:
        check = 0
        for byte in told:
            check ^= byte
        told += b"*%02X" % check
    return told + b"\r\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=4000)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--only", default="", help="names of sensors, with commas")
    parser.add_argument("--damaged", type=int, default=2000, help="accepted damaged frames to look at")
    args = parser.parse_args()
    only = set(filter(None, args.only.split(",")))
    kinds = [kind for kind in KINDS if not only or kind.name in only or kind.model in only]
    table(kinds, args.frames, args.seeds)
    checksum_table(kinds, args.damaged)
    text_table(args.frames, args.seeds)


if __name__ == "__main__":
    main()
