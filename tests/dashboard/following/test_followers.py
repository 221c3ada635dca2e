"""Who follows a room: kept with what they want, found by room, and erased without a trace."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dashboard.access.desk_file import DeskFile
from dashboard.following.followers import MOST_ROOMS, Followers, TooManyRooms
from tests.neighbours.line import user

PARENT, OTHER = user(3), user(4)


@pytest.fixture
def file(tmp_path: Path) -> Iterator[DeskFile]:
    made = DeskFile(tmp_path / "desk.db")
    yield made
    made.close()


@pytest.fixture
def followers(file: DeskFile) -> Followers:
    return Followers(file, iter(range(1, 1000)).__next__)


def test_a_follower_is_found_by_address_and_by_room_with_their_wishes(followers: Followers) -> None:
    followers.follow("line", PARENT, "ban-suan.p1-2", "th", weekly=True, alerts=False)
    followers.follow("line", PARENT, "ban-suan.p1-10", weekly=False, alerts=True)
    followers.follow("mail", "a@b.example", "ban-suan.p1-2", "en", weekly=True, alerts=False)
    assert [(one.room, one.weekly, one.alerts, one.language) for one in followers.of("line", PARENT)] == [
        ("ban-suan.p1-2", True, False, "th"),
        ("ban-suan.p1-10", False, True, "th"),
    ]
    assert [(one.channel, one.language) for one in followers.weekly("ban-suan.p1-2")] == [
        ("line", "th"),
        ("mail", "en"),
    ]
    assert [one.address for one in followers.to_alert("ban-suan.p1-10")] == [PARENT]
    assert PARENT not in repr(followers.of("line", PARENT))


def test_following_again_changes_the_wishes_and_not_the_number(followers: Followers) -> None:
    followers.follow("line", PARENT, "ban-suan.p1-2", weekly=False, alerts=False)
    followers.follow("line", PARENT, "ban-suan.p1-2", weekly=True, alerts=True)
    (one,) = followers.of("line", PARENT)
    assert one.weekly and one.alerts and one.at == 1


def test_nobody_follows_rooms_without_end(followers: Followers) -> None:
    for number in range(MOST_ROOMS):
        followers.follow("line", PARENT, f"s.r{number}", weekly=False, alerts=False)
    with pytest.raises(TooManyRooms):
        followers.follow("line", PARENT, "s.more", weekly=False, alerts=False)
    followers.follow("line", PARENT, "s.r1", weekly=True, alerts=False)


def test_one_room_can_be_left_and_the_others_stay(followers: Followers) -> None:
    for room in ("s.r1", "s.r2"):
        followers.follow("line", PARENT, room, weekly=True, alerts=False)
    assert followers.unfollow("line", PARENT, "s.r1") == 1
    assert [one.room for one in followers.of("line", PARENT)] == ["s.r2"]


def test_who_is_forgotten_leaves_no_byte_and_nobody_else_goes(followers: Followers, tmp_path: Path) -> None:
    followers.set_language("line", PARENT, "en")
    followers.follow("line", PARENT, "s.r1", weekly=True, alerts=False)
    followers.follow("line", OTHER, "s.r1", weekly=True, alerts=False)
    assert followers.forget("line", PARENT)
    assert not followers.forget("line", PARENT)
    on_disk = b"".join(path.read_bytes() for path in tmp_path.glob("desk.db*"))
    assert PARENT.encode() not in on_disk and OTHER.encode() in on_disk
    assert followers.language("line", PARENT) == ""
