"""The fake's rich menus: made, given a picture, named by an alias, shown to all or to one user; by LINE's rules."""

from __future__ import annotations

import re
import secrets
import struct
from typing import Any, Final

Found = tuple[int, dict[str, Any]]

_ALIAS: Final = re.compile(r"[a-z0-9_-]{1,32}")
_LARGEST: Final = 1024 * 1024


class RichMenus:
    """`default`: what users without one of their own see. `of_user`: by user id."""

    def __init__(self) -> None:
        self.menus: dict[str, dict[str, Any]] = {}
        self.pictures: dict[str, bytes] = {}
        self.aliases: dict[str, str] = {}
        self.default = ""
        self.of_user: dict[str, str] = {}

    def answer(self, method: str, path: str, body: Any) -> Found | None:
        """None for what is no request about menus."""
        parts = path.removeprefix("/v2/bot/").split("/")
        given = body if isinstance(body, dict) else {}
        match method, parts:
            case "POST", ["richmenu"]:
                return self._make(given)
            case "GET", ["richmenu", "list"]:
                return 200, {"richmenus": [{"richMenuId": key, **menu} for key, menu in self.menus.items()]}
            case "DELETE", ["richmenu", menu]:
                return (200, {}) if self._delete(menu) else _not_found()
            case "POST", ["richmenu", "alias"]:
                name, menu = str(given.get("richMenuAliasId")), str(given.get("richMenuId"))
                if not _ALIAS.fullmatch(name) or name in self.aliases:
                    return 400, {"message": "conflict richmenu alias id"}
                return self._name(name, menu)
            case "POST", ["richmenu", "alias", name]:
                return self._name(name, str(given.get("richMenuId"))) if name in self.aliases else _not_found()
            case "GET", ["richmenu", "alias", name]:
                found = self.aliases.get(name)
                return (200, {"richMenuAliasId": name, "richMenuId": found}) if found else _not_found()
            case "POST", ["user", "all", "richmenu", menu]:
                if menu not in self.pictures:
                    return 400, {"message": "must upload richmenu image before applying it to user"}
                self.default = menu
                return 200, {}
            case "POST", ["user", user, "richmenu", menu]:
                if menu not in self.pictures:
                    return 400, {"message": "must upload richmenu image before applying it to user"}
                self.of_user[user] = menu
                return 200, {}
        return None

    def take_picture(self, menu: str, kind: str, picture: bytes) -> Found:
        """A PNG as large as the menu says; once."""
        known = self.menus.get(menu)
        if known is None:
            return _not_found()
        if menu in self.pictures:
            return 400, {"message": "An image has already been uploaded to the richmenu"}
        if kind not in ("image/png", "image/jpeg") or len(picture) > _LARGEST:
            return 400, {"message": "The image type or size is invalid"}
        if kind == "image/png":
            if picture[:8] != b"\x89PNG\r\n\x1a\n":
                return 400, {"message": "The image is broken"}
            width, height = struct.unpack(">II", picture[16:24])
            if known["size"] != {"width": width, "height": height}:
                return 400, {"message": "The image size and richmenu size do not match"}
        self.pictures[menu] = picture
        return 200, {}

    def _make(self, given: dict[str, Any]) -> Found:
        size, areas = given.get("size") or {}, given.get("areas")
        width, height = int(size.get("width", 0)), int(size.get("height", 0))
        if not (800 <= width <= 2500 and height >= 250 and width / height >= 1.45):
            return 400, {"message": "size: width 800 to 2500, height at least 250, width / height at least 1.45"}
        if not isinstance(areas, list) or not 1 <= len(areas) <= 20:
            return 400, {"message": "areas: 1 to 20"}
        for area in areas:
            bounds = area["bounds"]
            if bounds["x"] + bounds["width"] > width or bounds["y"] + bounds["height"] > height:
                return 400, {"message": "bounds: outside the menu"}
            action = area["action"]
            if action.get("type") != "message" or not action.get("text") or len(action.get("label", "")) > 20:
                return 400, {"message": "action: invalid"}
        if not given.get("name") or not 1 <= len(str(given.get("chatBarText", ""))) <= 14:
            return 400, {"message": "name and chatBarText: required, chatBarText at most 14 characters"}
        key = f"richmenu-{secrets.token_hex(16)}"
        self.menus[key] = given
        return 200, {"richMenuId": key}

    def _delete(self, menu: str) -> bool:
        self.pictures.pop(menu, None)
        self.aliases = {name: one for name, one in self.aliases.items() if one != menu}
        return self.menus.pop(menu, None) is not None

    def _name(self, name: str, menu: str) -> Found:
        if menu not in self.pictures:
            return 400, {"message": "richmenu not found, or without an image"}
        self.aliases[name] = menu
        return 200, {}


def _not_found() -> Found:
    return 404, {"message": "Not found"}
