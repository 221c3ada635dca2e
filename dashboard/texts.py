"""`classair texts`: which languages there are, how complete each is, and what is missing in one."""

from __future__ import annotations

import argparse
import importlib
import json
from itertools import groupby

from classair import i18n


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="classair texts", description="list languages and their missing texts")
    parser.add_argument(
        "--missing", choices=i18n.LANGUAGES, metavar="CODE", help="list the missing texts of this language"
    )
    args = parser.parse_args(argv)
    importlib.import_module("dashboard.pages")  # which makes the pages' own texts known
    if args.missing is None:
        whole = len(i18n.texts(i18n.REFERENCE))
        for code in i18n.LANGUAGES:
            print(f"{code}\t{i18n.head(code).name}\t{whole - len(i18n.missing(code))} of {whole} texts")
        return 0
    for file, keys in groupby(i18n.missing(args.missing), key=lambda found: found[0]):
        print(f"# {file}")
        for _, key in keys:
            print(f"{key} = {json.dumps(i18n.t(i18n.REFERENCE, key), ensure_ascii=False)}")
    return 0
