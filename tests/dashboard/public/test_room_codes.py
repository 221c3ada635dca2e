"""The code on a door sign."""

from __future__ import annotations

from pathlib import Path

import pytest

from classair.places import Places
from dashboard.access.desk_file import DeskFile
from dashboard.public import code_command
from dashboard.public.room_codes import RoomCodes


def test_a_room_keeps_its_six_digits_and_they_lead_to_it_alone(tmp_path: Path) -> None:
    codes = RoomCodes(DeskFile(tmp_path / "desk.db"))
    first, second = codes.code_of("school-a.p1-1"), codes.code_of("school-a.p1-2")
    assert first != second and all(len(code) == 6 and code.isascii() and code.isdigit() for code in (first, second))
    again = RoomCodes(DeskFile(tmp_path / "desk.db"))
    assert again.code_of("school-a.p1-1") == first
    assert again.room_of(first) == "school-a.p1-1" and again.room_of(second) == "school-a.p1-2"


def test_a_renewed_code_replaces_the_old_one_which_never_leads_anywhere_again() -> None:
    codes = RoomCodes(DeskFile())
    old = codes.code_of("school-a.p1-1")
    new = codes.renew("school-a.p1-1")
    assert new != old and codes.code_of("school-a.p1-1") == new and codes.room_of(old) is None


@pytest.mark.parametrize("code", ["", "000000", "12345", "1234567", "๔๘๒๙๑๓", "' or 1=1 --"])
def test_what_is_no_code_leads_nowhere(code: str) -> None:
    codes = RoomCodes(DeskFile())
    codes.code_of("school-a.p1-1")
    assert codes.room_of(code) is None


def test_the_command_in_a_mistyped_folder_makes_no_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert code_command.main(["school-a.p1-1", "--data", str(tmp_path / "wrong")]) == 2
    assert "no configuration" in capsys.readouterr().err and not Places(tmp_path / "wrong").root.exists()
