"""The account's rich menus by LINE's API: one for each language, found again by an alias of ours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from classair.line.answers import NotThere, Refused
from classair.line.client import AsyncLineClient, LineClient

LONGEST_PICTURE: Final = 1024 * 1024
LARGEST_WIDTH, SMALLEST_WIDTH, SMALLEST_HEIGHT, SMALLEST_RATIO = 2500, 800, 250, 1.45
_MENU, _ALIAS = "/v2/bot/richmenu", "/v2/bot/richmenu/alias"


@dataclass(frozen=True, slots=True)
class Area:
    """A field of the picture, in pixels; a tap on it writes `says` in the user's name. `label` for screen readers."""

    x: int
    y: int
    width: int
    height: int
    label: str
    says: str


@dataclass(frozen=True, slots=True)
class Menu:
    """`bar` stands on the bar that opens it (at most 14 characters), `name` is seen by nobody but us."""

    name: str
    bar: str
    width: int
    height: int
    areas: tuple[Area, ...]

    def body(self) -> dict[str, Any]:
        return {
            "size": {"width": self.width, "height": self.height},
            "selected": True,
            "name": self.name,
            "chatBarText": self.bar,
            "areas": [
                {
                    "bounds": {"x": one.x, "y": one.y, "width": one.width, "height": one.height},
                    "action": {"type": "message", "label": one.label, "text": one.says},
                }
                for one in self.areas
            ],
        }


def alias_of(language: str) -> str:
    """By which the menu of a language is found again."""
    return f"classair-{language}"


def put(client: LineClient, menu: Menu, picture: bytes, alias: str) -> str:
    """Makes the menu, gives it its picture (PNG) and its alias, and returns its id. Raises LineError.

    Menus of the same name that were there before go, so that it can be put as often as one likes.
    """
    if len(picture) > LONGEST_PICTURE:
        raise Refused(f"a menu's picture has at most {LONGEST_PICTURE} bytes, not {len(picture)}")
    before = [str(one.get("richMenuId")) for one in _listed(client) if one.get("name") == menu.name]
    made = str(client.ask("POST", _MENU, menu.body()).get("richMenuId", ""))
    client.send(f"{_MENU}/{made}/content", "image/png", picture)
    try:
        client.ask("POST", f"{_ALIAS}/{alias}", {"richMenuId": made})
    except (NotThere, Refused):
        client.ask("POST", _ALIAS, {"richMenuAliasId": alias, "richMenuId": made})
    for old in before:
        client.ask("DELETE", f"{_MENU}/{old}")
    return made


def show_to_all(client: LineClient, menu: str) -> None:
    """Everybody who has none of their own sees it."""
    client.ask("POST", f"/v2/bot/user/all/richmenu/{menu}")


async def show_to(client: AsyncLineClient, user: str, alias: str) -> bool:
    """One user sees the menu of this alias; False where there is none. Raises LineError."""
    try:
        found = await client.ask("GET", f"{_ALIAS}/{alias}")
    except NotThere:
        return False
    await client.ask("POST", f"/v2/bot/user/{user}/richmenu/{found.get('richMenuId')}")
    return True


def _listed(client: LineClient) -> list[dict[str, Any]]:
    found = client.ask("GET", f"{_MENU}/list").get("richmenus", [])
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
