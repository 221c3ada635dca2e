"""Whatever pieces come, in whatever order, the document becomes what the server would write; and nothing more moves."""

from __future__ import annotations

import random
from typing import Any

import pytest

from dashboard.frame.markup import hole, html, piece, whole

# A stream that the test speaks through.
STREAM = """window.EventSource = function () { const heard = {}; this.readyState = 1; this.close = () => {};
  this.addEventListener = (kind, call) => { heard[kind] = call; };
  window.say = (key, text) => heard.piece({data: JSON.stringify([key, text]), lastEventId: '1'}); };"""
SAME = """text => { const other = document.createElement('template'); other.innerHTML = text;
  const here = document.querySelector('[data-stream]').firstElementChild.cloneNode(true);
  here.normalize(); other.content.normalize(); return here.isEqualNode(other.content.firstElementChild); }"""


class Tree:
    """Pieces inside pieces, with words between them, that change by chance."""

    def __init__(self, chance: random.Random) -> None:
        self.chance, self.made = chance, 0
        self.inside: dict[str, list[str]] = {"": []}
        self.words: dict[str, str] = {"": "root"}
        self.kind: dict[str, str] = {"": "Div"}

    def step(self) -> None:
        key = self.chance.choice(list(self.words))
        match self.chance.randrange(5):
            case 0:
                self.words[key] = self.chance.choice(["<b>", "&", "", "ป.1/2", f"{self.chance.random()}"])
            case 1 | 2:
                self.made += 1
                new = f"card/{self.made}"
                self.inside[new], self.words[new] = [], f"new {self.made}"
                self.kind[new] = self.chance.choice(["Div", "Section", "Tr"])
                self._put(new, key)
            case 3 if key:
                self._take(key)
                rest = [other for other in self.words if other == "" or not self._under(key, other)]
                self._put(key, self.chance.choice(rest))
            case 4 if key and self.chance.random() < 0.6:
                self._take(key)
                for gone in [other for other in self.words if self._under(key, other)]:
                    del self.inside[gone], self.words[gone]

    def _put(self, key: str, into: str) -> None:
        self.inside[into].insert(self.chance.randrange(len(self.inside[into]) + 1), key)

    def _take(self, key: str) -> None:
        for members in self.inside.values():
            if key in members:
                members.remove(key)

    def _under(self, above: str, key: str) -> bool:
        return key == above or any(self._under(member, key) for member in self.inside[above])

    def pieces(self) -> dict[str, str]:
        return {key: self._piece(key) for key in self.words}

    def _piece(self, key: str) -> str:
        words, inside = self.words[key], self.inside[key]
        # Rows may stand in tables alone.
        rows = [hole(member) for member in inside if self.kind[member] == "Tr"]
        holes = [hole(member) for member in inside if self.kind[member] != "Tr"]
        content: list[Any] = [words, *holes]
        if words and len(inside) % 2:
            content = [html.P(words, title=words), *holes[:1], "–", *holes[1:]]
        if rows:
            content.insert(self.chance.randrange(2), html.Table(html.Tbody(rows)))
        inner = html.Td(content) if self.kind[key] == "Tr" else content
        return str(getattr(html, self.kind[key])(inner, className=f"c{len(inside)}", **piece(key)))


@pytest.mark.parametrize("seed", range(4))
def test_the_document_becomes_what_the_server_would_write(house: Any, chromium: Any, seed: int) -> None:
    chance = random.Random(f"pieces {seed}")
    tree = Tree(chance)
    page = chromium.new_page()
    page.add_init_script(STREAM)
    page.goto(f"{house.url}/?lang=en")
    page.wait_for_function("() => window.say")
    before: dict[str, str] = {}
    for _ in range(25):
        for _ in range(chance.randrange(1, 8)):
            tree.step()
        after = tree.pieces()
        changed = [(key, text) for key, text in after.items() if before.get(key) != text]
        chance.shuffle(changed)
        page.evaluate("all => all.forEach(([key, text]) => window.say(key, text))", changed)
        page.wait_for_function(SAME, arg=whole(after), timeout=10_000)
        before = after
    assert chromium.errors == []
