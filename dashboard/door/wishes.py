"""Who wants the weekly report by mail: an address is kept for two days until its owner confirms it, then forgotten."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass, field
from typing import Final

from classair.units import DAY_MS
from dashboard.context import Context
from dashboard.following.followers import Follower, Followers

WISH: Final = "mail-wish"
STOP: Final = "mail-stop"
CONFIRM_MS: Final = 2 * DAY_MS
STOP_MS: Final = 400 * DAY_MS
MOST_WAITING: Final = 1000
LONGEST: Final = 200
# No more than what every mail server takes without quoting; what it means is proved by the link that arrives.
_ADDRESS: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+")
_SCHEMA: Final = """
pragma secure_delete=on;
create table if not exists mail_wish(
  id text primary key, address text not null, room text not null, language text not null, until int not null
) without rowid;
"""


@dataclass(frozen=True, slots=True)
class Wish:
    id: str
    address: str = field(repr=False)
    room: str
    language: str


def tidy(address: str) -> str | None:
    """An address as it is kept; None for what is none."""
    plain = address.strip()
    if len(plain) > LONGEST or not _ADDRESS.fullmatch(plain):
        return None
    name, _, host = plain.rpartition("@")
    return f"{name}@{host.lower()}"


class Wishes:
    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        ctx.desk.add_tables(_SCHEMA)

    def make(self, address: str, room: str, language: str) -> Wish | None:
        """Kept until it is confirmed; None when too many wait."""
        now = self._ctx.now_ms()
        with self._ctx.desk.change() as db:
            db.execute("delete from mail_wish where until<=?", (now,))
            if db.execute("select count(*) from mail_wish").fetchone()[0] >= MOST_WAITING:
                return None
            wish = Wish(secrets.token_hex(16), address, room, language)
            db.execute("insert into mail_wish values(?,?,?,?,?)", (wish.id, address, room, language, now + CONFIRM_MS))
        return wish

    def token(self, wish: Wish) -> str:
        return self._ctx.shares.token(WISH, (wish.id,), self._ctx.now_ms() + CONFIRM_MS)

    def of(self, token: str) -> Wish | None:
        """The wish that a confirmation's link is about; None once it is confirmed or over."""
        about = self._ctx.shares.read(WISH, token, self._ctx.now_ms())
        if about is None or len(about) != 1:
            return None
        rows = self._ctx.desk.ask(
            "select id, address, room, language from mail_wish where id=? and until>?", about[0], self._ctx.now_ms()
        )
        return Wish(*map(str, rows[0])) if rows else None

    def drop(self, wish: Wish) -> None:
        with self._ctx.desk.change() as db:
            db.execute("delete from mail_wish where id=?", (wish.id,))


def stop_path(ctx: Context, room: str, address: str) -> str:
    """Where somebody who gets a room's report by mail ends it, for each of these mails. Names no address."""
    token = ctx.shares.token(STOP, (room, _digest(address)), ctx.now_ms() // DAY_MS * DAY_MS + STOP_MS)
    return f"/unfollow/{token}" if token else ""


def follower_of(ctx: Context, followers: Followers, token: str) -> tuple[str, Follower | None] | None:
    """The room of a stop link and who follows it; (room, None) once that has ended, None for no link of ours."""
    about = ctx.shares.read(STOP, token, ctx.now_ms())
    if about is None or len(about) != 2:
        return None
    room, digest = about
    found = [one for one in followers.weekly(room) if one.channel == "mail" and _digest(one.address) == digest]
    return room, found[0] if found else None


def _digest(address: str) -> str:
    return hashlib.sha256(address.encode()).hexdigest()[:32]
