"""`classair user …` and `classair user token …`: manages accounts and API tokens on this machine."""

from __future__ import annotations

import argparse
import getpass
import sys
import time

from classair.arguments import shared
from classair.i18n import show_date
from classair.places import Places
from classair.service import Following
from classair.timetable import local_time
from dashboard.access.desk import AccountRejected, Desk
from dashboard.access.roles import ROLES, TOKEN_SCOPES


def main(argv: list[str]) -> int:
    """Returns 0, or 2 when something was refused (said on standard error)."""
    args = _parser().parse_args(argv)
    desk = Desk(Places(args.data.resolve()).desk, lambda: time.time_ns() // 1_000_000)
    try:
        args.call(desk, args)
    except (AccountRejected, EOFError) as error:
        print(f"classair user: {error or 'no password was given'}", file=sys.stderr)
        return 2
    finally:
        desk.close()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="classair user", description="manage accounts and API tokens")
    user = parser.add_subparsers(dest="verb", required=True)
    add = _verb(user, "add", "create an account; asks for its password twice", _add)
    add.add_argument("name", help="name of the account")
    add.add_argument("--role", choices=ROLES, required=True, help="what the account may see and do")
    password = _verb(user, "password", "set a new password and end the account's sessions", _password)
    password.add_argument("name", help="name of the account")
    for verb in (add, password):
        verb.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
    _verb(user, "disable", "disable an account", _disable).add_argument("name", help="name of the account")
    rooms = _verb(user, "rooms", "set the rooms whose purifiers a teacher may control", _rooms)
    rooms.add_argument("name", help="name of the account")
    rooms.add_argument("--all", action="store_true", help="every room")
    for verb in (add, rooms):
        verb.add_argument(
            "--room",
            action="append",
            default=[],
            help="room (<site>.<room>) or site that a teacher may control; repeatable (default: all)",
        )
    _verb(user, "list", "list accounts", _list_accounts)
    phones = _verb(user, "phones", "list remembered phones", _list_phones)
    phones.add_argument("name", nargs="?", help="name of the account (default: all)")
    _verb(user, "forget", "forget a remembered phone", _forget).add_argument("phone", help="id of the phone")
    line = _verb(user, "line", "make a code that links a person of sensors.yaml to LINE", _line)
    line.add_argument("person", help="id of the person, as under people")

    token = user.add_parser("token", help="manage API tokens", description="manage API tokens").add_subparsers(
        dest="token_verb", required=True
    )
    create = _verb(token, "create", "create a token and show it once", _create)
    create.add_argument("name", help="name of the token")
    create.add_argument(
        "--scope",
        action="append",
        choices=TOKEN_SCOPES,
        required=True,
        help="what the token may do; repeatable (every scope includes read)",
    )
    create.add_argument("--days", type=int, default=365, help="days until it expires (default: 365)")
    _verb(token, "list", "list tokens without their secrets", _list_tokens)
    _verb(token, "revoke", "revoke a token", _revoke).add_argument("token", help="id or name of the token")
    return parser


def _verb(
    nouns: argparse._SubParsersAction[argparse.ArgumentParser], name: str, description: str, call: object
) -> argparse.ArgumentParser:
    verb = nouns.add_parser(name, help=description, description=description, parents=[shared("--data")])
    verb.set_defaults(call=call)
    return verb


def _ask_password(args: argparse.Namespace) -> str:
    if args.password_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    first = getpass.getpass(f"Password for {args.name}: ")
    if getpass.getpass("Once more: ") != first:
        raise AccountRejected("the two passwords differ")
    return first


def _add(desk: Desk, args: argparse.Namespace) -> None:
    desk.add_account(args.name, args.role, _ask_password(args), args.room)
    desk.note("console", "user add", args.name, " ".join([args.role, *args.room]))
    print(f"created account {args.name} (role {args.role})")


def _rooms(desk: Desk, args: argparse.Namespace) -> None:
    if bool(args.room) == args.all:
        raise AccountRejected("rooms: expected --room (repeatable) or --all")
    desk.set_places(args.name, args.room)
    desk.note("console", "user rooms", args.name, " ".join(args.room) or "all")
    print(f"{args.name} may control {', '.join(args.room) or 'every room'}")


def _password(desk: Desk, args: argparse.Namespace) -> None:
    desk.set_password(args.name, _ask_password(args))
    desk.note("console", "user password", args.name, "changed")
    print(f"set a new password for {args.name} and ended its sessions")


def _disable(desk: Desk, args: argparse.Namespace) -> None:
    desk.disable_account(args.name)
    desk.note("console", "user disable", args.name, "disabled")
    print(f"disabled account {args.name}")


def _list_accounts(desk: Desk, _args: argparse.Namespace) -> None:
    places = desk.places()
    for name, role, active in desk.accounts():
        tied = " ".join(places.get(name, []))
        print(f"{name:<32} {role:<11} {'active' if active else 'disabled':<9} {tied}".rstrip())


def _list_phones(desk: Desk, args: argparse.Namespace) -> None:
    for phone in desk.phones.of(args.name):
        seen, until = (show_date(local_time(at), "en") for at in (phone.seen_at, phone.expires_at))
        print(f"{phone.id}  {phone.account:<32} {phone.label:<24} last used {seen}, until {until}")


def _forget(desk: Desk, args: argparse.Namespace) -> None:
    if not desk.phones.forget(args.phone):
        raise AccountRejected(f"there is no remembered phone {args.phone!r}. List them: classair user phones")
    desk.note("console", "phone forget", args.phone, "done")
    print(f"forgot phone {args.phone}")


def _line(desk: Desk, args: argparse.Namespace) -> None:
    accepted = Following(Places(args.data.resolve()).accepted_config).current
    people = accepted.config.people if accepted is not None else {}
    if args.person not in people:
        known = ", ".join(sorted(people)) or "nobody yet; start classair once with people in sensors.yaml"
        raise AccountRejected(f"{args.person!r} is not a person in sensors.yaml; known: {known}")
    code = desk.line.make_code(args.person, time.time_ns() // 1_000_000)
    desk.note("console", "line code", args.person, "made")
    print(code)
    print(f"Sent to the school's LINE account, it links that LINE user to {args.person}.", file=sys.stderr)
    print("It works once, within a day.", file=sys.stderr)


def _create(desk: Desk, args: argparse.Namespace) -> None:
    secret = desk.create_token(args.name, tuple(args.scope), args.days)
    desk.note("console", "token create", args.name, " ".join(args.scope))
    print(secret)
    print("Copy the token now: it is not shown again.", file=sys.stderr)


def _list_tokens(desk: Desk, _args: argparse.Namespace) -> None:
    now = time.time_ns() // 1_000_000
    for token in desk.tokens():
        state = "revoked" if token.revoked_at else "expired" if token.expires_at <= now else "in force"
        until = show_date(local_time(token.expires_at), "en")
        print(f"{token.id}  {token.name:<32} {' '.join(token.scopes):<20} {state:<9} until {until}")


def _revoke(desk: Desk, args: argparse.Namespace) -> None:
    desk.revoke_token(args.token)
    desk.note("console", "token revoke", args.token, "revoked")
    print(f"revoked token {args.token}")
