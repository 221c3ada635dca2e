"""Keeps the bridge's HTTP listener as the configuration wants it, and knows who may come in."""

from __future__ import annotations

import logging
import os
from typing import Final

from classair.device_secrets import digest, kept_secrets
from classair.places import Places
from firmware_bridge.foreign.http_listener import Listener
from firmware_bridge.foreign.port import Crossing

log = logging.getLogger(__name__)

AGAIN_S: Final = 30.0
VARIABLE: Final = "CLASSAIR_DEVICE_SECRET"  # one for all devices of a bridge


class HttpServer:
    """Off until `listen` names an address; an address that cannot be had is tried again."""

    def __init__(self, bridge: str, crossing: Crossing, places: Places) -> None:
        self._bridge, self._crossing, self._places = bridge, crossing, places
        self._wanted = ""
        self._listener: Listener | None = None
        self._again_s = 0.0

    @property
    def alive(self) -> bool:
        return self._listener is None or self._listener.alive

    @property
    def address(self) -> tuple[str, int] | None:
        """Where it listens at present."""
        return self._listener.address if self._listener else None

    def listen(self, address: str) -> None:
        """`host:port`; empty to stop."""
        if address == self._wanted:
            return
        self._wanted, self._again_s = address, 0.0
        self._crossing.ear_fault = ""
        if self._listener is not None:
            self._listener.stop()
            self._listener = None
        self.tick(self._crossing.now_s())

    def tick(self, now_s: float) -> None:
        if self._listener is not None:
            self._listener.tick(now_s)
        elif self._wanted and now_s >= self._again_s:
            self._again_s = now_s + AGAIN_S
            self._try()

    def _try(self) -> None:
        host, _, port = self._wanted.rpartition(":")
        try:
            self._listener = Listener(host.strip("[]"), int(port), self._crossing, self._secrets)
        except OSError as error:
            fault = f"{self._wanted}: {error.strerror or error}"
            if fault != self._crossing.ear_fault:
                log.error("http_listener_failed bridge=%s error=%s", self._bridge, fault)
            self._crossing.ear_fault = fault
            return
        self._crossing.ear_fault = ""
        for one in self._crossing.posting():
            if not self._secrets(one.sensor):
                log.warning("device_secret_missing sensor=%s accepted_from=loopback", one.sensor)

    def _secrets(self, sensor: str) -> list[str]:
        shared = os.environ.get(VARIABLE, "")
        kept = kept_secrets(self._places).get(sensor)
        return [*([digest(shared)] if shared else []), *([kept] if kept else [])]
