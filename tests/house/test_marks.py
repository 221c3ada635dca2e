"""A test that starts a server or a browser is marked, so that `make quick` can leave it out."""

from __future__ import annotations

import subprocess
import sys

import pytest


def test_a_server_is_not_started_by_a_test_without_the_mark() -> None:
    with pytest.raises(RuntimeError, match="mosquitto was started by a test without the mark servers"):
        subprocess.run(["mosquitto", "-h"])


def test_nor_by_a_child_of_it() -> None:
    code = "import subprocess; subprocess.run(['/usr/sbin/influxd', 'version'])"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "influxd was started by a test without the mark servers" in told.stderr


def test_who_takes_a_server_is_marked(mosquitto: object, request: pytest.FixtureRequest) -> None:
    assert request.node.get_closest_marker("servers") is not None
    assert request.node.get_closest_marker("browser") is None
