"""What is pictured: every working page by itself, as the registry finds it, and the light pages listed here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

from classair import i18n
from dashboard.frame import registry
from dashboard.frame.page import Page

FOLDER: Final = Path(__file__).parent.parent / "screenshots"
ROOM: Final = "ban-suan.p1-2"
CLEAN_ROOM: Final = "ban-suan.a1-1"
SCREEN: Final = (1280, 720)
PHONE: Final = (360, 740)

Who = Literal["visitor", "account"]


@dataclass(frozen=True)
class Picture:
    """One page once in each language. `path` has {places}, which the pictured school fills.

    `route`: the address as dashboard/access/roles.py spells it. `phone`: also as wide as a phone. `late`: put together
    in the browser, waited for.
    """

    name: str
    path: str
    route: str
    who: Who = "visitor"
    phone: bool = False
    late: bool = False

    def files(self, language: str) -> list[tuple[str, tuple[int, int]]]:
        """Names of its files, each with the size of its screen in pixels."""
        files = [(f"{self.name}-{language}.png", SCREEN)]
        return [*files, (f"{self.name}-{language}-phone.png", PHONE)] if self.phone else files


LIGHT: Final = (
    Picture("display", f"/display/{ROOM}?theme=dark", "/display/{room}"),
    Picture("display-light", f"/display/{ROOM}?theme=light", "/display/{room}"),
    Picture("displays", "/display", "/display"),
    Picture("door", f"/door/{ROOM}", "/door/{room}", phone=True),
    Picture("town", "/town", "/town", phone=True),
    Picture("week", "/report/{week}", "/report/{token}"),
    Picture("month", "/paper/month/{month}", "/paper/month/{token}"),
    Picture("clean-room", f"/clean-rooms/{CLEAN_ROOM}", "/clean-rooms/{room}", "account"),
    Picture("report", f"/report?room={ROOM}", "/report", phone=True),
    Picture("ticket", "/ticket/{ticket}", "/ticket/{token}", phone=True),
    Picture("notify", "/notify/{notify}", "/notify/{token}"),
    Picture("activity", f"/activity/{ROOM}?at=09:20&until=09:40", "/activity/{room}"),
    Picture("training", "/training?d=co", "/training"),
    Picture("login", "/login", "/login", phone=True),
    Picture("phones", "/phones", "/phones", "account"),
)

# What stands in a working page's <place>.
PLACES: Final = {"room": ROOM, "episode": "{episode}"}


def pictures(routes: Iterable[str]) -> list[Picture]:
    """All of them. `routes`: those that the dashboard has, each {place} in braces.

    Raises KeyError for a working page with a <place> that is not in PLACES.
    """
    there = set(routes)
    return [*(_working(page) for page in registry.find()), *(one for one in LIGHT if one.route in there)]


def _working(page: Page) -> Picture:
    path = page.path
    for place in (part.partition(">")[0] for part in page.path.split("<")[1:]):
        path = path.replace(f"<{place}>", PLACES[place])
    name = page.name.replace("_", "-")
    picture = Picture(name, path, page.route, "account", late=not page.light)
    return replace(picture, phone=page.name == "purifier")


def files(routes: Iterable[str]) -> set[str]:
    """Names of all files that belong into FOLDER."""
    return {name for one in pictures(routes) for language in i18n.LANGUAGES for name, _ in one.files(language)}
