"""The one data file of the fault year, and chance by name: a seed and a name always draw the same."""

from __future__ import annotations

import tomllib
import zlib
from pathlib import Path
from typing import Any

import numpy as np

FILE = Path(__file__).with_name("faultyear.toml")


def parameters() -> dict[str, Any]:
    return tomllib.loads(FILE.read_text("utf-8"))


def chance(seed: int, *name: object) -> np.random.Generator:
    return np.random.default_rng([seed, zlib.crc32(repr(name).encode())])


def between(generator: np.random.Generator, span: list[float]) -> float:
    return float(generator.uniform(*span))


def long_between(generator: np.random.Generator, span: list[float]) -> int:
    """Minutes between two ends, short ones as likely as long ones by their logarithm."""
    return round(float(np.exp(generator.uniform(np.log(span[0]), np.log(span[1])))))
