"""Pieces of live pages: only what differs is sent, once for everybody, and nobody misses a change."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Set
from typing import Any

import pytest

from classair.wire import RoomState
from dashboard.live.hub import Hub
from dashboard.live.pieces import Board, Pieces


class Shelf:
    """A view whose pieces a test writes; counts how often it is asked."""

    every_s = 0.02

    def __init__(self) -> None:
        self.shown: dict[str, str] = {"": "root"}
        self.asked: list[set[str]] = []
        self.fault = ""

    def concerns(self, key: str) -> bool:
        return key.startswith("full/")

    def pieces(self, changed: Set[str]) -> Mapping[str, str]:
        self.asked.append(set(changed))
        if self.fault:
            raise ValueError(self.fault)
        return dict(self.shown)


def told(chunk: bytes) -> dict[str, str]:
    """The pieces in a chunk of the stream."""
    frames = [
        dict(line.split(": ", 1) for line in frame.split("\n")) for frame in chunk.decode().split("\n\n") if frame
    ]
    return dict(json.loads(frame["data"]) for frame in frames if frame["event"] == "piece")


def numbers(chunk: bytes) -> list[int]:
    return [int(line[4:]) for line in chunk.decode().split("\n") if line.startswith("id: ")]


def run(use: Callable[[Hub, Board, Shelf], Any]) -> Any:
    async def inside() -> Any:
        hub, shelf = Hub("b", lambda: 7), Shelf()
        return await use(hub, Pieces(hub).board("shelf/en", shelf), shelf)

    return asyncio.run(inside())


async def pieces_of(stream: Any) -> dict[str, str]:
    """The next chunk that has pieces."""
    while not (found := told(await anext(stream))):
        pass
    return found


def test_a_reader_is_given_everything_and_then_only_what_differs() -> None:
    async def use(hub: Hub, board: Board, shelf: Shelf) -> None:
        shelf.shown |= {"a": "1", "b": "1"}
        stream = board.stream(0, once=False)
        assert await pieces_of(stream) == {"": "root", "a": "1", "b": "1"}
        shelf.shown |= {"b": "2"}
        hub.publish("full/x.y", b"")
        assert await pieces_of(stream) == {"b": "2"}
        await stream.aclose()

    run(use)


def test_each_change_is_encoded_once_whatever_the_number_of_readers(monkeypatch: pytest.MonkeyPatch) -> None:
    from dashboard.live import pieces as module

    encoded: list[str] = []
    encode = module._frame

    def counted(key: str, text: str, number: int) -> bytes:
        encoded.append(text)
        return encode(key, text, number)

    monkeypatch.setattr(module, "_frame", counted)

    async def use(hub: Hub, board: Board, shelf: Shelf) -> None:
        streams = [board.stream(0, once=False) for _ in range(5)]
        for stream in streams:
            await pieces_of(stream)
        encoded.clear()
        shelf.shown |= {"a": "new"}
        assert [await pieces_of(stream) for stream in streams] == [{"a": "new"}] * 5
        assert encoded == ["new"]
        for stream in streams:
            await stream.aclose()

    run(use)


def test_whoever_comes_again_is_given_what_is_newer_and_a_piece_that_was_gone_in_between() -> None:
    async def use(hub: Hub, board: Board, shelf: Shelf) -> None:
        shelf.shown |= {"a": "1", "b": "1"}
        await board.renew()
        texts, newest = board.pieces()
        assert texts == shelf.shown
        del shelf.shown["a"]
        await board.renew()
        shelf.shown |= {"a": "1", "c": "1"}
        chunks = [chunk async for chunk in board.stream(newest, once=True)]
        assert told(chunks[-1]) == {"a": "1", "c": "1"}
        assert numbers(chunks[-1]) == sorted(numbers(chunks[-1])) and min(numbers(chunks[-1])) > newest

    run(use)


def test_numbers_of_a_slow_reader_grow_so_that_an_end_in_the_middle_loses_nothing() -> None:
    async def use(hub: Hub, board: Board, shelf: Shelf) -> None:
        shelf.shown |= {"a": "1", "b": "1"}
        stream = board.stream(0, once=False)
        await pieces_of(stream)
        for step in ("2", "3"):
            for key in ("a", "b") if step == "2" else ("a",):
                shelf.shown[key] = step
                await board.renew()
        chunk = await anext(stream)
        assert list(told(chunk).items()) == [("b", "2"), ("a", "3")]
        assert numbers(chunk) == sorted(numbers(chunk))
        await stream.aclose()

    run(use)


def test_a_view_hears_of_what_concerns_it_and_survives_its_own_faults() -> None:
    async def use(hub: Hub, board: Board, shelf: Shelf) -> None:
        stream = board.stream(0, once=False)
        await pieces_of(stream)
        shelf.fault = "a strange room"
        hub.publish("full/x.y", b"")
        hub.publish("health/sensor/x.y", b"")
        while not any(shelf.asked):
            await asyncio.sleep(0.01)
        assert {key for asked in shelf.asked for key in asked} == {"full/x.y"}
        shelf.fault, shelf.shown["a"] = "", "again"
        assert await pieces_of(stream) == {"a": "again"}
        await stream.aclose()

    run(use)


def test_a_view_that_nobody_wants_any_more_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dashboard.live.pieces.KEPT_S", 0.01)

    async def inside() -> None:
        boards = Pieces(Hub("b", lambda: 7))
        first = boards.board("shelf/en", Shelf())
        stream = first.stream(0, once=False)
        await pieces_of(stream)
        await asyncio.sleep(0.1)
        assert boards.board("shelf/en", Shelf()) is first
        await stream.aclose()
        while asyncio.all_tasks() != {asyncio.current_task()}:  # asking for the board would be another wish for it
            await asyncio.sleep(0.01)
        assert not first.wanted and boards.board("shelf/en", Shelf()) is not first

    asyncio.run(inside())


# -- over the web ------------------------------------------------------------------------------------------------------


def test_a_document_has_its_numbers_in_it_and_its_stream_goes_on_from_there(
    own_house: Any,
    make_state: Callable[..., RoomState],
) -> None:
    own_house.put(make_state("ban-suan.p1-2", 41.3, age_s=130))
    page = own_house.ask("/?lang=en").text
    assert "<b>41</b>" in page and "Starting to affect health" in page and "Measured 2 min ago" in page
    assert "<template" not in page, "every hole is filled"
    since = page.partition('data-since="')[2].partition('"')[0]
    address = f"/live/overview?lang=en&once=true&since={since}"
    assert told(own_house.ask(address).body) == {}
    own_house.put(make_state("ban-suan.p1-2", 12))
    found = told(own_house.ask(address).body)
    assert "<b>12</b>" in found["card/ban-suan.p1-2"]
    assert {key for key in found if key.startswith("card/")} == {"card/ban-suan.p1-2"}
    assert told(own_house.ask(f"/live/overview?lang=en&once=true&since={since}", Last_Event_ID="0").body).keys() > {
        "card/ban-suan.a1-1"
    }
    nowhere = own_house.ask("/room/no.where?lang=en")
    assert nowhere.status == 404 and "Room not found" in nowhere.text


def test_a_stream_asks_for_what_its_page_asks_for(make_house: Any) -> None:
    house = make_house(host="0.0.0.0")
    for path in ("/live/overview", "/live/health", "/live/room?room=ban-suan.p1-2"):
        assert house.ask(path).status == 401
    house.desk.add_account("some-viewer", "viewer", "four unrelated words here")
    headers = house.sign_in("some-viewer", "four unrelated words here")
    assert house.ask("/live/health?once=true", **headers).status == 200
