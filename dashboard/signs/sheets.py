"""The sheets themselves, from a configuration and the rooms' codes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from classair import i18n
from classair.config import Config
from dashboard.frame.parts import rooms_in_order
from dashboard.public.codes import code
from dashboard.reports.paper import paper


@dataclass(frozen=True, slots=True)
class Sign:
    """One door. `address` is what the QR code says, `code` the six digits by which parents follow the room."""

    room: str
    name: str
    school: str
    address: str
    code: str
    qr: Markup
    simulated: bool


def rooms_of(config: Config, sites: Sequence[str] = (), rooms: Sequence[str] = ()) -> list[str]:
    """The indoor rooms that get a sign, by school and name; all without `sites` and `rooms`.

    Raises ValueError, which says what there is, for a school or room that does not exist and for one outdoors.
    """
    indoor = {full: room for full, room in config.rooms() if not room.outdoor}
    for site in sites:
        if site not in config.sites:
            raise ValueError(f"there is no school {site!r} in sensors.yaml; known: {', '.join(config.sites)}")
    for room in rooms:
        if room not in indoor:
            raise ValueError(f"there is no classroom {room!r} in sensors.yaml; known: {', '.join(indoor)}")
    wanted = [full for full in indoor if (not sites and not rooms) or full in rooms or full.partition(".")[0] in sites]
    return rooms_in_order(config, config.language, wanted)


def signs(config: Config, rooms: Sequence[str], base: str, language: str, code_of: Callable[[str], str]) -> list[Sign]:
    """`base`: where phones reach the dashboard, without a slash at the end."""
    made = []
    for room in rooms:
        site = room.partition(".")[0]
        address = f"{base}/door/{room}"
        made.append(
            Sign(
                room,
                i18n.t(language, "display.room", name=config.room(room).name.in_(language)),
                config.sites[site].name.in_(language),
                address,
                code_of(room),
                code(address),
                config.site_simulated(site),
            )
        )
    return made


def document(of: Sequence[Sign], language: str) -> str:
    """The HTML of all sheets, one page each; the other language stands below in small."""
    other = next(code for code in i18n.LANGUAGES if code != language)
    return paper("signs.html", language, signs=of, other=other, second=lambda key: i18n.t(other, key))
