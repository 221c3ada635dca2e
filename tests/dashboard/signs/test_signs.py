"""Door signs: one page for each classroom, with its address and its code, and words when something is missing."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from classair import config as configuration
from classair.places import Places, write_atomically
from classair.wire import ConfigAnnouncement
from dashboard.access.desk_file import DeskFile
from dashboard.public.room_codes import RoomCodes
from dashboard.reports import engine
from dashboard.signs import command
from dashboard.signs.sheets import document, rooms_of, signs

ROOT = Path(__file__).parents[3]
SCHOOLS = ROOT / "sensors.yaml"

papers = pytest.mark.skipif(bool(engine.unavailable()), reason=engine.unavailable() or "papers can be made")


@pytest.fixture
def demo() -> Any:
    return configuration.load(SCHOOLS)


def test_every_classroom_has_a_sign_and_the_yard_has_none(demo: Any) -> None:
    rooms = rooms_of(demo)
    assert sorted(rooms) == sorted(full for full, room in demo.rooms() if not room.outdoor)
    names = [demo.room(room).name.in_("th") for room in rooms_of(demo, ["ban-suan"])]
    assert names.index("ป.1/2") < names.index("ป.1/10")
    assert rooms_of(demo, [], ["rim-khlong.a2-1"]) == ["rim-khlong.a2-1"]


@pytest.mark.parametrize(("sites", "rooms"), [(["nowhere"], []), ([], ["ban-suan.yard"]), ([], ["ban-suan.p9-9"])])
def test_what_does_not_exist_is_named_beside_what_does(demo: Any, sites: list[str], rooms: list[str]) -> None:
    with pytest.raises(ValueError, match="known: "):
        rooms_of(demo, sites, rooms)


def test_a_sign_says_the_room_its_address_and_its_code_and_hostile_names_are_text(demo: Any) -> None:
    codes = RoomCodes(DeskFile())
    demo.sites["ban-suan"].rooms["p1-2"].name.root["th"] = "<b>ป.1/2"
    made = signs(demo, ["ban-suan.p1-2"], "https://air.example", "th", codes.code_of)
    html = document(made, "th")
    assert codes.code_of("ban-suan.p1-2") in html
    assert "https://air.example/door/ban-suan.p1-2" in html
    assert "&lt;b&gt;ป.1/2" in html and "<b>ป.1/2" not in html
    assert "ข้อมูลจำลอง" in html


@papers
def test_one_command_makes_a_page_of_a5_for_each_classroom(demo: Any, tmp_path: Path) -> None:
    from pypdfium2 import PdfDocument

    codes = RoomCodes(DeskFile())
    made = signs(demo, rooms_of(demo), "https://air.example", "th", codes.code_of)
    pdf = engine.render(document(made, "th"), "pdf", title="x", language="th")
    with PdfDocument(io.BytesIO(pdf)) as read:
        assert len(read) == len(made)
        for page in read:
            assert page.get_size() == pytest.approx((419.5, 595.3), abs=0.5)


@papers
def test_the_command_writes_the_file_and_signs_made_again_carry_the_same_codes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    places, target = Places(tmp_path / "data"), tmp_path / "signs.pdf"
    news = ConfigAnnouncement(version=1, accepted_at=1, text=SCHOOLS.read_text("utf-8"))
    write_atomically(places.accepted_config, news.model_dump_json().encode())
    asked = ["--data", str(places.root), "--site", "rim-khlong", "--output", str(target)]
    assert command.main(asked) == 2
    assert "phones need an address" in capsys.readouterr().err
    assert not target.exists()
    assert command.main([*asked, "--address", "https://air.example"]) == 0
    first = target.read_bytes()
    assert first.startswith(b"%PDF-")
    assert command.main([*asked, "--address", "https://air.example"]) == 0
    assert target.read_bytes() == first


def test_in_a_mistyped_data_folder_nothing_is_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--data", str(tmp_path / "none"), "--output", str(tmp_path / "s.pdf")]) == 2
    assert "no configuration" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
