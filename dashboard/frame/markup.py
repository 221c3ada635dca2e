"""HTML as text, for what reaches a browser without Dash: light pages and the pieces of live ones.

`html` is written as `dash.html` is, `html.Div([…], className="card")`, and gives text at once: a live page renders
again at every change, and a tree of Dash's components takes ten times as long.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from dash.development.base_component import Component
from markupsafe import Markup, escape

HOLE: Final = "data-hole"
_VOID: Final = frozenset({"br", "hr", "img", "input", "link", "meta"})
_NAMES: Final = {"className": "class", "tabIndex": "tabindex", "colSpan": "colspan", "hrefLang": "hreflang"}
# What every component of Dash carries beside its attributes.
_INSIDE: Final = frozenset(
    {"children", "_prop_names", "_valid_wildcard_attributes", "available_properties", "available_wildcard_properties"}
)
_HOLE: Final = re.compile(rf'<template {HOLE}="([^"]*)"></template>')
_AGE: Final = re.compile(r'( data-age="(\w+)" data-at="(\d+)"[^>]*>)(?=</)')


class _Elements:
    """Makes the function of each element when it is first asked for."""

    def __getattr__(self, kind: str) -> Callable[..., Markup]:
        tag = kind.lower()

        def element(children: Any = None, **attributes: Any) -> Markup:
            into: list[str] = []
            _write_element(tag, children, attributes, into)
            return Markup("".join(into))  # noqa: S704  escaped where it was written

        setattr(self, kind, element)
        return element


html: Final = _Elements()


def markup(node: Any) -> Markup:
    """A tree of Dash's plain elements and links, or text, as HTML.

    Raises TypeError for what only Dash can draw, and for inline styles, which light pages may not have.
    """
    into: list[str] = []
    _write(node, into)
    return Markup("".join(into))  # noqa: S704  escaped where it was written


def piece(key: str) -> dict[str, str]:
    """The attribute by which the page's script finds a piece again."""
    return {"data-piece": key}


def hole(key: str) -> Markup:
    """The place of another piece inside a piece; a template may stand anywhere in a document."""
    return html.Template(**{HOLE: key})


def whole(pieces: Mapping[str, str], key: str = "") -> str:
    """A piece with every hole filled."""
    return _HOLE.sub(lambda found: whole(pieces, found[1]) if found[1] in pieces else "", pieces[key])


def fill_ages(text: str, words: Callable[[str, int], str]) -> str:
    """Ages, which pieces leave open, as they are at this moment. `words` is given the form and since when (UTC ms)."""
    return _AGE.sub(lambda found: found[1] + str(escape(words(found[2], int(found[3])))), text)


def _write(node: Any, into: list[str]) -> None:
    if isinstance(node, str):
        into.append(node if isinstance(node, Markup) else str(escape(node)))
    elif isinstance(node, list | tuple):
        for one in node:
            _write(one, into)
    elif isinstance(node, Component):
        namespace, kind = node._namespace, node._type
        if namespace != "dash_html_components" and kind != "Link":
            raise TypeError(f"{kind} needs Dash: it cannot be written as HTML")
        said = vars(node)
        # In an order that is the same in every process.
        attributes = {name: said[name] for name in sorted(said.keys() - _INSIDE)}
        _write_element("a" if kind == "Link" else kind.lower(), said.get("children"), attributes, into)
    elif node is not None:
        into.append(str(escape(node)))


def _write_element(tag: str, children: Any, attributes: Mapping[str, Any], into: list[str]) -> None:
    if "style" in attributes:
        raise TypeError(f"<{tag}> has an inline style: give it a class")
    into.append(f"<{tag}")
    for name, value in attributes.items():
        if value is None or value is False:
            continue
        into.append(f" {_NAMES.get(name, name)}" if value is True else f' {_NAMES.get(name, name)}="{escape(value)}"')
    into.append(">")
    if tag not in _VOID:
        _write(children, into)
        into.append(f"</{tag}>")
