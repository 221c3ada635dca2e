"""A page that does not say what it must is refused at the start, in words that name it."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from dashboard.access.roles import Need
from dashboard.frame import registry
from dashboard.frame.page import PageFault


def module(**said: Any) -> ModuleType:
    made = ModuleType("dashboard.pages.board")
    whole = {
        "PATH": "/board",
        "ORDER": 50,
        "TITLE_KEY": "pages.navigation",
        "NEED": Need.READ,
        "layout": lambda ctx, language: None,
        "callbacks": lambda app, ctx: None,
    }
    vars(made).update({key: value for key, value in {**whole, **said}.items() if value is not None})
    return made


def test_a_page_that_says_everything_is_offered() -> None:
    board = registry._page(module(), "board")
    assert (board.route, board.need, board.in_menu) == ("/board", Need.READ, True)


@pytest.mark.parametrize("key", ["PATH", "ORDER", "TITLE_KEY", "NEED", "layout", "callbacks"])
def test_a_page_that_leaves_something_out_is_refused_by_name(key: str) -> None:
    with pytest.raises(PageFault, match=f"dashboard/pages/board lacks: {key}"):
        registry._page(module(**{key: None}), "board")


@pytest.mark.parametrize("need", [Need.OPEN, Need.DISPLAY, Need.NOBODY])
def test_a_page_cannot_ask_for_less_than_reading(need: Need) -> None:
    with pytest.raises(PageFault, match="NEED must be one of READ"):
        registry._page(module(NEED=need), "board")


def test_a_title_without_a_text_is_refused() -> None:
    with pytest.raises(PageFault, match=r"the text 'board\.title'"):
        registry._page(module(TITLE_KEY="board.title"), "board")


def test_two_pages_cannot_have_one_address_and_none_that_of_another_route() -> None:
    from dashboard.app import _needs

    board, login = registry._page(module(), "board"), registry._page(module(PATH="/login"), "entry")
    with pytest.raises(PageFault, match="entry: /board is already the page board"):
        registry._refuse_twice([board, registry._page(module(), "entry")])
    with pytest.raises(PageFault, match="entry: /login"):
        _needs([board, login])
