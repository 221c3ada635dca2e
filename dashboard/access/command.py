"""`classair user …` and `classair user token …`: manages accounts and API tokens here, and shows the audit."""

from __future__ import annotations

import argparse
import difflib
import getpass
import sys
import time
from pathlib import Path

from classair.arguments import shared
from classair.i18n import show_date
from classair.places import Places
from classair.service import Following
from classair.timetable import local_time
from dashboard.access.accounts import TIED
from dashboard.access.audit import Action
from dashboard.access.desk import AccountRejected, Desk
from dashboard.access.openid.identity import mail_key
from dashboard.access.roles import ROLES, TOKEN_SCOPES


def main(argv: list[str]) -> int:
    """Returns 0, or 2 when something was refused (said on standard error)."""
    args = _parser().parse_args(argv)
    if fault := _folder_fault(args.data):
        print(f"classair user: {fault}", file=sys.stderr)
        return 2
    desk = Desk(Places(args.data.resolve()).desk, lambda: time.time_ns() // 1_000_000)
    try:
        args.call(desk, args)
    except (AccountRejected, EOFError) as error:
        print(f"classair user: {error or 'no password was given'}", file=sys.stderr)
        return 2
    finally:
        desk.close()
    return 0


def _folder_fault(data: Path) -> str:
    """Why this is not a data folder. None is ever made here: a mistyped one would hold an account nobody can use."""
    if not data.is_dir():
        near = [path.name for path in data.resolve().parent.glob("*") if _is_data_folder(path)]
        meant = difflib.get_close_matches(data.name, near, n=1, cutoff=0.5)
        right = f"Did you mean {data.parent / meant[0]}?" if meant else f"For a new school: mkdir {data}"
        return f"there is no data folder {data}. {right}"
    if not _is_data_folder(data) and any(data.iterdir()):
        return f"{data} is not a data folder of ClassAir, and not empty. Name the folder with --data"
    return ""


def _is_data_folder(path: Path) -> bool:
    places = Places(path)
    return any(known.exists() for known in (places.desk, places.readings, places.accepted_config, places.processes))


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
    rooms = _verb(user, "rooms", "set the places an account is about", _rooms)
    rooms.add_argument("name", help="name of the account")
    for verb in (add, rooms):
        _placed(verb)
        verb.add_argument("--all", action="store_true", help="every school")
    add.add_argument(
        "--no-password",
        action="store_true",
        help="it signs in at a provider only, see classair user invite; a password can be set later",
    )
    invite = _verb(user, "invite", "let an account sign in with its account at Google, Microsoft …", _invite)
    invite.add_argument("name", help="name of the account")
    invite.add_argument("--provider", required=True, help="name of the provider, as under sign_in in sensors.yaml")
    invite.add_argument("--mail", required=True, help="the account's e-mail address there; only a hash is kept")
    audit = _verb(user, "audit", "show who changed what, newest first", _audit)
    audit.add_argument("--who", default="", help="only this one: account:NAME, token:NAME, console or visitor")
    audit.add_argument("--before", type=int, default=None, metavar="NUMBER", help="only entries before this number")
    audit.add_argument("--limit", type=int, default=50, help="number of entries, at most 500 (default: 50)")
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
    _placed(create)
    create.add_argument("--days", type=int, default=365, help="days until it expires (default: 365)")
    _verb(token, "list", "list tokens without their secrets", _list_tokens)
    _verb(token, "revoke", "revoke a token", _revoke).add_argument("token", help="id or name of the token")
    return parser


def _placed(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--room", action="append", default=[], help="a room, <site>.<room>; repeatable")
    verb.add_argument("--site", action="append", default=[], help="a whole school; repeatable")


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
    places = _places(args)
    if not places and not args.all and args.role in TIED:
        raise AccountRejected(
            f"role {args.role}: say which places it is about, with --room <site>.<room> or --site <site> (repeatable), "
            "or --all for every school"
        )
    # The account is judged before anybody types a password for it.
    desk.check_account(args.name, args.role, places)
    password = "" if args.no_password else _ask_password(args)
    if not password and not args.no_password:
        raise AccountRejected("no password was given")
    desk.add_account(args.name, args.role, password, places if places or args.all else None)
    about = " ".join(places) or "all"
    desk.note("console", Action.USER_ADD, args.name, f"{args.role} {about}")
    print(f"created account {args.name} (role {args.role}, {'every school' if not places else about})")


def _places(args: argparse.Namespace) -> list[str]:
    """What --room and --site say, if the configuration in force knows it. Raises AccountRejected."""
    if getattr(args, "all", False) and (args.room or args.site):
        raise AccountRejected("--all stands alone, without --room and --site")
    places = [*args.room, *args.site]
    accepted = Following(Places(args.data.resolve()).accepted_config).current
    if accepted is not None:
        config = accepted.config
        known = {*config.sites, *(full for full, _ in config.rooms())}
        for place in places:
            if place not in known:
                near = difflib.get_close_matches(place, sorted(known), n=1, cutoff=0.5)
                right = f"did you mean {near[0]}?" if near else f"known: {', '.join(sorted(known)[:12])}"
                raise AccountRejected(f"{place!r} is neither a school nor a room of this installation; {right}")
    return places


def _rooms(desk: Desk, args: argparse.Namespace) -> None:
    places = _places(args)
    if not places and not args.all:
        raise AccountRejected("expected --room or --site (repeatable), or --all")
    desk.set_places(args.name, places)
    desk.note("console", Action.USER_ROOMS, args.name, " ".join(places) or "all")
    print(f"{args.name} is about {', '.join(places) or 'every school'}")


def _invite(desk: Desk, args: argparse.Namespace) -> None:
    accepted = Following(Places(args.data.resolve()).accepted_config).current
    known = accepted.config.sign_in if accepted is not None else {}
    if args.provider not in known:
        named = ", ".join(sorted(known)) or "none yet; add sign_in to sensors.yaml and start classair once"
        raise AccountRejected(f"{args.provider!r} is not under sign_in in sensors.yaml; known: {named}")
    if "@" not in args.mail:
        raise AccountRejected("mail: expected an e-mail address")
    desk.known.invite(args.name, args.provider, mail_key(desk.tries.salt(), args.mail))
    desk.note("console", Action.USER_INVITE, args.name, args.provider)
    print(f"{args.name} may sign in with {args.provider}; the first sign-in with this address ties the two together")


def _audit(desk: Desk, args: argparse.Namespace) -> None:
    found = desk.history.page(args.limit, before=args.before, who=args.who)
    for one in found:
        at = show_date(local_time(one.at), "en")
        print(f"{one.id:>7}  {at}  {one.who:<24} {one.do:<20} {one.about}  {one.outcome}".rstrip())
    if len(found) == args.limit:
        print(f"older: classair user audit --before {found[-1].id}", file=sys.stderr)


def _password(desk: Desk, args: argparse.Namespace) -> None:
    desk.set_password(args.name, _ask_password(args))
    desk.note("console", Action.USER_PASSWORD, args.name, "changed")
    print(f"set a new password for {args.name} and ended its sessions")


def _disable(desk: Desk, args: argparse.Namespace) -> None:
    desk.disable_account(args.name)
    desk.note("console", Action.USER_DISABLE, args.name, "disabled")
    print(f"disabled account {args.name}")


def _list_accounts(desk: Desk, _args: argparse.Namespace) -> None:
    unsaid = False
    for one in desk.known.all():
        tied = " ".join(sorted(one.places)) or "every school"
        if not one.said and one.role in TIED:
            unsaid, tied = True, "every school (never said)"
        kind = "disabled" if not one.active else "demo" if one.demo else "active"
        print(f"{one.name:<32} {one.role:<12} {kind:<9} {tied}".rstrip())
    if unsaid:
        print(
            "Accounts from an earlier version reach every school until you say which places they are about: "
            "classair user rooms NAME --room … (or --site …, or --all)",
            file=sys.stderr,
        )


def _list_phones(desk: Desk, args: argparse.Namespace) -> None:
    for phone in desk.phones.of(args.name):
        seen, until = (show_date(local_time(at), "en") for at in (phone.seen_at, phone.expires_at))
        print(f"{phone.id}  {phone.account:<32} {phone.label:<24} last used {seen}, until {until}")


def _forget(desk: Desk, args: argparse.Namespace) -> None:
    if not desk.phones.forget(args.phone):
        raise AccountRejected(f"there is no remembered phone {args.phone!r}. List them: classair user phones")
    desk.note("console", Action.PHONE_FORGET, args.phone, "done")
    print(f"forgot phone {args.phone}")


def _line(desk: Desk, args: argparse.Namespace) -> None:
    accepted = Following(Places(args.data.resolve()).accepted_config).current
    people = accepted.config.people if accepted is not None else {}
    if args.person not in people:
        known = ", ".join(sorted(people)) or "nobody yet; start classair once with people in sensors.yaml"
        raise AccountRejected(f"{args.person!r} is not a person in sensors.yaml; known: {known}")
    code = desk.line.make_code(args.person, time.time_ns() // 1_000_000)
    desk.note("console", Action.LINE_CODE, args.person, "made")
    print(code)
    print(f"Sent to the school's LINE account, it links that LINE user to {args.person}.", file=sys.stderr)
    print("It works once, within a day.", file=sys.stderr)


def _create(desk: Desk, args: argparse.Namespace) -> None:
    places = _places(args)
    secret = desk.create_token(args.name, tuple(args.scope), args.days, places)
    desk.note("console", Action.TOKEN_CREATE, args.name, " ".join([*args.scope, *places]))
    print(secret)
    print("Copy the token now: it is not shown again.", file=sys.stderr)


def _list_tokens(desk: Desk, _args: argparse.Namespace) -> None:
    now = time.time_ns() // 1_000_000
    for token in desk.tokens():
        state = "revoked" if token.revoked_at else "expired" if token.expires_at <= now else "in force"
        until = show_date(local_time(token.expires_at), "en")
        tied = " ".join(token.places) or "every school"
        print(f"{token.id}  {token.name:<32} {' '.join(token.scopes):<20} {state:<9} until {until}  {tied}")


def _revoke(desk: Desk, args: argparse.Namespace) -> None:
    desk.revoke_token(args.token)
    desk.note("console", Action.TOKEN_REVOKE, args.token, "revoked")
    print(f"revoked token {args.token}")
