"""`classair open`: lets the school's network (and by public_url the internet) reach an installation, step by step.

Everything is written into `open/` of the data folder; what needs root is printed for a person to do.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import ValidationError

from classair import config as configuration
from classair.arguments import shared
from classair.config import Config
from classair.i18n import LANGUAGES, t
from classair.ops.opening import certificates, listening, plan, proxies
from classair.ops.opening.plan import Opening
from classair.places import Places, write_atomically


def main(argv: list[str]) -> int:
    """0: done; 1: not wanted, or the certificate could not be made; 2: wrong use or wrong configuration."""
    args = _parser().parse_args(argv)
    places = Places(args.data.resolve())
    try:
        config = configuration.load(args.config)
        before = plan.remembered(places)
    except (OSError, ValueError) as error:
        lines = error.faults if isinstance(error, configuration.ConfigFaults) else [str(error)]
        print("\n".join(f"classair open: {line}" for line in lines), file=sys.stderr)
        return 2
    said = _Said(args.language or config.language)
    try:
        if args.status:
            return listening.show(places, config, before, said.say)
        if args.close:
            return _close(places, said)
        if args.renew:
            return _renew(places, config, before, said)
        return _open(args, places, config, before, said)
    except ValidationError as error:
        print("\n".join(f"classair open: {line}" for line in plan.faults(error)), file=sys.stderr)
        return 2
    except certificates.NoCertificate as wrong:
        print(f"classair open: {wrong}", file=sys.stderr)
        return 1
    except EOFError:
        print("classair open: nobody can answer here; give --address and --yes", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"classair open: {error.filename or places.root}: {error.strerror}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="classair open",
        description="open ClassAir to the school's network, and to the internet if sensors.yaml has public_url: writes "
        "a certificate and the configurations of Caddy, nginx and the broker into open/ of the data folder",
        parents=[shared("--data", "--config")],
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--status", action="store_true", help="show what listens where, and for whom")
    what.add_argument("--renew", action="store_true", help="renew the certificate if it ends within 60 days")
    what.add_argument("--close", action="store_true", help="undo it: delete what was written")
    parser.add_argument("--address", metavar="IP", help="this machine's address in the school's network")
    parser.add_argument("--name", metavar="NAME", help="this machine's name there (default: its host name with .local)")
    parser.add_argument(
        "--devices",
        action=argparse.BooleanOptionalAction,
        help="also let bridges and devices reach the broker, by TLS on port 8883 (default: as before, at first not)",
    )
    parser.add_argument(
        "--plain",
        action=argparse.BooleanOptionalAction,
        help="also let devices without TLS reach the broker, on port 1883, with their own accounts only (default: as "
        "before, at first not)",
    )
    parser.add_argument("--port", type=int, default=8050, help="port of the pages on loopback (default: 8050)")
    parser.add_argument("--https-port", type=int, default=443, help="port of the proxy (default: 443)")
    parser.add_argument("--http-port", type=int, default=80, help="port of the proxy that leads to https (default: 80)")
    parser.add_argument(
        "--certificates",
        default=plan.INSTALLED,
        metavar="DIR",
        help=f"where the proxy finds server.crt and server.key (default: {plan.INSTALLED})",
    )
    parser.add_argument(
        "--public-certificates",
        default="",
        metavar="DIR",
        help="folder with fullchain.pem and privkey.pem of the public name (default: Caddy fetches its own, nginx uses "
        "that of certbot)",
    )
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--language", choices=LANGUAGES, help="language of the output (default: that of sensors.yaml)")
    return parser


class _Said:
    """Texts below [open]."""

    def __init__(self, language: str) -> None:
        self._language = language

    def text(self, key: str, **places: object) -> str:
        return t(self._language, f"open.{key}", **places)

    def say(self, key: str, **places: object) -> None:
        print(self.text(key, **places), flush=True)

    def ask(self, key: str, otherwise: str, **places: object) -> str:
        return input(f"{self.text(key, **places)} [{otherwise}]: ").strip() or otherwise


def _open(args: argparse.Namespace, places: Places, config: Config, before: Opening | None, said: _Said) -> int:
    address = args.address or (before.address if before else plan.own_address())
    name = args.name if args.name is not None else before.name if before else plan.own_name()
    if not args.yes:
        if args.address is None:
            address = said.ask("ask_address", address)
        if args.name is None:
            name = said.ask("ask_name", name)
    opening = Opening(
        address=address,
        name=name.lower().removeprefix("-"),
        public=urlsplit(config.public_url).hostname or "",
        pages=args.port,
        https=args.https_port,
        http=args.http_port,
        devices=args.devices if args.devices is not None else bool(before and before.devices),
        plain=args.plain if args.plain is not None else bool(before and before.plain),
        certificates=args.certificates,
        public_certificates=args.public_certificates,
    )
    folder = plan.folder_of(places)
    _say_plan(opening, config, folder, said)
    if not args.yes and said.ask("ask_yes", "n").lower() not in ("y", "yes", "ใช่"):
        said.say("nothing")
        return 1
    made = certificates.make(folder / "certificates", config.org, opening.names, datetime.now(UTC))
    write_atomically(folder / "Caddyfile", proxies.caddyfile(opening).encode(), mode=0o644)
    write_atomically(folder / "nginx.conf", proxies.nginx_conf(opening).encode(), mode=0o644)
    plan.remember(places, opening)
    _give_back(places)
    _say_steps(opening, config, folder, made, said)
    return 0


def _say_plan(opening: Opening, config: Config, folder: Path, said: _Said) -> None:
    said.say("will", folder=folder)
    said.say("will_pages", names=", ".join(opening.names), address=opening.address, port=opening.https)
    if opening.public:
        said.say("will_public", url=config.public_url)
    else:
        said.say("will_no_public")
    if opening.devices:
        said.say("will_devices", address=opening.address, port=opening.secure_port)
    if opening.plain:
        said.say("will_plain", address=opening.address, port=opening.plain_port)
    if not (opening.devices or opening.plain):
        said.say("will_no_devices")


def _say_steps(opening: Opening, config: Config, folder: Path, made: list[str], said: _Said) -> None:
    said.say("written", folder=folder)
    if "ca" in made:
        said.say("new_authority", file=certificates.authority_of(folder / "certificates"))
    if config.address.rstrip("/") != opening.url:
        said.say("step_address", url=opening.url)
    if opening.public and config.address:
        said.say("step_names")
    said.say("step_trust")
    said.say("step_caddy", folder=folder, certificates=opening.certificates)
    said.say("step_nginx", folder=folder, certificates=opening.certificates)
    if opening.devices or opening.plain:
        said.say("step_broker")
    ports = [opening.http, opening.https]
    ports += [opening.secure_port] if opening.devices else []
    ports += [opening.plain_port] if opening.plain else []
    said.say("step_firewall", ports=",".join(map(str, ports)), address=opening.address)
    if opening.public:
        said.say("step_router", address=opening.address, ports=f"{opening.http}, {opening.https}")
    said.say("step_check")


def _renew(places: Places, config: Config, before: Opening | None, said: _Said) -> int:
    if before is None:
        said.say("closed")
        return 1
    made = certificates.make(plan.folder_of(places) / "certificates", config.org, before.names, datetime.now(UTC))
    _give_back(places)
    said.say("renewed" if made else "not_yet")
    return 0


def _give_back(places: Places) -> None:
    """What root wrote belongs to the owner of the data folder, as whom the services run."""
    if os.geteuid() == 0:
        owner = places.root.stat()
        folder = plan.folder_of(places)
        for path in (folder, *folder.rglob("*")):
            os.chown(path, owner.st_uid, owner.st_gid)


def _close(places: Places, said: _Said) -> int:
    folder = plan.folder_of(places)
    if not folder.exists():
        said.say("closed")
        return 0
    # First what classair run reads: it must not find an opening without its certificate.
    (folder / "opening.json").unlink(missing_ok=True)
    shutil.rmtree(folder)
    said.say("step_close")
    return 0
