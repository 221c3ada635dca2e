"""One screen, one story: a room's page with its tiles, and the overview with its cards, walked through as served.

States are drawn from all that can stand beside each other, and each is looked at while it is fresh, late and too old.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

import pytest

from classair import i18n
from classair.science.state import (
    CO2,
    CO2_WINDOW_MS,
    PM25,
    PM_LEVELS,
    PM_WINDOW_MS,
    Measure,
    RoomMemory,
    Scale,
    Sight,
    Track,
    co2_level,
    current,
    follow,
    pm25_level,
    room_state,
)
from classair.units import MINUTE_MS
from classair.wire import Current, PurifierState, RoomState
from dashboard.line import card as line_card
from tests.classair.science.contradictions import contradiction
from tests.classair.science.test_one_story import AIR, DUST, OVER, PLACES, PLAY, UNITS
from tests.dashboard.conftest import House, now_ms
from tests.dashboard.seen_markup import Node, read

ROOM: Final = "ban-suan.p1-2"
YARD: Final = "ban-suan.yard"
DRAWN: Final = 28
AGES: Final = (0, 4 * MINUTE_MS, 16 * MINUTE_MS)


def outside_now(value: float | None, at: int) -> Current:
    track = Track() if value is None else Track(at, value, pm25_level(value), "", 0, PM25.shown(value), at)
    return current(track, Measure(), at, source=YARD)


def drawn(rng: random.Random, at: int) -> tuple[RoomState, RoomState]:
    """A room's state, and that of the yard beside it."""
    inside, outside, (co2, lasting) = rng.choice(DUST), rng.choice(DUST), rng.choice(AIR)
    units, play, place = rng.choice(UNITS), rng.choice(PLAY), rng.choice(PLACES)
    sensitive, told_at = rng.random() < 0.2, rng.choice([None, at - MINUTE_MS])
    outdoor = outside_now(outside, at - rng.choice([0, 0, 100_000, 170_000, 800_000]))
    sight = Sight(
        ROOM,
        has=place | ({"purifier"} if units else set()),
        pm25=Measure(at, inside) if inside is not None else Measure(),
        co2=Measure(at, co2) if co2 is not None else Measure(),
        outdoor=outdoor,
        play_level=play[0],
        play_over=play[1],
        purifiers=tuple(of_room(unit, at) for unit in units[:1]),
        sensitive=sensitive,
        told_at=told_at,
        simulated=True,
    )
    memory = RoomMemory(co2_above=tuple((limit, at - 60 * MINUTE_MS) for limit in lasting))
    yard = Sight(
        YARD,
        is_outdoor=True,
        pm25=Measure(outdoor.newest_at, outside) if outside is not None else Measure(),
        play_level=play[0],
        play_over=play[1],
        simulated=True,
    )
    return room_state(sight, memory, at)[0], room_state(yard, RoomMemory(), at)[0]


def of_room(unit: PurifierState, at: int) -> PurifierState:
    moved = {"purifier": f"{ROOM}-fan", "room": ROOM, "at": at, "since": at - (unit.at - unit.since)}
    return unit.model_copy(update=moved)


# -- what a page says --------------------------------------------------------------------------------------------------


def tile(place: Node, language: str, key: str) -> Node | None:
    """What stands beside a name in a list of facts."""
    name, after = i18n.t(language, key), False
    for one in place.walk():
        if one.tag == "dt":
            after = one.text == name or one.text.startswith(f"{name} ·")
        elif one.tag == "dd" and after:
            return one
    return None


def level_in(place: Node) -> str:
    """1 … 5 of the level that is seen in a place; ? where none is."""
    found = [one.attributes.get("data-level", "") for one in place.by_class("level") if one.phase != "unknown"]
    known = [str(PM_LEVELS.index(one) + 1) for one in found if one in PM_LEVELS]
    return known[0] if known else "?"


def beside(place: Node, outside: Node | None, said: str, state: RoomState, language: str) -> Iterator[str]:
    yield f"tile:inside {level_in(place.by_class('level')[0])}"
    if outside is not None:
        level = level_in(outside)
        yield f"tile:outside {level}"
        if level in "12" and not any(words in said for words in OVER):
            yield f"tile:outside {level} without words"
    purifier = tile(place, language, "pages.purifier_label")
    if purifier is not None:
        lamps = [name for lamp in purifier.by_class("lamp") for name in lamp.classes if name != "lamp"]
        yield f"tile:purifier {(lamps[0] if lamps[0] != 'unknown' else '?') if lamps else 'none'}"
    air = tile(place, language, "pages.co2")
    if air is not None and i18n.t(language, "ventilation.stuffy").lower() in air.text.lower():
        yield "tile:air stuffy"
    if state.told_at is None:
        yield "told: nobody"


def sentences(place: Node) -> str:
    told = [one.text for name in ("action", "reason") for one in place.by_class(name)]
    return " ".join(f"| {text.lower()}" for text in told)


def screens(house: House, language: str) -> dict[str, tuple[Node, Node | None]]:
    """The room's page and its card on the overview, each with what is said of the outdoors on the same screen."""
    page, overview = (read(house.ask(f"{path}?lang={language}").text) for path in (f"/room/{ROOM}", "/"))
    now = next(one for one in page.walk(seen=False) if one.attributes.get("id") == "room-now")
    card = next(
        one
        for one in overview.walk(seen=False)
        if "card" in one.classes
        and any(ROOM in inner.attributes.get("href", "") for inner in one.walk(seen=False) if inner.tag == "a")
    )
    return {
        "room": (now, tile(now, language, "pages.outdoor")),
        "overview": (card, tile(overview, language, "pages.outdoor")),
    }


def alive(house: House, at: int) -> None:
    house.still_at = at
    house.offset_ms = at - now_ms()
    house.alive()


def test_room_page_and_overview_say_nothing_that_their_tiles_contradict(own_house: House) -> None:
    house, rng, begin = own_house, random.Random(8), now_ms()
    kinds: Counter[str] = Counter()
    for number in range(DRAWN):
        language, at = rng.choice(("th", "en")), begin + number * 60 * MINUTE_MS
        alive(house, at)
        state, yard = drawn(rng, at)
        house.put(yard)
        house.put(state)
        for age in AGES:
            alive(house, at + age)
            for name, (place, outside) in screens(house, language).items():
                said = sentences(place)
                known = " | ".join([*beside(place, outside, said, state, language), ""])
                kinds.update(one for one in known.split(" | ") if one)
                against = contradiction(said, known, language)
                assert not against, f"{name}, {language}, {age // 1000} s: {against}: {said} {known}"
                # No tile is empty: it has a value or says that there is none.
                for one in (outside, *(tile(place, language, key) for key in ("pages.co2", "pages.purifier_label"))):
                    assert one is None or one.text, (name, state)
    wanted = {f"tile:inside {level}" for level in "12345?"} | {f"tile:purifier {word}" for word in ("on", "off", "?")}
    assert kinds.keys() >= wanted | {"tile:outside ?", "tile:air stuffy"}, kinds


# -- a level that is held ----------------------------------------------------------------------------------------------


def moving(rng: random.Random, at: int) -> Iterator[RoomState]:
    """Half a minute at a time, numbers that go to and fro over the ends of their levels."""
    memory, outdoors = RoomMemory(), Track()
    dust, outside, air = 24.0, 37.0, 1000.0
    while True:
        dust, outside = dust + rng.gauss(0, 1), outside + rng.gauss(0, 1)
        air += 0.1 * (1000.0 - air) + rng.gauss(0, 20)
        outdoors = follow(outdoors, Measure(at, outside), PM25)
        sight = Sight(
            ROOM,
            pm25=Measure(at, dust),
            co2=Measure(at, air),
            outdoor=current(outdoors, Measure(at, outside), at, source=YARD),
            simulated=True,
        )
        told, memory = room_state(sight, memory, at)
        yield told
        at += MINUTE_MS // 2


def held(value: Current, scale: Scale) -> bool:
    return scale.level_of(float(value.shown)) != value.level


def test_a_number_beside_a_level_that_is_held_is_never_without_a_word(own_house: House) -> None:
    house, rng, begin = own_house, random.Random(3), now_ms()
    assert (PM_WINDOW_MS, CO2_WINDOW_MS) == (15 * MINUTE_MS, 5 * MINUTE_MS)
    seen: Counter[str] = Counter()
    steps = moving(rng, begin)
    for _ in range(50):
        state, language = next(steps), rng.choice(("th", "en"))
        alive(house, state.at)
        house.put(state)
        word = i18n.t(language, "pages.held")
        pages = screens(house, language)
        now, outside = pages["room"]
        card, _ = pages["overview"]
        air = [tile(place, language, "pages.co2") for place in (now, card)]
        door = read(house.ask(f"/door/{ROOM}?lang={language}").text)
        for name, place, value, scale in (
            ("room", now.by_class("now-level")[0], state.pm25, PM25),
            ("outside", outside, state.outdoor, PM25),
            ("air", air[0], state.co2, CO2),
            ("air on card", air[1], state.co2, CO2),
            ("door", door.by_class("door-level")[0], state.pm25, PM25),
        ):
            assert place is not None
            assert (word in place.text) == held(value, scale) == value.held, (name, value, place.text)
            seen[name] += value.held
        message = line_card.message(house.config, ROOM, state, language, state.at)
        assert (word in json.dumps(message["contents"], ensure_ascii=False)) == state.pm25.held
        # On the card the word stands below the number, apart from that of CO2.
        assert (word in card.by_class("aged")[0].text) == state.pm25.held
    assert all(5 <= count <= 45 for count in seen.values()), seen


@pytest.mark.parametrize(("scale", "levels"), [(PM25, pm25_level), (CO2, co2_level)])
def test_held_says_that_the_level_is_not_that_of_its_number(scale: Scale, levels: Any) -> None:
    rng, track, at = random.Random(1), Track(), 0
    ends = 25.0 if scale is PM25 else 1000.0
    told = Counter[bool]()
    for _ in range(400):
        at += rng.choice([30_000, 60_000, 30 * MINUTE_MS])
        track = follow(track, Measure(at, rng.choice([ends * 0.97, ends * 1.02, ends * 3])), scale)
        value = current(track, Measure(), at)
        assert value.held == (levels(value.value) != value.level)
        told[value.held] += 1
    assert min(told.values()) > 20
