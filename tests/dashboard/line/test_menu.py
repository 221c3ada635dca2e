"""The menu on the school's account: put by a command, in two languages, seen in the language that one chose."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from classair import i18n
from classair.service import Accepted
from dashboard.line.menu import command, drawing
from dashboard.line.understanding import understand
from dashboard.reports import engine
from simulator.line.server import LineFake
from tests.dashboard.line.conftest import Phone
from tests.neighbours import line

pytestmark = [
    pytest.mark.servers,
    pytest.mark.skipif(bool(engine.unavailable()), reason="pictures cannot be made here"),
]


@pytest.fixture
def data(tmp_path: Path, fake: LineFake, schools: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder whose accepted configuration has the fake as LINE."""
    config = schools.model_copy(update={"line": schools.line.model_copy(update={"api": fake.url})})
    monkeypatch.setattr(command, "Following", lambda _: type("F", (), {"current": Accepted(1, 0, "", config)})())
    return tmp_path


@pytest.mark.thorough
def test_the_command_puts_both_menus_and_again_replaces_them(
    data: Path, fake: LineFake, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["menu", "--data", str(data)]) == 0
    first = dict(fake.platform.menus.aliases)
    assert command.main(["menu", "--data", str(data)]) == 0
    menus = fake.platform.menus
    assert set(menus.aliases) == {"classair-th", "classair-en"} and not set(first.values()) & set(menus.menus)
    assert len(menus.menus) == 2 and menus.default == menus.aliases["classair-th"]
    thai = menus.menus[menus.default]
    assert [area["action"]["text"] for area in thai["areas"]] == [
        "อากาศตอนนี้",
        "รายงานสัปดาห์",
        "แจ้งปัญหา",
        "ห้องของฉัน",
        "เรื่องที่แจ้ง",
        "ช่วยเหลือ/English",
    ]
    assert len(capsys.readouterr().out.splitlines()) == 4


def test_whoever_chooses_a_language_sees_its_menu(data: Path, fake: LineFake, phone: Phone) -> None:
    assert command.main(["menu", "--data", str(data)]) == 0
    phone.says("English")
    assert fake.platform.menus.of_user[phone.user] == fake.platform.menus.aliases["classair-en"]


def test_without_a_menu_the_language_changes_all_the_same(fake: LineFake, phone: Phone) -> None:
    fake.platform.menus.aliases.clear()
    assert phone.says("English").startswith("Ask about a room")


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_each_field_is_understood_as_what_it_says(language: str) -> None:
    wishes = [understand(area.says).wish for area in drawing.menu(language).areas]
    assert wishes == ["air", "report", "problem", "rooms", "tickets", "help"]


def test_pictures_are_written_and_nothing_is_put(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["menu", "--save", str(tmp_path / "pictures")]) == 0
    assert [Path(name).name for name in capsys.readouterr().out.split()] == ["line-menu-th.png", "line-menu-en.png"]


def test_what_is_missing_is_said(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CLASSAIR_LINE_TOKEN", "wrong")
    assert command.main(["menu", "--data", str(data)]) == 1
    assert "401" in capsys.readouterr().err and line.TOKEN not in capsys.readouterr().err
    monkeypatch.delenv("CLASSAIR_LINE_TOKEN")
    assert command.main(["menu", "--data", str(data)]) == 2
    assert "CLASSAIR_LINE_TOKEN is not set" in capsys.readouterr().err
