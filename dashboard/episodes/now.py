"""The rooms of schools in smoke at this moment: ranked, with clean-room seats and the pupils who need one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from classair.config import Config
from classair.science.clean_rooms import RoomNow, Seats, class_is_there, count_seats, counted_for, rank
from classair.wire import RoomState


@dataclass(frozen=True, slots=True)
class SchoolNow:
    """`counted_for` is the moment whose timetable counts (UTC ms): now, or outside of school when it begins next."""

    site: str
    counted_for: int
    rooms: tuple[RoomNow, ...]
    seats: Seats


def schools(
    config: Config, state_of: Callable[[str], RoomState | None], sites: Iterable[str], now_ms: int
) -> list[SchoolNow]:
    """`state_of` gives a room's state as it stands at this moment; schools that are gone are left out."""
    return [_school(config, state_of, site, now_ms) for site in sites if site in config.sites]


def _school(config: Config, state_of: Callable[[str], RoomState | None], site: str, now_ms: int) -> SchoolNow:
    inside = {f"{site}.{key}": room for key, room in config.sites[site].rooms.items() if not room.outdoor}
    timetables = {name: config.timetable_of(name) for name in inside}
    at = counted_for(timetables.values(), now_ms)
    rooms = [
        RoomNow(
            name,
            _dust(state_of(name)),
            room.capacity,
            room.clean_room,
            class_is_there(room.clean_room, timetables[name], at),
        )
        for name, room in inside.items()
    ]
    return SchoolNow(site, at, tuple(rank(rooms)), count_seats(rooms))


def _dust(state: RoomState | None) -> float | None:
    return state.pm25.value if state is not None and state.pm25.status in ("ok", "late") else None
