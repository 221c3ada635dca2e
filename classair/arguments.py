"""Options shared by several commands, each defined once."""

from __future__ import annotations

import argparse
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from classair.i18n import LANGUAGES
from classair.timetable import ZONE, to_ms

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
    if text.isascii() and text.isdigit() and len(text) > 8:
        return int(text)
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time; write 2026-11-23 or 2026-11-23T09:00") from None
    return to_ms(at) if at.tzinfo else to_ms(at.replace(tzinfo=ZONE))
