"""A real office on a real ledger, with people who are told by LINE, whose desk runs on the fake's clock."""

from __future__ import annotations

from pathlib import Path

from alerts.ledger import Ledger
from alerts.line.desk import TOKEN as TOKEN_VARIABLE
from alerts.line.desk import Desk
from alerts.outbox.office import Office
from classair import config as configuration
from classair.config import Config
from simulator.line.server import LineFake
from tests.neighbours.line import TOKEN

TOWN = """
org: town
language: en
sites:
  s1: {{name: School One, bridges: {{}}, sensors: {{}}, rooms: {{r1: {{name: Room 1, volume_m3: 180}}}}}}
line: {{api: "{api}"}}
people: {people}
"""


def configured(api: str, people: str = "{}") -> Config:
    return configuration.parse(TOWN.format(api=api, people=people))


def office_of(fake: LineFake, ledger: Ledger, people: str = "{}", token: str = TOKEN) -> Office:
    def clock() -> int:
        return int(fake.platform.now() * 1000)

    office = Office(ledger, clock)
    office.follow(configured(fake.url, people))
    office.shared("line", lambda: Desk(office, {TOKEN_VARIABLE: token} if token else {}, clock))
    return office


def linked(office: Office, ledger: Ledger, person: str, user: str, now: int = 0) -> None:
    ledger.together(office.link(person, "line", user, now))


def ledger_in(folder: Path) -> Ledger:
    return Ledger(folder / "ledger.db")
