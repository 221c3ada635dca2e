"""Links in messages: whose they are can be read, and nobody else can make one."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classair.alerting import links
from classair.alerting.links import Links, alert_link, base, make_key
from classair.config import Config, parse

NOW = 1_795_401_720_000
SMALLEST = "org: some-town\nsites: {a: {name: A, bridges: {b: {}}, rooms: {r: {name: R, outdoor: yes}}, sensors: {}}}\n"


@pytest.fixture(scope="module")
def config() -> Config:
    return parse(SMALLEST + "public_url: https://air.example/\n")


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "config" / "link-key"
    make_key(path)
    return path


def test_the_key_is_made_once_and_is_its_owners_alone(key: Path) -> None:
    before = key.read_bytes()
    make_key(key)
    assert key.read_bytes() == before
    assert stat.S_IMODE(key.stat().st_mode) == 0o600


def test_half_a_key_is_made_anew(key: Path) -> None:
    key.write_bytes(b"half")
    make_key(key)
    assert len(key.read_bytes()) >= 32


def test_a_link_leads_to_its_person(key: Path, config: Config) -> None:
    link = Links(key).preferences(config, "malee", NOW)
    assert link.startswith("https://air.example/notify/")
    assert Links(key).person(link.rpartition("/")[2], NOW) == "malee"


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("", ""),
        ("address: http://classair.local:8050\n", "http://classair.local:8050"),
        ("address: http://classair.local\npublic_url: https://air.example\n", "https://air.example"),
    ],
)
def test_the_internet_goes_before_the_schools_network_and_neither_is_no_link(key: Path, text: str, where: str) -> None:
    config = parse(SMALLEST + text)
    assert base(config) == where
    assert Links(key).preferences(config, "malee", NOW).startswith(f"{where}/notify/") is bool(where)
    assert alert_link(config, "a/b") == (f"{where}/alerts?alert=a%2Fb" if where else "")


def test_without_a_key_there_are_no_links(tmp_path: Path, config: Config) -> None:
    for without in (Links(None), Links(tmp_path / "nowhere")):
        assert without.preferences(config, "malee", NOW) == ""
        assert without.person("anything", NOW) is None


@settings(max_examples=50)
@given(token=st.text(max_size=300))
def test_what_nobody_signed_is_nobodys(tmp_path_factory: pytest.TempPathFactory, token: str) -> None:
    path = tmp_path_factory.mktemp("key") / "key"
    make_key(path)
    assert Links(path).person(token, NOW) is None


def test_a_changed_link_and_one_of_another_installation_are_nobodys(key: Path, config: Config, tmp_path: Path) -> None:
    token = Links(key).preferences(config, "malee", NOW).rpartition("/")[2]
    make_key(tmp_path / "other")
    assert Links(tmp_path / "other").person(token, NOW) is None
    for place in range(len(token)):
        changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        # The last character of a base64 text may hold bits that say nothing.
        assert Links(key).person(changed, NOW) in (None, "malee")
        assert place == len(token) - 1 or Links(key).person(changed, NOW) is None


def test_an_old_link_is_nobodys_and_its_age_cannot_be_changed(key: Path, config: Config) -> None:
    token = Links(key).preferences(config, "malee", NOW).rpartition("/")[2]
    assert Links(key).person(token, NOW + links.KEPT_S * 1000) == "malee"
    assert Links(key).person(token, NOW + links.KEPT_S * 1000 + 1000) is None


def test_each_attempt_to_deliver_a_message_has_the_same_link(key: Path, config: Config) -> None:
    first, second = (Links(key).preferences(config, "malee", NOW) for _ in range(2))
    assert first == second
