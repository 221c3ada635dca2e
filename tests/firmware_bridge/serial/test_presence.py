"""`classair check` says which ports are not there, and which adapters are."""

from __future__ import annotations

from pathlib import Path

import pytest

from classair.ops import checking
from firmware_bridge.serial.identity import UsbPort
from firmware_bridge.serial.presence import lacking

FILE = """
org: town
address: http://air.lan
sites:
  s:
    name: School
    bridges: {pi: {}}
    rooms: {r: {name: R, volume_m3: 180, capacity: 30}}
    sensors:
      a: {bridge: pi, room: r, model: pms5003, port: "%s"}
"""


@pytest.mark.parametrize("port", ["/dev/serial/by-id/usb-nobody-has-this-if00", "/dev/ttyNOBODY", "usb:9-9.9"])
def test_a_port_that_is_not_there_is_a_warning_and_no_fault(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], port: str
) -> None:
    path = tmp_path / "sensors.yaml"
    path.write_text(FILE % port)
    assert checking.main(["--config", str(path)]) == 0, "the bridge may be another machine"
    told = capsys.readouterr()
    assert "OK (1 sites" in told.out
    assert f"sites.s.sensors.a.port: {port} is not" in told.err and "on this machine" in told.err


def test_what_is_plugged_in_is_named(tmp_path: Path) -> None:
    by_id = tmp_path / "serial" / "by-id"
    by_id.mkdir(parents=True)
    (tmp_path / "ttyUSB0").touch()
    (by_id / "usb-there").symlink_to(tmp_path / "ttyUSB0")
    told = lacking("/dev/serial/by-id/usb-gone", list, tmp_path)
    assert "is not plugged in" in told and "/dev/serial/by-id/usb-there" in told
    assert lacking("/dev/serial/by-id/usb-there", list, tmp_path) == ""
    (by_id / "usb-dangling").symlink_to(tmp_path / "ttyUSB7")
    assert "is not plugged in" in lacking("/dev/serial/by-id/usb-dangling", list, tmp_path)


def test_an_adapter_in_a_usb_socket_is_looked_for_there(tmp_path: Path) -> None:
    here = tmp_path / "ttyUSB0"
    here.touch()
    plugged = [UsbPort(str(here), "1-1.3", "A50285BI")]
    assert lacking("usb:1-1.3", lambda: plugged, tmp_path) == ""
    assert lacking("usb:serial=A50285BI", lambda: plugged, tmp_path) == ""
    assert "usb:1-1.4 is not plugged in" in lacking("usb:1-1.4", lambda: plugged, tmp_path)
    twins = [*plugged, UsbPort(str(here), "1-1.4", "A50285BI")]
    assert "fits several adapters" in lacking("usb:serial=A50285BI", lambda: twins, tmp_path)


@pytest.mark.parametrize("port", ["sim:p1-2-pm", "mqtt:tele/plug", "http:abc", "socket://127.0.0.1:9", "rfc2217://h:1"])
def test_what_no_machine_has_as_a_file_is_not_looked_for(port: str) -> None:
    assert lacking(port, list) == ""
