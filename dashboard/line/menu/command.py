"""`classair line menu`: gives the school's LINE account its menu, in every language."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from pydantic import SecretStr

from classair import i18n
from classair.arguments import shared
from classair.line import menus
from classair.line.answers import LineError
from classair.line.client import LineClient
from classair.places import Places
from classair.service import Following
from dashboard.line.menu import drawing
from dashboard.line.replier import TOKEN_VARIABLE
from dashboard.reports import engine


def main(argv: list[str]) -> int:
    """Returns 0, 1 where LINE refuses, 2 for wrong use (said on standard error)."""
    parser = argparse.ArgumentParser(prog="classair line", description="set up the school's LINE account")
    verbs = parser.add_subparsers(dest="verb", required=True)
    text = "put the menu of six fields on the account, in Thai and English"
    menu = verbs.add_parser("menu", help=text, description=text, parents=[shared("--data")])
    menu.add_argument(
        "--save", type=Path, metavar="DIR", help="write the pictures to this folder and put nothing on the account"
    )
    args = parser.parse_args(argv)
    if why := engine.unavailable():
        return _said(f"the picture cannot be made: {why}")
    if args.save is not None:
        return _save(args.save)
    places = Places(args.data.resolve())
    accepted = Following(places.accepted_config).current
    if accepted is None:
        return _said(f"no configuration in {places.root}. Start classair once, or give --data")
    token = os.environ.get(TOKEN_VARIABLE, "")
    if not token:
        return _said(f"{TOKEN_VARIABLE} is not set in the environment")
    try:
        client = LineClient(SecretStr(token), accepted.config.line.api)
    except ValueError as error:
        return _said(f"{TOKEN_VARIABLE}: {error}")
    try:
        for language in i18n.LANGUAGES:
            made = menus.put(client, drawing.menu(language), drawing.picture(language), menus.alias_of(language))
            if language == accepted.config.language:
                menus.show_to_all(client, made)
            print(f"{language}\t{made}")
    except LineError as error:
        print(f"classair line: {error}", file=sys.stderr)
        return 1
    finally:
        client.close()
    return 0


def _save(folder: Path) -> int:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for language in i18n.LANGUAGES:
            path = folder / f"line-menu-{language}.png"
            path.write_bytes(drawing.picture(language))
            print(path)
    except OSError as error:
        return _said(f"{folder}: {error.strerror}")
    return 0


def _said(why: str) -> int:
    print(f"classair line: {why}", file=sys.stderr)
    return 2
