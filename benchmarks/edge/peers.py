"""Other decoders of the same sensors, each driven by its own reading code over a line in memory.

python -m pip install --require-hashes -r requirements/bench.txt
"""

from __future__ import annotations

import types
from collections.abc import Iterable, Iterator
from dataclasses import astuple
from typing import Any

Key = tuple[float, ...]


class Dry(Exception):
    """The line has nothing more to give, for ever."""


class Line:
    """Looks like a pyserial port. `fill()` is called when a request is written (polled) or nothing is left (stream)."""

    is_open = True

    def __init__(self, pieces: Iterable[bytes], polled: bool) -> None:
        self._pieces, self._polled, self._buffer = iter(pieces), polled, b""
        self.port, self.timeout = "memory", 1.0

    def _fill(self) -> None:
        try:
            self._buffer += next(self._pieces)
        except StopIteration:
            raise Dry from None

    def write(self, data: bytes) -> int:
        if self._polled:
            self._fill()
        return len(data)

    def flush(self) -> None:
        pass

    @property
    def in_waiting(self) -> int:
        if not self._polled and not self._buffer:
            self._fill()
        return len(self._buffer)

    def inWaiting(self) -> int:
        return self.in_waiting

    def read(self, size: int = 1) -> bytes:
        while not self._polled and len(self._buffer) < size:
            self._fill()
        data, self._buffer = self._buffer[:size], self._buffer[size:]
        return data

    def reset_input_buffer(self) -> None:
        self._buffer = b""

    def close(self) -> None:
        pass


class PyPms:
    """PyPMS' SensorReader: asks for each frame, takes what has come, empties the buffer after a refusal."""

    title = "PyPMS"

    def __init__(self, name: str) -> None:
        from loguru import logger
        from pms.core import Sensor, reader

        logger.remove()
        # A sensor that is "not ready" is waited for; here time costs nothing.
        reader.time = types.SimpleNamespace(sleep=lambda seconds: None, time=lambda: 0.0)
        self._reader, self._sensor = reader, Sensor[name]

    def clean(self, frame: bytes) -> Key | None:
        from pms import SensorWarning

        try:
            return astuple(self._sensor.decode(frame, time=1))[1:]
        except (SensorWarning, AssertionError, Exception):
            return None

    def readings(self, pieces: Iterable[bytes]) -> Iterator[Key]:
        reading = self._reader.SensorReader(self._sensor, "memory", interval=None)
        # A PMS3003 takes no commands: it streams.
        polled = bool(self._sensor.command("passive_read").command)
        reading.serial = Line(pieces, polled)
        try:
            while True:
                try:
                    for found in reading():
                        yield astuple(found)[1:]
                except Dry:
                    return
                except Exception:
                    continue
        finally:
            reading.serial = Line([], True)


class Plantower:
    """`plantower`: reads until BM, then 30 bytes; its user catches the exception and reads again."""

    title = "plantower"

    def __init__(self) -> None:
        import plantower.plantower as module

        self._module = module
        module.logging.disable(module.logging.CRITICAL)

    def _of(self, line: Line) -> Any:
        sensor = self._module.Plantower.__new__(self._module.Plantower)
        sensor.logger = self._module.logging.getLogger("quiet")
        sensor.serial, sensor.read_timeout = line, 10
        return sensor

    @staticmethod
    def _key(found: Any) -> Key:
        return (
            found.pm10_cf1,
            found.pm25_cf1,
            found.pm100_cf1,
            found.pm10_std,
            found.pm25_std,
            found.pm100_std,
            found.gr03um,
            found.gr05um,
            found.gr10um,
            found.gr25um,
            found.gr50um,
            found.gr100um,
        )

    def clean(self, frame: bytes) -> Key | None:
        return next(iter(self.readings([frame])), None)

    def readings(self, pieces: Iterable[bytes]) -> Iterator[Key]:
        sensor = self._of(Line(pieces, False))
        while True:
            try:
                yield self._key(sensor.read(perform_flush=False))
            except self._module.PlantowerException:
                continue
            except Dry:
                return


class PmSensor:
    """`pmsensor`: looks for the start block, takes as many bytes as a frame has, checks nothing."""

    def __init__(self, name: str) -> None:
        import pmsensor.serial_pm as module

        self.title = "pmsensor"
        self._module, self._settings = module, module.SUPPORTED_SENSORS[name]
        now = [0.0]

        def sleep(seconds: float) -> None:
            now[0] += seconds

        module.time = types.SimpleNamespace(sleep=sleep, time=lambda: now[0])
        module.LOGGER.disabled = True

    def clean(self, frame: bytes) -> Key | None:
        return next(iter(self.readings([frame])), None)

    def readings(self, pieces: Iterable[bytes]) -> Iterator[Key]:
        real = self._module.serial
        self._module.serial = types.SimpleNamespace(
            Serial=lambda **_: Line(pieces, False), PARITY_NONE="", STOPBITS_ONE=1, EIGHTBITS=8
        )
        try:
            collector = self._module.PMDataCollector("memory", self._settings)
            while True:
                collector.last_poll = None  # it would answer from its memory for 15 s
                try:
                    found = collector.read_data()
                except Dry:
                    return
                if found:
                    yield tuple(found.values())
        finally:
            self._module.serial = real


def of(kind_name: str, pypms_name: str) -> list[Any]:
    """The installed peers that can read this kind; says once what is missing."""
    found: list[Any] = []
    try:
        if pypms_name:
            found.append(PyPms(pypms_name))
        if kind_name == "pms5003":
            found.append(Plantower())
        name = {"pms5003": "plantower,pms5003", "pms3003": "plantower,pms3003", "sds011": "novafitness,sds011"}
        if kind_name in name:
            found.append(PmSensor(name[kind_name]))
    except ImportError as error:
        _say_missing(error.name or "?")
    return found


_SAID: set[str] = set()


def _say_missing(name: str) -> None:
    if name not in _SAID:
        _SAID.add(name)
        print(f"{name} is not installed: peers are left out (see benchmarks/README.md)", flush=True)
