"""`classair provision SITE.BRIDGE`: the bundle a new bridge needs, with its own part of the configuration only.

With --device SITE.DEVICE or --home-assistant: the account of somebody outside, with rights to its own topics alone.
"""

from __future__ import annotations

import argparse
import json
import secrets
import sys
from pathlib import Path

from classair import config as configuration
from classair import offers
from classair.accounts import HOME_ASSISTANT, SERVICES
from classair.arguments import shared
from classair.config.parts import part_text
from classair.device_secrets import keep_secret
from classair.ops import brokerfiles
from classair.places import Places, write_atomically


def main(argv: list[str]) -> int:
    """Writes <out>/sensors.yaml and <out>/bridge.env; 2 when the bridge is not in the configuration."""
    parser = argparse.ArgumentParser(
        prog="classair provision",
        description="write the configuration bundle of a bridge, or create an account for a device",
        parents=[shared("--config")],
    )
    parser.add_argument("bridge", metavar="SITE.BRIDGE", nargs="?", help="bridge in sensors.yaml")
    parser.add_argument(
        "--device",
        metavar="SITE.DEVICE",
        help="create the account or secret of a purifier or third-party device (port mqtt:… or http:…) instead",
    )
    parser.add_argument("--home-assistant", action="store_true", help="create the account of Home Assistant instead")
    parser.add_argument("--broker", metavar="URL", help="broker address as seen from the bridge, mqtts://host:port")
    parser.add_argument("--out", type=Path, metavar="DIR", help="output folder (default: bundle-<bridge>)")
    parser.add_argument(
        "--data",
        type=Path,
        default=Path("data"),
        metavar="DIR",
        help="data folder of the bridge, for --device (default: data)",
    )
    parser.add_argument(
        "--broker-folder",
        type=Path,
        metavar="DIR",
        help="folder with acl and passwords of your own broker (default: the broker of classair run)",
    )
    args = parser.parse_args(argv)
    if sum(map(bool, (args.bridge, args.device, args.home_assistant))) != 1:
        parser.error("expected SITE.BRIDGE, or --device SITE.DEVICE, or --home-assistant")
    if args.bridge and not args.broker:
        parser.error("--broker URL is required for a bridge")
    try:
        text = args.config.read_text(encoding="utf-8")
        config = configuration.load(args.config)
    except OSError as error:
        print(f"classair provision: cannot read {args.config}: {error.strerror}", file=sys.stderr)
        return 2
    except configuration.ConfigFaults as faults:
        print("\n".join(f"{args.config}: {line}" for line in faults.faults), file=sys.stderr)
        return 2
    if args.device:
        return _device(args, config)
    if args.home_assistant:
        return _account(args, config, HOME_ASSISTANT)
    return _bridge(args, text, config)


def _bridge(args: argparse.Namespace, text: str, config: configuration.Config) -> int:
    known = [full for full, _ in config.bridges()]
    if args.bridge not in known:
        print(
            f"classair provision: {args.bridge!r} is not a bridge in {args.config}; known: {', '.join(known)}",
            file=sys.stderr,
        )
        return 2
    local = args.bridge.partition(".")[2]
    out: Path = args.out or Path(f"bundle-{local}")
    if (out / "bridge.env").exists():
        print(
            f"classair provision: {out} already contains a bundle, whose password would become invalid. Give "
            "--out DIR, or delete it first",
            file=sys.stderr,
        )
        return 2
    password = secrets.token_urlsafe(24)
    write_atomically(out / "sensors.yaml", part_text(text, args.bridge).encode())
    write_atomically(
        out / "bridge.env",
        (f"CLASSAIR_BRIDGE={args.bridge}\nCLASSAIR_BROKER={args.broker}\nCLASSAIR_MQTT_PASSWORD={password}\n").encode(),
    )
    print(
        f"Wrote {out}/sensors.yaml and {out}/bridge.env. Copy both to the bridge and add its account at the broker:\n"
        f"  mosquitto_passwd /etc/classair/mosquitto/passwords {local}\n"
        f"(the password is in {out}/bridge.env; it is not shown anywhere else)"
    )
    return 0


def _device(args: argparse.Namespace, config: configuration.Config) -> int:
    posting = {full: sensor for full, sensor in config.sensors() if sensor.port.startswith("http:")}
    names = {account.device: account.name for account in offers.accounts(config) if account.device}
    if args.device in names:
        return _account(args, config, names[args.device])
    sensor = posting.get(args.device)
    if sensor is None:
        there = ", ".join([*names, *posting]) or "none"
        print(
            f"classair provision: {args.device!r} has no account in {args.config} (see classair check); known: {there}",
            file=sys.stderr,
        )
        return 2
    secret = secrets.token_urlsafe(16)
    places = Places(args.data.resolve())
    keep_secret(places, args.device, secret)
    print(
        f"Password for posts of {args.device} to bridge {sensor.bridge} (any user name, or as a Bearer token).\n"
        f"It is shown only once and replaces any earlier one:\n  {secret}\n"
        f"(its digest is in {places.device_secrets}, which belongs in the data folder of that bridge)"
    )
    return 0


def _account(args: argparse.Namespace, config: configuration.Config, user: str) -> int:
    """Gives somebody outside an account at the broker, and writes the rules that this configuration asks for."""
    grants = brokerfiles.grants_of(config)
    if args.broker_folder is None:
        own = Places(args.data.resolve()).run / "passwords.json"
        try:
            secret = json.loads(own.read_text("utf-8"))[user]
        except (OSError, ValueError, KeyError):
            print(
                f"classair provision: the broker of classair run has no account {user!r} yet. Start classair run "
                f"with {args.config}, or give --broker-folder DIR for your own broker",
                file=sys.stderr,
            )
            return 2
        print(f"user {user}, password {secret}")
        return 0
    folder: Path = args.broker_folder
    try:
        fresh = brokerfiles.add_users(folder, [*SERVICES, *grants.bridges, user])
        write_atomically(folder / brokerfiles.ACL, brokerfiles.acl(config.org, grants).encode(), mode=0o640)
    except OSError as error:
        print(f"classair provision: {folder}: {error.strerror}", file=sys.stderr)
        return 2
    where = folder / brokerfiles.SECRETS / f"{user}.env"
    print(
        f"user {user}; its password is in {where}{'' if user in fresh else ' (unchanged)'}. "
        "Reload the broker: systemctl reload mosquitto"
    )
    return 0
