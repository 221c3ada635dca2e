"""systemd and Compose files hold together, as far as that can be known without systemd or Docker running."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from classair import config
from classair.__main__ import COMMANDS
from classair.broker import BrokerAddress, Link

pytestmark = pytest.mark.thorough

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
UNITS = {"classair.service": "classair.service", "classair-bridge@.service": "classair-bridge@ban-suan.suan-pi.service"}


def systemd_analyze() -> str:
    if found := shutil.which("systemd-analyze"):
        return found
    if os.environ.get("CI") == "true":
        pytest.fail("systemd-analyze is not installed; CI installs it, so this is a fault", pytrace=False)
    pytest.skip("systemd-analyze is not installed")


def verify(text: str, name: str, folder: Path) -> tuple[int, str]:
    program = folder / "classair"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    (folder / name).write_text(text.replace("/opt/classair/bin/classair", str(program)))
    told = subprocess.run(
        [systemd_analyze(), "verify", "--man=no", f"./{name}"], cwd=folder, capture_output=True, text=True
    )
    return told.returncode, told.stdout + told.stderr


@pytest.mark.parametrize("unit", UNITS)
def test_a_unit_passes_systemd_analyze_without_a_remark(unit: str, tmp_path: Path) -> None:
    assert verify((DEPLOY / "systemd" / unit).read_text(), UNITS[unit], tmp_path) == (0, "")


def test_a_wrong_unit_would_be_noticed(tmp_path: Path) -> None:
    text = (DEPLOY / "systemd" / "classair.service").read_text().replace("NoNewPrivileges=", "NoPrivileges=")
    assert verify(text, "classair.service", tmp_path) != (0, "")


@pytest.mark.parametrize("unit", UNITS)
def test_a_unit_is_hardened(unit: str) -> None:
    text = (DEPLOY / "systemd" / unit).read_text()
    for line in (
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
        "DynamicUser=yes",
        "SupplementaryGroups=dialout",
        "Restart=always",
        "CapabilityBoundingSet=\n",
        "DevicePolicy=closed",
    ):
        assert line in text
    told = subprocess.run(
        [systemd_analyze(), "security", "--offline=yes", "--threshold=25", f"./{unit}"],
        cwd=DEPLOY / "systemd",
        capture_output=True,
        text=True,
    )
    assert told.returncode == 0, told.stdout[-300:]


def option_help(*command: str) -> str:
    told = subprocess.run(
        [sys.executable, "-m", "classair", *command, "--help"], cwd=ROOT, capture_output=True, text=True
    )
    assert told.returncode == 0, told.stderr
    return told.stdout


def command_lines() -> list[list[str]]:
    """What units and containers start, without the program itself."""
    compose = yaml.safe_load((DEPLOY / "compose" / "compose.yaml").read_text())
    lines = [service["command"] for service in compose["services"].values() if "command" in service]
    for unit in UNITS:
        start = re.search(r"^ExecStart=\S+ (.+)$", (DEPLOY / "systemd" / unit).read_text(), re.MULTILINE)
        assert start
        lines.append(start[1].split())
    return lines


@pytest.mark.parametrize("words", command_lines(), ids=lambda words: words[0])
def test_every_option_a_unit_or_container_gives_exists(words: list[str]) -> None:
    assert words[0] in COMMANDS
    options = {word for word in words if word.startswith("--")}
    below = words[1:2] if words[0] == "reports" else []  # each kind of report has its own options
    assert options <= set(re.findall(r"--[a-z-]+", option_help(words[0], *below)))


def test_compose_fits_the_compose_specification() -> None:
    told = subprocess.run(
        [
            sys.executable,
            "-m",
            "check_jsonschema",
            "--builtin-schema",
            "vendor.compose-spec",
            str(DEPLOY / "compose" / "compose.yaml"),
        ],
        capture_output=True,
        text=True,
    )
    assert told.returncode == 0, told.stdout + told.stderr


def test_compose_publishes_on_loopback_only_and_carries_no_secret() -> None:
    compose = yaml.safe_load((DEPLOY / "compose" / "compose.yaml").read_text())
    ports = [port for service in compose["services"].values() for port in service.get("ports", [])]
    assert ports and all(port.startswith("127.0.0.1:") for port in ports)
    for name, service in compose["services"].items():
        for key, value in service.get("environment", {}).items():
            assert not re.search("PASSWORD|TOKEN|SECRET", key) or key.endswith("_FILE"), f"{name}: {key}={value}"


def test_the_image_copies_only_what_is_there() -> None:
    text = (DEPLOY / "compose" / "Dockerfile").read_text()
    for words in re.findall(r"^COPY (?!--from)(.+)$", text, re.MULTILINE):
        assert [word for word in words.split()[:-1] if not (ROOT / word).exists()] == []


def test_prepared_files_make_a_broker_that_lets_a_service_in(tmp_path: Path, mosquitto_with: Any) -> None:
    environment = {**os.environ, "PYTHON": sys.executable, "FOLDER": str(tmp_path)}
    prepare = [str(DEPLOY / "compose" / "prepare")]
    subprocess.run(prepare, env=environment, check=True, capture_output=True)
    secret = (tmp_path / "broker" / "secrets" / "ingest.env").read_text()
    token = (tmp_path / "secrets" / "influxdb-token").read_text()
    subprocess.run(prepare, env=environment, check=True, capture_output=True)
    assert (tmp_path / "broker" / "secrets" / "ingest.env").read_text() == secret
    assert (tmp_path / "secrets" / "influxdb-token").read_text() == token
    assert config.load(tmp_path / "config" / "sensors.yaml", {}).store == "influxdb://influxdb:8086/classair"

    def conf(port: int, folder: Path) -> str:
        text = (DEPLOY / "compose" / "mosquitto.conf").read_text()
        text = text.replace("listener 1883 0.0.0.0", f"listener {port} 127.0.0.1")
        text = text.replace("/mosquitto/config/broker", str(tmp_path / "broker"))
        return text.replace("/mosquitto/data", str(folder))

    broker = mosquitto_with(conf)
    link = Link(BrokerAddress.of(broker.url, "ingest", secret.strip().partition("=")[2]), on_message=lambda m: None)
    link.start()
    assert link.wait_up(60), broker.log
    link.stop()


def test_the_deployed_configuration_is_started_by_mosquitto(tmp_path: Path, mosquitto_with: Any) -> None:
    shutil.copy(DEPLOY / "mosquitto" / "acl", tmp_path / "acl")
    (tmp_path / "passwords").touch()

    def conf(port: int, folder: Path) -> str:
        text = (DEPLOY / "mosquitto" / "mosquitto.conf").read_text()
        return (
            text.replace("listener 1883", f"listener {port}")
            .replace("/etc/classair/mosquitto", str(tmp_path))
            .replace("/var/lib/mosquitto/", f"{folder}/")
        )

    broker = mosquitto_with(conf)
    stranger = Link(BrokerAddress.of(broker.url, "ingest", "guess"), on_message=lambda m: None)
    stranger.start()
    assert not stranger.wait_up(0.5)
    stranger.stop()
