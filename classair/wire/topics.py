"""Every topic of one organisation, and a topic taken apart."""

from __future__ import annotations

import re
from dataclasses import dataclass

from classair.wire.words import ROOT


@dataclass(frozen=True, slots=True)
class Topics:
    """Every topic of one organisation."""

    org: str

    def bridge(self, site: str, bridge: str, leaf: str) -> str:
        """leaf: reading, stored, replay, status, config, time, marker."""
        return f"{ROOT}/{self.org}/{site}/bridge/{bridge}/{leaf}"

    def bridges(self, leaf: str) -> str:
        return self.bridge("+", "+", leaf)

    def sensor_health(self, site: str, sensor: str) -> str:
        return f"{ROOT}/{self.org}/{site}/sensor/{sensor}/health"

    def room_now(self, site: str, room: str) -> str:
        return f"{ROOT}/{self.org}/{site}/room/{room}/now"

    def purifier_state(self, site: str, purifier: str) -> str:
        return f"{ROOT}/{self.org}/{site}/purifier/{purifier}/state"

    def purifier_care(self, site: str, purifier: str) -> str:
        """What a purifier has done and costs, retained."""
        return f"{ROOT}/{self.org}/{site}/purifier/{purifier}/care"

    def purifier_set(self, site: str, purifier: str) -> str:
        return f"{ROOT}/{self.org}/{site}/purifier/{purifier}/set"

    @property
    def beat(self) -> str:
        return f"{ROOT}/{self.org}/control/beat"

    @property
    def config(self) -> str:
        """The whole accepted configuration, retained, for services beside the server; bridges get only their part."""
        return f"{ROOT}/{self.org}/control/config"

    @property
    def corrections(self) -> str:
        """Every correction ever accepted, retained, so that "now" means the same as history."""
        return f"{ROOT}/{self.org}/control/corrections"

    def service_status(self, service: str) -> str:
        """A service's own word on how it is (retained, last will "offline")."""
        return f"{ROOT}/{self.org}/control/service/{service}"

    def ask(self, service: str, request: str) -> str:
        return f"{ROOT}/{self.org}/ask/{service}/{request}"

    def answer(self, request: str) -> str:
        return f"{ROOT}/{self.org}/answer/{request}"


_TOPIC = re.compile(
    r"^classair/v1/(?P<org>[a-z0-9-]{1,32})/(?P<site>[a-z0-9-]{1,32})/"
    r"(?P<kind>bridge|sensor|room|purifier)/(?P<id>[a-z0-9-]{1,32})/(?P<leaf>[a-z]{1,16})$"
)


@dataclass(frozen=True, slots=True)
class Address:
    """A topic taken apart; `full` is `<site>.<id>`."""

    org: str
    site: str
    kind: str
    id: str
    leaf: str

    @property
    def full(self) -> str:
        return f"{self.site}.{self.id}"


def address(topic: str) -> Address | None:
    """The parts of a topic below a site, None when it is not one of ours."""
    match = _TOPIC.fullmatch(topic)
    return Address(**match.groupdict()) if match else None
