"""Reports as they were made, in files: a folder for each week and room, written by `classair reports` alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from classair.places import write_atomically
from dashboard.reports.week.numbers import WeekReport

Kind = Literal["html", "pdf", "png"]


def iso_week(monday: date) -> str:
    """The name of a week's folder, `2026-W47`."""
    year, week, _ = monday.isocalendar()
    return f"{year}-W{week:02d}"


@dataclass(frozen=True, slots=True)
class Shelf:
    """`root` is `places.reports`; None: nothing is kept."""

    root: Path | None

    def folder(self, room: str, monday: date) -> Path | None:
        return self.root / iso_week(monday) / room if self.root is not None else None

    def report(self, room: str, monday: date) -> WeekReport | None:
        """The numbers as they were when the report was made; None where it has not been made, or cannot be read."""
        folder = self.folder(room, monday)
        try:
            return WeekReport.model_validate_json((folder / "week.json").read_bytes()) if folder is not None else None
        except (OSError, ValidationError):
            return None

    def paper(self, room: str, monday: date, language: str, kind: Kind) -> bytes | None:
        folder = self.folder(room, monday)
        try:
            return (folder / f"{language}.{kind}").read_bytes() if folder is not None else None
        except OSError:
            return None

    def whole(self, room: str, monday: date, languages: tuple[str, ...], kinds: tuple[Kind, ...]) -> bool:
        """Whether everything is there: week.json is written last."""
        folder = self.folder(room, monday)
        names = ["week.json", *(f"{language}.{kind}" for language in languages for kind in kinds)]
        return folder is not None and all((folder / name).is_file() for name in names)

    def put(self, report: WeekReport, papers: dict[tuple[str, Kind], bytes]) -> int:
        """Keeps a report; how many bytes it takes. Raises OSError."""
        folder = self.folder(report.room, report.first)
        if folder is None:
            return 0
        size = 0
        for (language, kind), data in papers.items():
            write_atomically(folder / f"{language}.{kind}", data, lasting=False)
            size += len(data)
        write_atomically(folder / "week.json", report.model_dump_json().encode(), lasting=False)
        return size
