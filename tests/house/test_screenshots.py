"""docs/screenshots shows every page in every language; the command that takes the pictures is docs/picturing."""

from __future__ import annotations

import re

import pytest

from classair import i18n
from dashboard.access.roles import TABLE
from dashboard.frame import registry
from docs.picturing import shown

# Light pages without a picture, each with the reason; a new one needs a picture in docs/picturing/shown.py or a line.
NOT_PICTURED = {
    "/follow/{token}": "one sentence and a button behind a link sent by mail",
    "/unfollow/{token}": "one sentence and a button behind a link sent by mail",
    "/login/with/{name}": "leads to a provider's own page",
    "/login/from/{name}": "leads from a provider's own page",
    "/record/{token}": "a list of files behind the link of a signed record",
    "/record/{token}/{name}": "a file",
    "/record-key": "a file",
    "/photo/{token}": "somebody's photo",
    "/display/worker": "a script",
    "{path:path}": "the framework's",
    "/{rest:path}": "one sentence: nothing is here",
}
# What carries pages and what programs read.
NO_PAGES = re.compile(r"^/(_|assets|api/|sta/)|/(live|now|line)$|\.(pdf|png|json)$")
ONE_BYTES, ALL_BYTES = 150_000, 6_000_000

WORKING = [page.route for page in registry.find()]
ROUTES = [*WORKING, *(path for _, path in TABLE)]
FILES = shown.files(ROUTES)


def test_every_working_page_is_pictured() -> None:
    assert {one.route for one in shown.pictures(ROUTES)} >= set(WORKING)


def test_every_light_page_is_pictured_or_says_why_not() -> None:
    pages = {path for method, path in TABLE if method == "GET" and not NO_PAGES.search(path)}
    pictured = {one.route for one in shown.pictures(ROUTES)}
    assert pages - pictured - set(NOT_PICTURED) == set()
    assert set(NOT_PICTURED) <= pages - pictured


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_picture_is_there_and_small(name: str) -> None:
    path = shown.FOLDER / name
    assert path.exists(), "take it: make screenshots"
    assert path.stat().st_size <= ONE_BYTES


def test_no_picture_is_left_of_a_page_that_is_gone_and_all_are_small_together() -> None:
    there = sorted(shown.FOLDER.glob("*"))
    assert {path.name for path in there} == FILES
    assert sum(path.stat().st_size for path in there) <= ALL_BYTES


def test_names_tell_page_language_and_phone_and_none_comes_twice() -> None:
    names = [name for one in shown.pictures(ROUTES) for language in i18n.LANGUAGES for name, _ in one.files(language)]
    assert len(names) == len(set(names))
    languages = "|".join(i18n.LANGUAGES)
    assert all(re.fullmatch(rf"[a-z][a-z-]*-({languages})(-phone)?\.png", name) for name in names)
