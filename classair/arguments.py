"""Options shared by several commands, each defined once."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import UTC, date
from pathlib import Path
from typing import Any, Final, TypeVar

from classair import dates
from classair.i18n import LANGUAGES
from classair.timetable import ZONE

Value = TypeVar("Value")

BROKER_VARIABLE: Final = "CLASSAIR_BROKER"

_OPTIONS: Final[dict[str, dict[str, Any]]] = {
    "--data": {"type": Path, "default": Path("data"), "metavar": "DIR", "help": "data folder (default: data)"},
    "--config": {
        "type": Path,
        "default": Path("sensors.yaml"),
        "metavar": "FILE",
        "help": "configuration file (default: sensors.yaml)",
    },
    "--broker": {
        "metavar": "URL",
        "help": f"broker, mqtt://host:port (or ${BROKER_VARIABLE}; default: the broker of classair run)",
    },
    "--language": {"choices": LANGUAGES, "default": "en", "help": "language of the output (default: en)"},
}


def shared(*names: str) -> argparse.ArgumentParser:
    """A parent parser with the options of these names: `ArgumentParser(…, parents=[shared("--data", "--config")])`."""
    parent = argparse.ArgumentParser(add_help=False)
    for name in names:
        parent.add_argument(name, **_OPTIONS[name])
    return parent


def moment(text: str) -> int:
    """UTC ms of a moment as people write it; without an offset it is Thai time."""
    return _asked(lambda: dates.moment_ms(text, ZONE))


def moment_utc(text: str) -> int:
    """UTC ms of a moment as people write it; without an offset it is UTC."""
    return _asked(lambda: dates.moment_ms(text, UTC))


def day(text: str) -> date:
    """A local day, `2026-11-23`."""
    return _asked(lambda: dates.day(text))


def _asked(read: Callable[[], Value]) -> Value:
    try:
        return read()
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
