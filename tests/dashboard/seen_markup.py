"""What a reader sees of a served page without a browser: of each value the words that fit its age."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Final

_EMPTY: Final = frozenset({"img", "br", "meta", "link", "input", "hr", "rect", "path", "wbr"})
_SHOWN: Final = {
    "if-known": {"ok", "late", ""},
    "if-unknown": {"unknown", ""},
    "if-ok": {"ok", ""},
    "if-late": {"late", ""},
}


@dataclass
class Node:
    """An element. `phase`: that of the value it belongs to, the nearest one around it."""

    tag: str
    attributes: dict[str, str]
    phase: str = ""
    children: list[Node | str] = field(default_factory=list)

    @property
    def classes(self) -> list[str]:
        return self.attributes.get("class", "").split()

    @property
    def is_seen(self) -> bool:
        """Whether it is itself shown at the age of its value."""
        return all(self.phase in _SHOWN[name] for name in self.classes if name in _SHOWN)

    def walk(self, *, seen: bool = True) -> Iterator[Node]:
        """Itself and all in it; only what is shown when `seen`."""
        if seen and not self.is_seen:
            return
        yield self
        for child in self.children:
            if isinstance(child, Node):
                yield from child.walk(seen=seen)

    def all(self, wanted: Callable[[Node], bool]) -> list[Node]:
        return [one for one in self.walk() if wanted(one)]

    def by_class(self, name: str) -> list[Node]:
        return self.all(lambda one: name in one.classes)

    @property
    def text(self) -> str:
        """The words that are seen; those that a script fills in are not there."""
        if not self.is_seen:
            return ""
        parts = (child if isinstance(child, str) else child.text for child in self.children)
        return " ".join(" ".join(parts).split())


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Node("", {})
        self._open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        node = Node(tag, attributes, attributes.get("data-phase", self._open[-1].phase))
        self._open[-1].children.append(node)
        if tag not in _EMPTY:
            self._open.append(node)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _EMPTY:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if any(one.tag == tag for one in self._open[1:]):
            while self._open.pop().tag != tag:
                pass

    def handle_data(self, data: str) -> None:
        self._open[-1].children.append(data)


def read(markup: str) -> Node:
    reader = _Reader()
    reader.feed(markup)
    return reader.root
