"""Faults of a whole installation; each lives in one of its own, with rooms whose air is the same as in a sound one."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.control.cases import Case
from benchmarks.control.house import ROOT, Classroom, House

FAULT_S = 70.0  # after the beginning
watched_s = 240.0  # from the fault on; --watch
ALERTS_AGAIN_S = 45.0  # after the store is gone alerts starts without it, too
AWAY_S = 3.0  # RestartSec of deploy/systemd/classair.service, which the harness stands in for
YEAR_S = 365 * 86_400


class ServiceCase(Case):
    """Three rooms: the air of one has risen shortly before, that of one rises just behind, one purifier runs."""

    def __init__(self, name: str, says: str, act: Callable[[House], None] | None, told_within: float | None = 60.0):
        super().__init__(name, says, told_within=told_within)
        self.act = act

    def rooms(self, chance: random.Random) -> list[Classroom]:
        self.found = [Classroom("before"), Classroom("behind"), Classroom("running", 90.0)]
        return self.found

    def plan(self, house: House, chance: random.Random) -> None:
        """`chance` is the same for every installation, so that their airs are alike; the moment is its own."""
        before, behind, _ = self.found
        moments = (FAULT_S - chance.uniform(15, 50), FAULT_S + chance.uniform(4, 20))
        for room, moment in zip((before, behind), moments, strict=True):
            to = chance.uniform(60, 200)
            house.at(moment, lambda room=room, to=to: room.air.jump(to))  # type: ignore[misc]
        house.at(FAULT_S + house.chance.uniform(0, 4), lambda: self._begin(house))
        house.until_s = FAULT_S + watched_s

    def _begin(self, house: House) -> None:
        self.begun = time.monotonic()
        if self.act is not None:
            self.act(house)

    def subjects(self) -> set[str] | None:
        return None

    def extra_s(self, house: House, reference: House | None) -> float | None:
        if reference is None or reference.error:
            self.notes.append("the sound installation did not run")
            return None
        extras = {
            mine.name: mine.air.unsafe_s(house.begin, house.begin + house.until_s)
            - sound.air.unsafe_s(reference.begin, reference.begin + house.until_s)
            for mine, sound in zip(house.rooms, reference.rooms, strict=True)
        }
        if late := [room.name for room in reference.rooms if not room.plug.switched]:
            self.misses.append(f"nothing to compare with: {', '.join(late)} never on in the sound run")
        worst = max(extras, key=lambda name: extras[name])
        self.notes.append(" ".join(f"{name} {extra:+.0f}" for name, extra in extras.items()))
        return extras[worst]


class Sound(ServiceCase):
    """The run without a fault that the others are compared with."""

    def __init__(self) -> None:
        super().__init__("sound", "no fault: what the rows of services are compared with", None, None)

    def extra_s(self, house: House, reference: House | None) -> float | None:
        return 0.0

    def look(self, house: House) -> None:
        for room in house.rooms[:2]:
            on = next((at for at, state in room.plug.switched if state), None)
            self.notes.append(f"{room.name} " + ("never on" if on is None else f"on {on - house.begin:.0f} s"))
        if house.told.rows:
            self.misses.append(f"false alarm: {house.told.rows[0].words}")


class ClockStep(ServiceCase):
    """Every process of ClassAir sees another year from one moment to the next (otherclock/); seconds count on."""

    def __init__(self, name: str, says: str, by_s: int) -> None:
        super().__init__(name, says, self._step)
        self.by_s = by_s

    def plan(self, house: House, chance: random.Random) -> None:
        super().plan(house, chance)
        self.offset = house.folder / "clock"
        house.folder.mkdir(parents=True, exist_ok=True)
        self.offset.write_text("0\n")
        house.env = {
            "CLASSAIR_CLOCK_OFFSET": str(self.offset),
            "PYTHONPATH": f"{Path(__file__).parent / 'otherclock'}{os.pathsep}{ROOT}",
        }

    def _step(self, house: House) -> None:
        fresh = self.offset.with_suffix(".new")
        fresh.write_text(f"{self.by_s}\n")
        fresh.replace(self.offset)


def killed(service: str) -> Callable[[House], None]:
    return lambda house: house.signal(service, signal.SIGKILL)


def hung(service: str) -> Callable[[House], None]:
    return lambda house: house.signal(service, signal.SIGSTOP)


def supervisor_killed(house: House) -> None:
    """systemd starts it again; until then its children have been asked to end."""
    house.kill_supervisor()
    house.later(AWAY_S, house.start)


def store_unreadable(house: House) -> None:
    """The file of readings is gone and cannot be made anew; whoever had it open is started again."""
    for suffix in ("", "-wal", "-shm"):
        path = house.places.readings.with_name(house.places.readings.name + suffix)
        path.rename(path.with_name(f"away-{path.name}")) if path.exists() else None
    house.places.readings.mkdir()
    (house.places.readings / "in-the-way").write_text("no database")
    for service in ("ingest", "alerts"):
        house.signal(service, signal.SIGKILL)


class InfluxStopped(ServiceCase):
    """`store: influxdb://…`, with a real influxd that is killed; alerts started anew beside it."""

    def plan(self, house: House, chance: random.Random) -> None:
        from tests.neighbours.servers import Influx

        super().plan(house, chance)
        influx = Influx(house.folder / "influxd")

        def begin(house: House) -> None:
            influx.start()
            house.store = f"influxdb://127.0.0.1:{influx.port}/school"
            house.write_config(house.configuration())

        def stop(house: House) -> None:
            influx.kill()
            house.later(ALERTS_AGAIN_S, lambda: house.signal("alerts", signal.SIGKILL))

        house.before_start.append(begin)
        self.act = stop


def cases() -> list[Case]:
    bridge = "bridge-school.box"
    found: list[Case] = [
        Sound(),
        ServiceCase("alerts-hung", "alerts stops without ending (SIGSTOP)", hung("alerts")),
        ServiceCase("broker-hung", "broker stops without ending (SIGSTOP)", hung("broker")),
        ServiceCase("bridge-hung", "bridge stops without ending (SIGSTOP)", hung(bridge)),
        ServiceCase("alerts-killed", "alerts killed (SIGKILL)", killed("alerts")),
        ServiceCase("broker-killed", "broker killed (SIGKILL)", killed("broker")),
        ServiceCase("bridge-killed", "bridge killed (SIGKILL)", killed(bridge)),
        ServiceCase("ingest-killed", "ingest killed (SIGKILL)", killed("ingest")),
        ServiceCase("supervisor-killed", "supervisor killed, started again as systemd does", supervisor_killed),
        ServiceCase("store-away", "readings.db unreadable, ingest and alerts start beside it", store_unreadable),
        InfluxStopped("influxdb-stopped", "InfluxDB as store stopped; 45 s later alerts starts without it", None),
        ClockStep("clock-ahead", "the machine's clock jumps a year ahead", YEAR_S),
        ClockStep("clock-back", "the machine's clock jumps a year back", -YEAR_S),
    ]
    return found
