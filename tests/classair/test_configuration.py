"""sensors.yaml: what is accepted, and how everything wrong with it is said at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from classair import config as configuration
from classair.config.parts import part_text
from classair.config.yamltext import YamlFault, read

HERE = Path(__file__).resolve()
DEMO = next(parent for parent in HERE.parents if (parent / "sensors.yaml").exists()) / "sensors.yaml"


def faults_of(text: str, **env: str) -> list[str]:
    with pytest.raises(configuration.ConfigFaults) as caught:
        configuration.parse(text, env)
    return caught.value.faults


def changed(*pairs: tuple[str, str]) -> str:
    text = DEMO.read_text(encoding="utf-8")
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


def test_the_demo_file_has_two_schools_with_five_rooms_and_a_yard() -> None:
    config = configuration.load(DEMO)
    rooms = dict(config.rooms())
    assert len(config.sites) == 2
    assert sum(not room.outdoor for room in rooms.values()) == 5
    assert config.outdoor_of("ban-suan.p1-2") == "ban-suan.yard"
    assert config.outdoor_of("rim-khlong.a2-1") is None
    assert all(sensor.simulated for _, sensor in config.sensors())


def test_an_unknown_key_is_refused_with_its_path_and_the_nearest_known_one() -> None:
    assert faults_of(changed(("volume_m3: 180", "volum_m3: 180"))) == [
        "sites.ban-suan.rooms.p1-2.volum_m3: unknown key; did you mean volume_m3?"
    ]


def test_every_fault_is_said_at_once() -> None:
    found = faults_of(
        changed(
            ("org: demo-town", "org: Demo Town"),
            ("language: th", "language: no"),
            ("capacity: 32", "capacity: many"),
            ("off_below: 15}", "off_belo: 15}"),
        )
    )
    paths = [line.partition(":")[0] for line in found]
    assert paths == ["org", "language", "sites.ban-suan.rooms.p1-2.capacity", "rules.purifiers.off_belo"]


def test_what_contradicts_is_said_in_the_same_breath_as_what_is_malformed() -> None:
    found = faults_of(
        changed(
            ("volume_m3: 180", "volum_m3: 180"),
            ("on_above: 25", "on_above: ten"),
            ("room: p1-10, model: pms5003t", "room: p1-11, model: pms5003t"),
        )
    )
    assert [line.partition(":")[0] for line in found] == [
        "sites.ban-suan.rooms.p1-2.volum_m3",
        "rules.purifiers.on_above",
        "sites.ban-suan.sensors.p1-10-pm.room",
    ]


def test_a_sensor_in_an_unknown_room_is_answered_with_the_nearest_room() -> None:
    found = faults_of(changed(("room: p1-2, model", "room: p12, model")))
    assert found == ["sites.ban-suan.sensors.p1-2-pm.room: 'p12' is not a room of this site; did you mean p1-2?"]


def test_a_site_is_simulated_or_real_never_both() -> None:
    found = faults_of(
        changed(
            (
                'a1-1-pm: {bridge: suan-pi, room: a1-1, model: pms5003t, port: "sim:classroom"}',
                'a1-1-pm: {bridge: suan-pi, room: a1-1, model: pms5003t, port: "/dev/ttyUSB0"}',
            )
        )
    )
    assert len(found) == 1
    assert "simulated or real" in found[0] and "--data" in found[0]


def test_two_bridges_may_not_share_a_name_in_the_organisation() -> None:
    text = changed(("khlong-pi: {}", "suan-pi: {}")).replace("bridge: khlong-pi", "bridge: suan-pi")
    assert any("also has a bridge with this name" in line for line in faults_of(text))


def test_thresholds_closer_than_sensor_noise_are_refused() -> None:
    assert any("at least 5 µg/m³ below" in line for line in faults_of(changed(("off_below: 15}", "off_below: 22}"))))


def test_a_missing_secret_is_named_and_a_given_one_is_used() -> None:
    text = changed(("caretaker: {channel: console, language: th}", "caretaker: {channel: console, to: '${WHO}'}"))
    assert faults_of(text) == ["people.caretaker.to: environment variable WHO is not set"]
    assert configuration.parse(text, {"WHO": "me"}).people["caretaker"].model_extra == {"to": "me"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\na: 2", "duplicate key"),
        ("a: &x 1\nb: *x", "anchors"),
        ("a: [" * 30 + "]" * 30, "levels of nesting"),
        ("a: \x00", "line 1"),
        ("x: " + "y" * 300_000, "larger than 256 KiB"),
        ("? [1, 2]\n: 3", "plain text"),
    ],
)
def test_yaml_beyond_the_plain_is_refused_in_words(text: str, said: str) -> None:
    with pytest.raises(YamlFault, match=said) if "\x00" not in text else pytest.raises(YamlFault):
        read(text)


def test_scalars_stay_text() -> None:
    assert read("room: 0101\nlanguage: no\nat: 22:30\nempty:\n") == {
        "room": "0101",
        "language": "no",
        "at": "22:30",
        "empty": None,
    }


def test_a_bridges_part_holds_its_own_sensors_only_and_no_secret() -> None:
    text = changed(("caretaker: {channel: console, language: th}", "caretaker: {channel: console, to: '${WHO}'}"))
    text += "\npublic_url: https://air.example.org\nline: {api: 'http://127.0.0.1:8056'}\nprice_per_kwh: 4\n"
    part = part_text(text, "rim-khlong.khlong-pi")
    assert "ban-suan" not in part and "WHO" not in part and "people" not in part
    whole = configuration.parse(text, {"WHO": "me"})
    assert configuration.parse(part) == whole.part_for("rim-khlong.khlong-pi")


def test_a_file_that_is_missing_or_not_text_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(configuration.ConfigFaults, match="cannot read"):
        configuration.load(tmp_path / "none.yaml")
    (tmp_path / "bin.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(configuration.ConfigFaults, match="not UTF-8"):
        configuration.load(tmp_path / "bin.yaml")


def with_plug_at(url: str) -> str:
    section = "    purifiers:\n"
    return changed((section, f"{section}      new: {{room: p1-2, kind: tapo, cadr_m3h: 4, url: '{url}'}}\n"))


@pytest.mark.parametrize(
    "url", ["http://[", "http://a]", "http://plug:99999", "http://plug:0", "http://plug:x", "http://:80"]
)
def test_an_address_of_a_purifier_that_leads_nowhere_is_said(url: str) -> None:
    assert [line for line in faults_of(with_plug_at(url)) if ".purifiers.new.url: expected an address" in line]


@pytest.mark.parametrize(
    "url", ["http://192.168.40.30", "http://192.168.40.30:8080/", "https://plug.lan", "http://[fd00::1]:80"]
)
def test_an_address_of_a_purifier_may_have_a_port(url: str) -> None:
    assert dict(configuration.parse(with_plug_at(url), {}).purifiers())["ban-suan.new"].url == url
