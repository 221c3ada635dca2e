"""HTML as text says what the same tree would say in a browser, whatever stands in it."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import pytest
from dash import dcc
from dash import html as dash_html
from hypothesis import given
from hypothesis import strategies as st

from dashboard.frame.markup import fill_ages, hole, html, markup, piece, whole


class Reader(HTMLParser):
    """Elements, attributes and texts as a browser reads them."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Any] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.found and isinstance(self.found[-1], str):
            self.found[-1] += data
        else:
            self.found.append(data)


def read(text: str) -> list[Any]:
    reader = Reader()
    reader.feed(text)
    reader.close()
    return reader.found


WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1)


@given(WORDS, WORDS)
def test_texts_and_attributes_arrive_as_they_are_and_make_no_element(text: str, title: str) -> None:
    for made in (html.P(text, title=title), markup(dash_html.P(text, title=title))):
        assert read(made) == [("p", {"title": title}), text]


def test_both_ways_of_writing_give_the_same_elements() -> None:
    def tree(kind: Any, link: Any) -> Any:
        return kind.Div(
            [kind.Span(["a", kind.B(7), None], className="x", hidden=True, tabIndex=-1), link("go", href="/?a=1&b=2")],
            **{"data-late-at": "5", "aria-label": 'a "b"'},
        )

    assert read(tree(html, html.A)) == read(markup(tree(dash_html, dcc.Link)))


def test_what_only_dash_can_draw_and_inline_styles_are_refused() -> None:
    with pytest.raises(TypeError, match="Interval needs Dash"):
        markup(dash_html.Div(dcc.Interval(id="x")))
    with pytest.raises(TypeError, match="inline style"):
        html.Div(style={"color": "red"})


def test_pieces_fill_the_holes_of_others_and_a_hole_without_a_piece_is_nothing() -> None:
    pieces = {
        "": html.Ul([hole("b"), hole("gone"), hole("a")], **piece("")),
        "a": html.Li("1", **piece("a")),
        "b": html.Li(hole("a"), **piece("b")),
    }
    assert whole(pieces) == (
        '<ul data-piece=""><li data-piece="b"><li data-piece="a">1</li></li><li data-piece="a">1</li></ul>'
    )


def test_ages_are_filled_in_and_nothing_else_is_touched() -> None:
    text = html.P([html.Span(**{"data-age": "for", "data-at": "7"}, className="quiet"), " data-age=", html.B("x")])
    assert fill_ages(text, lambda form, at: f"{form} <{at}>") == (
        '<p><span data-age="for" data-at="7" class="quiet">for &lt;7&gt;</span> data-age=<b>x</b></p>'
    )
