"""The options `--sensor` and `--settings`: a driver, or a message that names what is valid."""

from __future__ import annotations

import argparse
import json
from typing import Any

from pydantic import ValidationError

from firmware_bridge.drivers import Driver, UnknownModel, driver_for


class WrongUse(Exception):
    """A sentence for the person at the keyboard; the command ends with code 2."""


def add_model(parser: argparse.ArgumentParser, required: bool) -> None:
    parser.add_argument("--sensor", metavar="MODEL", required=required, help="sensor model, as in docs/sensors.md")
    parser.add_argument(
        "--settings",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        help="driver setting, as under settings: in sensors.yaml; repeatable; VALUE may be JSON",
    )


def settings_of(words: list[str]) -> dict[str, Any]:
    """`key=value` words as a mapping; a value that is JSON is taken as such, a dotted key goes deeper."""
    found: dict[str, Any] = {}
    for word in words:
        key, equals, text = word.partition("=")
        if not equals or not key:
            raise WrongUse(f"--settings {word}: expected KEY=VALUE")
        try:
            value = json.loads(text)
        except ValueError:
            value = text
        at = found
        *above, last = key.split(".")
        for part in above:
            inner = at.setdefault(part, {})
            if not isinstance(inner, dict):
                raise WrongUse(f"--settings {word}: {part} already has a value")
            at = inner
        at[last] = value
    return found


def driver_of(model: str, settings: dict[str, Any]) -> Driver:
    """Raises WrongUse for a model or settings that nobody knows."""
    try:
        return driver_for(model, settings)
    except UnknownModel as error:
        raise WrongUse(str(error)) from None
    except ValidationError as error:
        told = "; ".join(
            f"{'.'.join(map(str, fault['loc'])) or 'settings'}: {fault['msg']}"
            for fault in error.errors(include_url=False, include_input=False)
        )
        raise WrongUse(f"settings of {model}: {told}") from None
