"""`classair records …`: proves signed records, and shows the key that made them."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from classair.arguments import shared
from classair.places import Places
from dashboard.records.signing import LONGEST, SUFFIX, NotSigned, Signer, verify


def main(argv: list[str]) -> int:
    """Returns 0 when all is proved, 1 when it is not, 2 for wrong use."""
    parser = argparse.ArgumentParser(prog="classair records", description="verify signed records of rooms")
    verbs = parser.add_subparsers(dest="verb", required=True)
    text = "check that a record is the file that a school signed"
    proof = verbs.add_parser("verify", help=text, description=text, parents=[shared("--data")])
    proof.add_argument("file", type=Path, help="the PDF or CSV")
    proof.add_argument("--signature", type=Path, help=f"its signature file (default: FILE{SUFFIX})")
    proof.add_argument("--key", default="", help="the school's public key (default: the key in the data folder)")
    proof.set_defaults(call=_verify)
    text = "print the public key that verifies this school's records"
    verbs.add_parser("key", help=text, description=text, parents=[shared("--data")]).set_defaults(call=_key)
    args = parser.parse_args(argv)
    code: int = args.call(args)
    return code


def _own_key(args: argparse.Namespace) -> str:
    """The public key of the data folder; "" where there is none."""
    path = Places(args.data.resolve()).record_key
    return Signer(path).public_key if path.is_file() else ""


def _key(args: argparse.Namespace) -> int:
    key = _own_key(args)
    if not key:
        print("classair records: nothing has been signed with this data folder yet", file=sys.stderr)
        return 1
    print(key)
    return 0


def _verify(args: argparse.Namespace) -> int:
    signature = args.signature or args.file.with_name(args.file.name + SUFFIX)
    try:
        body = args.file.read_bytes()
        with signature.open("rb") as file:
            given = file.read(LONGEST + 1)
    except OSError as error:
        print(f"classair records: {error.filename}: {error.strerror}", file=sys.stderr)
        return 2
    key = args.key or _own_key(args)
    try:
        proof = verify(body, given, key)
    except NotSigned as wrong:
        print(f"NOT VALID: {wrong}")
        return 1
    for name in ("file", "org", "site", "room", "first", "last", "request", "data", "as_of", "simulated"):
        if name in proof.about:
            print(f"{name + ':':<11} {proof.about[name]}")
    print(f"key:        {proof.public_key}")
    if proof.known:
        print("VALID: this file is exactly what the school signed.")
        return 0
    print(
        "UNKNOWN KEY: the file fits its signature, but "
        + ("the key is another school's." if key else "no key to compare with was given. Ask the school: --key KEY")
    )
    return 1
