"""What somebody wants to happen in the simulated schools."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from classair.config import Config
from simulator import service
from simulator.wishes import Wishes, WishFile, understood, write


def test_words_become_wishes_and_leave_those_before_in_force(town: Config) -> None:
    first = understood(["haze=90", "school.blue-pm=unplug", "school.blue-fan=press", "school.blue=60"], town, Wishes())
    assert first == Wishes(
        serial=1,
        haze=90,
        faults={"school.blue-pm": "unplug"},
        plugs={"school.blue-fan": "press"},
        indoor={"school.blue": 60},
    )
    second = understood(["school.red-pm=noise", "school.red-fan=offline"], town, first)
    assert second == Wishes(
        serial=2,
        haze=90,
        faults={"school.blue-pm": "unplug", "school.red-pm": "noise"},
        plugs={"school.red-fan": "offline"},
    )
    assert understood(
        ["haze=none", "school.blue-pm=none", "school.red-pm=none", "school.red-fan=none"], town, second
    ) == Wishes(serial=3)


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("haze", "expected name=wish"),
        ("haze=much", "expected a number"),
        ("haze=-5", "greater than or equal"),
        ("school.blue-pm=explode", "expected one of noise, cut, silence"),
        ("school.blue-fan=fly", "expected one of offline"),
        ("school.nobody=unplug", "not a sensor, purifier or room"),
    ],
)
def test_a_wrong_word_is_refused_with_what_would_be_right(town: Config, word: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        understood([word], town, Wishes())


def test_what_happens_once_happens_when_new_or_wished_again() -> None:
    nothing, press = Wishes(), Wishes(serial=1, plugs={"a.b": "press", "a.c": "offline"}, indoor={"a.r": 50})
    assert press.once_since(nothing) == Wishes(plugs={"a.b": "press"}, indoor={"a.r": 50})
    assert press.once_since(press) == Wishes()
    again = press.model_copy(update={"serial": 2})
    assert again.once_since(press) == Wishes(plugs={"a.b": "press"}, indoor={"a.r": 50})


def test_a_file_is_heard_once_and_a_faulty_one_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "sim" / "wishes.json"
    file = WishFile(path)
    assert file.changed() is None
    write(path, Wishes(haze=40))
    assert file.changed() == Wishes(haze=40)
    assert file.changed() is None
    for bad in ("{", '{"haze": "much"}', '{"weather": 1}', '{"faults": {"x": "unplug"}}', "[]", "\xff"):
        write(path, Wishes())
        path.write_bytes(bad.encode("latin-1"))
        assert file.changed() is None
        assert file.current == Wishes(haze=40)
    path.unlink()
    assert file.changed() == Wishes()


def test_the_command_writes_the_file_and_refuses_nonsense(
    tmp_path: Path,
    town_text: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    config = tmp_path / "sensors.yaml"
    config.write_text(town_text)
    options = ["--data", str(tmp_path / "data"), "--config", str(config)]
    assert service.main([*options, "wish", "haze=90", "school.red-pm=cut"]) == 0
    written = json.loads((tmp_path / "data" / "sim" / "wishes.json").read_text())
    assert written["haze"] == 90 and written["faults"] == {"school.red-pm": "cut"}
    assert service.main([*options, "wish", "school.red=cut"]) == 2
    assert "expected a number" in capsys.readouterr().err
    assert service.main([*options, "wsh", "haze=1"]) == 2


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "No such file"),
        ("org: x\nsitez: {}\n", "did you mean sites?"),
        ("a: [", "line"),
    ],
)
def test_a_history_without_a_configuration_says_what_is_wrong(
    tmp_path: Path,
    text: str | None,
    says: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    config = tmp_path / "sensors.yaml"
    if text is not None:
        config.write_text(text)
    assert service.main(["--history", "--data", str(tmp_path / "data"), "--config", str(config)]) == 2
    assert says in capsys.readouterr().err


def test_a_data_folder_that_cannot_be_written_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("no folder")
    assert service.main(["--history", "--data", str(tmp_path / "file")]) == 1
    assert str(tmp_path / "file") in capsys.readouterr().err
