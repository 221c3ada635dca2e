"""The text of a configuration: sensors.yaml with the school calendars beside it, calendars/<year>.yaml, put in.

One text, so that everybody who follows a version follows its calendars too, wherever they run.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from classair.config import yamltext

if TYPE_CHECKING:
    from classair.config.settings import Config

FOLDER = "calendars"
_YEAR = re.compile(r"^\d{4}\.yaml$")

Signature = tuple[tuple[str, int, int, int], ...]


class ConfigFaults(Exception):
    """Everything wrong with a configuration, one line each: path, what is wrong, what would be right."""

    def __init__(self, faults: list[str], rest: Config | None = None) -> None:
        """`rest`: the configuration without what is faulty in it, for others to look at too."""
        super().__init__("\n".join(faults))
        self.faults, self._rest = faults, rest

    def also(self, judge: Callable[[Config], Iterable[str]]) -> list[str]:
        """All faults, with what `judge` finds wrong with the rest; nothing that merely follows from a known fault."""
        return [*self.faults, *_beside(self.faults, judge(self._rest) if self._rest is not None else ())]


def _beside(known: list[str], more: Iterable[str]) -> Iterator[str]:
    places = [line.partition(": ")[0] for line in known]
    keys = [repr(place.rpartition(".")[2]) for place in places]
    around = {f"{place.rpartition('.')[0]}." for place in places}
    for line in more:
        place, _, what = line.partition(": ")
        if any(f"{place}.".startswith(f"{other}.") for other in places) or any(key in what for key in keys):
            continue
        # The key may be there, misspelt.
        if what.startswith("is missing") and f"{place.rpartition('.')[0]}." in around:
            continue
        yield line


def read(path: Path) -> str:
    """The whole text. Raises ConfigFaults when a file of it cannot be read or a calendar is no plain YAML."""
    text = _read(path)
    years = calendars(path)
    if not years:
        return text
    parts = [text.rstrip("\n"), "", "school_years:"]
    for file in years:
        year = _read(file)
        try:
            if not isinstance(yamltext.read(year), dict):
                raise yamltext.YamlFault("expected a mapping with terms:")
        except yamltext.YamlFault as fault:
            raise ConfigFaults([f"{file}: {fault}"]) from None
        parts.append(f'  "{file.stem}":')
        parts += [f"    {line}" if line else "" for line in year.splitlines()]
    return "\n".join(parts) + "\n"


def calendars(path: Path) -> list[Path]:
    """The calendars beside a configuration, oldest year first."""
    try:
        return sorted(file for file in (path.parent / FOLDER).iterdir() if _YEAR.match(file.name))
    except OSError:
        return []


def signature(path: Path) -> Signature:
    """Changes whenever a file of the text does; files are looked at by name, because they get replaced."""
    found = []
    for file in (path, *calendars(path)):
        try:
            stat = file.stat()
        except OSError:
            continue
        found.append((file.name, stat.st_mtime_ns, stat.st_size, stat.st_ino))
    return tuple(found)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigFaults([f"cannot read {path}: {error.strerror}"]) from None
    except UnicodeDecodeError as error:
        raise ConfigFaults([f"{path} is not UTF-8 text (byte {error.start})"]) from None
