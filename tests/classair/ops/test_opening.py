"""`classair open`: what it writes, for whom, and that nothing is opened wider than asked."""

from __future__ import annotations

import contextlib
import os
import re
import stat
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from classair.accounts import HOME_ASSISTANT, SERVICES, WATCH
from classair.config import parse
from classair.ops.brokerfiles import grants_of, mosquitto_conf
from classair.ops.opening import certificates, command, devices, listening, plan
from classair.ops.opening.plan import Opening
from classair.ops.opening.proxies import EXAMPLE, caddyfile, nginx_conf
from classair.places import Places

NOW = datetime.now(UTC)
NAMES = ["classair.local", "192.168.1.10"]
SCHOOL = """
org: test-town
language: LANGUAGE
public_url: https://air.my-school.ac.th
sites:
  school:
    name: {th: โรงเรียน, en: School}
    bridges: {box: {}}
    rooms: {a1: {name: {th: ป.1, en: P.1}, volume_m3: 180}}
    sensors: {}
    purifiers: {a1-fan: {room: a1, kind: tasmota, topic: socket-a1, cadr_m3h: 400}}
"""


@pytest.fixture
def opened(tmp_path: Path, program_of: Any, capsys: pytest.CaptureFixture[str]) -> Any:
    """`opened(*words, language="en")`: exit code and what it said."""
    program_of("openssl")

    def call(*words: str, language: str = "en") -> tuple[int, str]:
        (tmp_path / "sensors.yaml").write_text(SCHOOL.replace("LANGUAGE", language), "utf-8")
        code = command.main(["--config", str(tmp_path / "sensors.yaml"), "--data", str(tmp_path / "data"), *words])
        told = capsys.readouterr()
        return code, told.out + told.err

    return call


def test_it_writes_into_its_folder_alone_and_keys_are_the_owners(opened: Any, tmp_path: Path) -> None:
    code, said = opened("--address", "192.168.1.10", "--name", "classair.local", "--yes")
    assert code == 0 and "address: https://classair.local" in said and "https://air.my-school.ac.th" in said
    data = tmp_path / "data"
    assert [path.name for path in data.iterdir()] == ["open"]
    keys = list(data.rglob("*.key"))
    assert len(keys) == 2 and {stat.S_IMODE(key.stat().st_mode) for key in keys} == {0o600}
    assert stat.S_IMODE((data / "open" / "certificates").stat().st_mode) == 0o700
    opening = plan.remembered(Places(data))
    assert opening is not None and opening.public == "air.my-school.ac.th" and not opening.devices and not opening.plain
    assert "classair.local" in (data / "open" / "Caddyfile").read_text()
    assert opened("--close")[0] == 0
    assert list(data.iterdir()) == [] and opened("--close")[1].strip().startswith("Nothing is opened")


@pytest.mark.thorough
def test_opened_again_it_keeps_what_was_chosen_before(opened: Any, tmp_path: Path) -> None:
    assert opened("--address", "192.168.1.10", "--name", "classair.local", "--yes", "--devices", "--plain")[0] == 0
    assert opened("--yes", "--no-plain")[0] == 0
    opening = plan.remembered(Places(tmp_path / "data"))
    assert opening is not None and opening.devices and not opening.plain
    assert (opening.address, opening.name) == ("192.168.1.10", "classair.local")


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "127.0.0.1", "224.0.0.1", "everywhere"])
def test_an_address_that_is_not_one_of_this_school_is_refused(opened: Any, tmp_path: Path, address: str) -> None:
    code, said = opened("--address", address, "--name", "", "--yes")
    assert code == 2 and "address" in said
    assert not (tmp_path / "data").exists()


def test_without_a_yes_nothing_is_written(opened: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", (tmp_path / "empty").open("w+"))
    assert opened("--address", "192.168.1.10", "--name", "classair.local")[0] == 2
    assert not (tmp_path / "data").exists()


def test_it_speaks_thai(opened: Any) -> None:
    _, said = opened("--address", "192.168.1.10", "--name", "classair.local", "--yes", "--plain", language="th")
    assert "ตัวกลางรับส่งข้อมูล" in said and "Anybody in that network" not in said


def test_the_certificate_is_for_the_names_and_the_authority_for_the_school_alone(
    tmp_path: Path, program_of: Any
) -> None:
    program_of("openssl")
    assert certificates.make(tmp_path, "test-town", NAMES, NOW) == ["ca", "server"]
    for name, option in (("classair.local", "-verify_hostname"), ("192.168.1.10", "-verify_ip")):
        assert verified(tmp_path, tmp_path / "server.crt", option, name)
    assert not verified(tmp_path, tmp_path / "server.crt", "-verify_hostname", "elsewhere.example")
    # Who steals the authority's key can pass for the school, and for nobody else.
    certificates._certificate(tmp_path, "test-town", ["bank.example"])
    assert not verified(tmp_path, tmp_path / "server.crt", "-verify_hostname", "bank.example")


def verified(folder: Path, certificate: Path, *words: str) -> bool:
    done = subprocess.run(
        ["openssl", "verify", "-CAfile", str(folder / "ca.crt"), *words, str(certificate)], capture_output=True
    )
    return done.returncode == 0


def test_a_certificate_is_renewed_before_it_ends_and_for_other_names(tmp_path: Path, program_of: Any) -> None:
    program_of("openssl")
    certificates.make(tmp_path, "test-town", NAMES, NOW)
    authority, first = (tmp_path / "ca.crt").read_bytes(), (tmp_path / "server.crt").read_bytes()
    soon = NOW + timedelta(days=certificates.DAYS - certificates.RENEWED_DAYS)
    assert certificates.make(tmp_path, "test-town", NAMES, soon - timedelta(days=2)) == []
    assert certificates.make(tmp_path, "test-town", NAMES, soon + timedelta(days=2)) == ["server"]
    assert (tmp_path / "ca.crt").read_bytes() == authority and (tmp_path / "server.crt").read_bytes() != first
    assert certificates.make(tmp_path, "test-town", ["air.lan", "10.0.0.5"], NOW) == ["server"]
    assert certificates.make(tmp_path, "test-town", ["classair.school.ac.th"], NOW) == ["ca", "server"]


@pytest.mark.thorough
@pytest.mark.parametrize("names", [["air.lan", "10.0.0.5"], ["classair.school.ac.th"]], ids=["server", "authority"])
@pytest.mark.parametrize("last", range(1, 5))
def test_making_certificates_again_mends_what_was_interrupted_at_any_file(
    tmp_path: Path, program_of: Any, monkeypatch: pytest.MonkeyPatch, names: list[str], last: int
) -> None:
    program_of("openssl")
    certificates.make(tmp_path, "test-town", NAMES, NOW)
    put, done = Path.replace, []

    def replace(path: Path, target: Path) -> Path:
        if len(done) == last:
            raise KeyboardInterrupt
        done.append(path)
        return put(path, target)

    with monkeypatch.context() as patch, contextlib.suppress(KeyboardInterrupt):
        patch.setattr(Path, "replace", replace)
        certificates.make(tmp_path, "test-town", names, NOW)
    certificates.make(tmp_path, "test-town", names, NOW)
    assert certificates.usable(tmp_path) and verified(tmp_path, tmp_path / "server.crt")
    assert certificates.make(tmp_path, "test-town", names, NOW) == []
    certificates._certificate(tmp_path, "test-town", names)


def test_a_certificate_that_cannot_be_renewed_leaves_the_old_one_in_use(
    tmp_path: Path, program_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Openssl that fails at its second call: with a key that fits nothing the broker would not start at all."""
    real = program_of("openssl")
    certificates.make(tmp_path, "test-town", NAMES, NOW)
    before = {name: (tmp_path / name).read_bytes() for name in ("server.key", "server.crt", "ca.key", "ca.crt")}
    broken = tmp_path / "bin" / "openssl"
    broken.parent.mkdir()
    broken.write_text(f'#!/bin/sh\n[ "$1" = req ] && exit 1\nexec {real} "$@"\n')
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", f"{broken.parent}:{os.environ['PATH']}")
    with pytest.raises(certificates.NoCertificate):
        certificates.make(tmp_path, "test-town", NAMES, NOW + timedelta(days=790))
    with pytest.raises(certificates.NoCertificate):
        certificates.make(tmp_path, "test-town", ["classair.school.ac.th"], NOW)
    assert {name: (tmp_path / name).read_bytes() for name in before} == before and certificates.usable(tmp_path)


def test_the_broker_starts_without_a_certificate_that_is_not_its_keys(
    tmp_path: Path, program_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    program_of("openssl")
    monkeypatch.setattr(plan, "here", lambda address, port: True)
    places = Places(tmp_path)
    folder = tmp_path / "open" / "certificates"
    certificates.make(folder, "test-town", NAMES, NOW)
    plan.remember(places, Opening(address="192.168.1.10", devices=True, plain=True))
    assert devices.free_ports(places) == ({8883, 1883}, [])
    monkeypatch.setattr(certificates, "DAYS", devices.TOLD_DAYS - 1)
    certificates._certificate(folder, "test-town", NAMES)
    assert "classair open --renew" in devices.free_ports(places)[1][0], "it ends soon"
    (folder / "server.key").write_bytes((folder / "ca.key").read_bytes())
    ports, told = devices.free_ports(places)
    assert ports == {1883} and "Run classair open again" in told[0]


def test_each_listener_lets_in_its_own_accounts(tmp_path: Path) -> None:
    grants = grants_of(parse(SCHOOL.replace("LANGUAGE", "th")))
    secure, plain = devices.admitted(grants)
    assert secure == {"box", "socket-a1", HOME_ASSISTANT} and plain == {"socket-a1"}
    assert not (secure | plain) & {*SERVICES, WATCH}


@pytest.mark.parametrize(("tls", "plain"), [(False, False), (True, False), (False, True), (True, True)])
def test_the_broker_listens_where_it_was_asked_to_and_nowhere_else(tmp_path: Path, tls: bool, plain: bool) -> None:
    opening = Opening(address="192.168.1.10", devices=tls, plain=plain)
    conf = devices.widen(mosquitto_conf(1883, tmp_path), opening, tmp_path, tmp_path, {8883, 1883})
    wanted = ["1883 127.0.0.1", *(["8883 192.168.1.10"] if tls else []), *(["1883 192.168.1.10"] if plain else [])]
    assert re.findall(r"^listener (.+)$", conf, re.MULTILINE) == wanted
    assert conf.count("allow_anonymous false") == len(wanted) == conf.count("\nacl_file ")
    assert ("per_listener_settings true" in conf) == (tls or plain)


def test_a_port_that_cannot_be_opened_is_told_and_left_out(tmp_path: Path) -> None:
    places = Places(tmp_path)
    assert devices.free_ports(places) == (set(), [])
    plan.remember(places, Opening(address="192.0.2.77", devices=True, plain=True))
    ports, told = devices.free_ports(places)
    assert ports == set() and any("192.0.2.77:8883" in line for line in told)
    (tmp_path / "open" / "opening.json").write_text("{")
    ports, told = devices.free_ports(places)
    assert ports == set() and "classair open" in told[0]


def test_the_proxies_are_bound_to_the_schools_address_and_name_who_asks() -> None:
    for text in (caddyfile(EXAMPLE), nginx_conf(EXAMPLE)):
        assert "0.0.0.0" not in text and EXAMPLE.address in text
        assert text.count("Strict-Transport-Security") == 1, "for the public name only"
    assert caddyfile(EXAMPLE).count("bind 192.168.1.10") == 2
    assert set(re.findall(r"listen ([^:]+):", nginx_conf(EXAMPLE))) == {"192.168.1.10"}
    closed = Opening(address="192.168.1.10")
    assert "Strict-Transport" not in caddyfile(closed) + nginx_conf(closed)


def test_what_listens_is_read_as_the_system_writes_it(tmp_path: Path) -> None:
    head = "  sl  local_address rem_address   st\n"
    (tmp_path / "tcp").write_text(
        f"{head}   0: 0100007F:1F72 00000000:0000 0A\n   1: 0A01A8C0:01BB 00000000:0000 0A\n"
        "   2: 0100007F:9999 0100007F:1F72 01\n"
    )
    (tmp_path / "tcp6").write_text(f"{head}   0: {'0' * 32}:0050 {'0' * 32}:0000 0A\n")
    assert listening.listeners(tmp_path) == [("::", 80), ("192.168.1.10", 443), ("127.0.0.1", 8050)]
