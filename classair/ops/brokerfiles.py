"""The broker's files: mosquitto's configuration, access rules and hashed passwords."""

from __future__ import annotations

import argparse
import base64
import hashlib
import os
import secrets
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from classair import offers
from classair.accounts import SERVICES, WATCH, Account
from classair.config import Config, ConfigFaults, read
from classair.places import write_atomically
from classair.service import parse_as_follower
from classair.wire import MAX_PAYLOAD, Topics

CONF, ACL, PASSWORDS, SECRETS = "mosquitto.conf", "acl", "passwords", "secrets"

_QUEUE: Final = 1_000_000  # messages kept for an absent client; mosquitto's own 1000 drops acknowledged ones
_PACKET: Final = MAX_PAYLOAD + 16 * 1024  # bytes; the payload and its topic
# mosquitto_passwd's own number. Our secrets are 128 random bits: no dictionary contains them, more rounds add nothing.
_PBKDF2_ROUNDS: Final = 101


@dataclass(frozen=True, slots=True)
class Grants:
    """What a configuration adds to the broker's rules: its bridges (local id → site), and accounts by user name."""

    bridges: Mapping[str, str]
    accounts: Mapping[str, Account]

    @property
    def outsiders(self) -> list[str]:
        """Every user who is neither a service nor a bridge."""
        return [name for name in self.accounts if name not in SERVICES and name not in self.bridges]


def grants_of(config: Config) -> Grants:
    """The grants a configuration asks for. What `classair check` finds fault with gets none."""
    bridges = {full.partition(".")[2]: full.partition(".")[0] for full, _ in config.bridges()}
    return Grants(bridges, _merged(offers.accounts(config)))


def joined(grants: Grants, earlier: Iterable[Grants]) -> Grants:
    """The grants, and with them whatever accounts had by earlier ones."""
    known = [account for it in (grants, *earlier) for account in it.accounts.values()]
    return Grants(grants.bridges, _merged(known))


def _merged(accounts: Iterable[Account]) -> dict[str, Account]:
    merged: dict[str, Account] = {}
    for account in accounts:
        known = merged.get(account.name, Account(name=account.name))
        merged[account.name] = replace(
            known,
            writes=tuple(dict.fromkeys(known.writes + account.writes)),
            reads=tuple(dict.fromkeys(known.reads + account.reads)),
        )
    return merged


def mosquitto_conf(
    port: int,
    folder: Path | str,
    *,
    state: Path | str | None = None,
    address: str = "127.0.0.1",
    certificates: Path | str | None = None,
    lan_port: int = 8883,
) -> str:
    """The text of mosquitto.conf.

    folder: where `acl` and `passwords` lie. state: where the broker keeps its sessions, by default the same folder; the
    user it runs as must be able to write there. certificates: a folder with server.crt and server.key; then other
    machines are let in too, by TLS on `lan_port`. A listener is always named: mosquitto without one opens to everybody.
    """
    lines = [
        "# Written by `python -m classair.ops.brokerfiles`; the reasons are in docs/wire.md.",
        "per_listener_settings false",
        f"listener {port} {address}",
        "set_tcp_nodelay true",
        "",
        "# Accounts and their rights. The client id is the user name, so that no client can take over another session.",
        "allow_anonymous false",
        f"password_file {folder}/{PASSWORDS}",
        f"acl_file {folder}/{ACL}",
        "use_username_as_clientid true",
        "",
        "# Keep acknowledged messages while a service is offline.",
        f"max_queued_messages {_QUEUE}",
        "max_queued_bytes 0",
        "max_inflight_messages 1000",
        "max_inflight_bytes 0",
        "persistence true",
        f"persistence_location {str(state if state is not None else folder).rstrip('/')}/",
        "autosave_interval 30",
        "",
        "# Limits per client. A larger message is rejected, a larger packet closes the connection.",
        f"message_size_limit {MAX_PAYLOAD}",
        f"max_packet_size {_PACKET}",
        "max_connections 1000",
        "max_keepalive 600",
        "",
        "log_dest stderr",
        "log_type error",
        "log_type warning",
        "log_type notice",
        "connection_messages true",
        "log_timestamp_format %Y-%m-%dT%H:%M:%S",
    ]
    if certificates is not None:
        lines += [
            "",
            "# Bridges on other machines, over TLS only.",
            f"listener {lan_port}",
            f"certfile {certificates}/server.crt",
            f"keyfile {certificates}/server.key",
            "tls_version tlsv1.2",
        ]
    return "\n".join(lines) + "\n"


def acl(org: str, grants: Grants) -> str:
    """Access rules of an organisation: who may write and read which topics; whatever is not named is refused.

    Bridges are covered by patterns on their own user name, so a new one needs a password and nothing else. `grants`
    adds what a configuration knows: the topics of each device, who of us speaks with it, and that health is the word of
    bridges alone.
    """
    topics = Topics(org)
    bridges, every_room = topics.bridges, topics.room_now("+", "+")
    health, state = topics.sensor_health("+", "+"), topics.purifier_state("+", "+")
    command, care = topics.purifier_set("+", "+"), topics.purifier_care("+", "+")
    ours: dict[str, Account] = {name: grants.accounts.get(name, Account()) for name in (*SERVICES, *grants.bridges)}

    def own(leaf: str) -> str:
        return topics.bridge("+", "%u", leaf)

    asks, answers = topics.ask("+", "+"), topics.answer("+")
    everybody = [
        _section("A bridge: its own stream, the health of its sensors; in return only what is meant for it."),
        *(f"pattern write {own(leaf)}" for leaf in ("reading", "status", "time")),
        *(f"pattern read {own(leaf)}" for leaf in ("stored", "replay", "config")),
        # What it says to itself after connecting: all that was kept for it while it was away comes before.
        f"pattern readwrite {own('marker')}",
        f"pattern read {topics.beat}",
    ]
    users = {
        "ingest": [
            *(f"read {bridges(leaf)}" for leaf in ("reading", "time")),
            *(f"write {bridges(leaf)}" for leaf in ("stored", "replay")),
            f"readwrite {bridges('config')}",
            f"readwrite {topics.config}",
            f"readwrite {topics.corrections}",
            # Written only to take back what nobody speaks for after an edit of sensors.yaml.
            f"readwrite {bridges('status')}",
            f"readwrite {health}",
            f"readwrite {state}",
            f"write {every_room}",
            f"read {topics.beat}",
        ],
        "alerts": [
            f"read {bridges('reading')}",
            f"read {bridges('status')}",
            f"read {health}",
            f"read {topics.config}",
            f"read {topics.corrections}",
            f"read {topics.service_status('+')}",
            f"readwrite {every_room}",
            f"readwrite {state}",
            f"readwrite {care}",
            f"write {command}",
            f"readwrite {topics.beat}",
        ],
        "dashboard": [
            f"read {every_room}",
            f"read {state}",
            f"read {care}",
            f"read {health}",
            f"read {bridges('status')}",
            f"read {topics.config}",
            f"read {topics.service_status('+')}",
            f"read {topics.beat}",
        ],
        # Its sensors speak to bridges by serial port, not here.
        "simulator": [f"read {topics.config}"],
        # Commands typed by a person beside running services.
        "tool": [
            f"read {topics.config}",
            f"read {topics.service_status('+')}",
            f"read {bridges('status')}",
            f"read {health}",
            f"read {every_room}",
            f"read {state}",
            f"read {care}",
        ],
    }
    blocks = []
    for name, rules in users.items():
        rules = [*rules, *_rules(ours[name]), f"write {asks}", f"read {answers}"]
        if name != "tool":
            rules += [f"write {topics.service_status(name)}", f"read {topics.ask(name, '+')}", f"write {answers}"]
        blocks.append(_block(name, rules))
    for bridge, site in grants.bridges.items():
        blocks.append(_block(bridge, [f"write {topics.sensor_health(site, '+')}", *_rules(ours[bridge])]))
    for name in grants.outsiders:
        account = grants.accounts[name]
        # The patterns above are for bridges; who has no topic of ours is kept away from all of them.
        guest = any(topic.startswith("classair/") for topic in (*account.writes, *account.reads))
        denied = topics.bridge("+", name, "#") if guest else "classair/#"
        blocks.append(_block(name, [f"deny {denied}", *_rules(account)]))
    # Who is not named falls under the patterns above.
    blocks.append(_block(WATCH, ["deny classair/#"]))
    head = "# Written by `python -m classair.ops.brokerfiles`. Everything not allowed here is denied."
    return "\n".join([head, *everybody, *blocks]) + "\n"


def _rules(account: Account) -> list[str]:
    return [*(f"write {topic}" for topic in account.writes), *(f"read {topic}" for topic in account.reads)]


def _block(user: str, rules: Iterable[str]) -> str:
    return "\n".join(["", f"user {user}", *(f"topic {rule}" for rule in rules)])


def _section(title: str) -> str:
    return f"\n# {title}"


def new_secret() -> str:
    """128 random bits as text."""
    return secrets.token_urlsafe(16)


def password_line(user: str, secret: str) -> str:
    """A line of the password file, hashed as mosquitto 2 does it (PBKDF2 with SHA-512)."""
    salt = secrets.token_bytes(12)
    digest = hashlib.pbkdf2_hmac("sha512", secret.encode(), salt, _PBKDF2_ROUNDS)
    return f"{user}:$7${_PBKDF2_ROUNDS}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


def passwords(users: Mapping[str, str]) -> str:
    """The text of the password file for these users and secrets."""
    return "".join(f"{password_line(user, secret)}\n" for user, secret in users.items())


def write_broker_files(folder: Path, org: str, port: int, users: Mapping[str, str], grants: Grants) -> Path:
    """Puts configuration, rules and passwords into `folder`, readable by the owner only; returns the configuration."""
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / ACL, acl(org, grants).encode())
    write_atomically(folder / PASSWORDS, passwords(users).encode())
    write_atomically(folder / CONF, mosquitto_conf(port, folder).encode())
    return folder / CONF


def add_users(folder: Path, users: Iterable[str]) -> list[str]:
    """Gives each user who has none a random secret: hashed in `passwords`, plain in `secrets/<user>.env`.

    The plain file (mode 600) is for that service's or bridge's environment. Returns the users that are new.
    """
    wanted = list(dict.fromkeys(users))
    place = folder / PASSWORDS
    known = place.read_text("utf-8") if place.exists() else ""
    names = {line.partition(":")[0] for line in known.splitlines()}
    fresh = [user for user in wanted if user not in names]
    given = {user: new_secret() for user in fresh}
    (folder / SECRETS).mkdir(parents=True, exist_ok=True, mode=0o700)
    for user, secret in given.items():
        write_atomically(folder / SECRETS / f"{user}.env", f"CLASSAIR_MQTT_PASSWORD={secret}\n".encode())
    if fresh:
        write_atomically(place, (known + passwords(given)).encode(), mode=0o640)
    return fresh


def main(argv: list[str] | None = None) -> int:
    """Writes acl and passwords for a broker that runs by itself; users who have a password keep it."""
    parser = argparse.ArgumentParser(
        prog="python -m classair.ops.brokerfiles",
        description="create or update the broker's access rules and passwords",
    )
    parser.add_argument("--folder", type=Path, required=True, help="output folder for acl, passwords and secrets/")
    parser.add_argument(
        "--config",
        type=Path,
        default=Path("sensors.yaml"),
        metavar="FILE",
        help="configuration whose bridges and devices get accounts (default: sensors.yaml)",
    )
    args = parser.parse_args(argv)
    try:
        config = parse_as_follower(read(args.config))  # nobody's secrets are needed for this
        grants = grants_of(config)
        fresh = add_users(args.folder, [*SERVICES, *grants.bridges, *grants.outsiders])
        write_atomically(args.folder / ACL, acl(config.org, grants).encode(), mode=0o640)
    except ConfigFaults as faulty:
        print("\n".join(f"{args.config}: {line}" for line in faulty.faults), file=sys.stderr)
        return 2
    except OSError as error:
        print(error, file=sys.stderr)
        return 2
    for user in fresh:
        print(f"{user}: {os.fspath(args.folder / SECRETS / user)}.env")
    print(f"{len(fresh)} new; rules for {config.org} in {args.folder / ACL}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
