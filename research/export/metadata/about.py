"""What is known of a package as a whole; every paper beside the data says it in its form, none its time of making."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from classair.config import Config, DataSettings, Position
from classair.i18n import REFERENCE, t
from research.export.changes import Origin
from research.export.columns import Column
from research.export.placements import Placement, position_of
from research.export.request import Request

SPDX: Final = "https://spdx.org/licenses/"
_SPDX_ID: Final = re.compile(r"(?=.*\d)[A-Za-z][A-Za-z0-9+.]*(-[A-Za-z0-9+.]+)+")


def spdx(licence: str) -> str:
    """The id, where the text is one (`CC-BY-4.0`); else nothing."""
    return licence if _SPDX_ID.fullmatch(licence) else ""


@dataclass(frozen=True, slots=True)
class About:
    """`wanted`: the columns of the data; `placements`: what measured them where; `rows`: how many there are."""

    config: Config
    request: Request
    origin: Origin
    wanted: Sequence[Column]
    placements: Sequence[Placement]
    rows: int
    simulated: bool

    @property
    def sites(self) -> list[str]:
        return sorted({room.partition(".")[0] for room in self.request.selection.rooms})

    def school(self, site: str, language: str = REFERENCE) -> str:
        """The name in a language; the id where the configuration knows it no longer."""
        return self.config.sites[site].name.in_(language) if site in self.config.sites else site

    def schools(self, language: str = REFERENCE) -> str:
        return ", ".join(self.school(site, language) for site in self.sites)

    def room(self, room: str, language: str = REFERENCE) -> str:
        return self.config.room(room).name.in_(language) if self.config.has_room(room) else room

    def settings(self, site: str) -> DataSettings:
        return self.config.sites[site].data if site in self.config.sites else DataSettings()

    def title(self, language: str = REFERENCE) -> str:
        chosen = self.request.selection
        return t(
            language,
            "export.title",
            schools=self.schools(language),
            first=chosen.first.isoformat(),
            last=chosen.last.isoformat(),
        )

    def marked_title(self, language: str = REFERENCE) -> str:
        """The title as it travels alone, where nothing beside it would say that the data are simulated."""
        mark = f"{t(language, 'export.simulated_mark')}: " if self.simulated else ""
        return mark + self.title(language)

    def asked(self, language: str = REFERENCE) -> list[str]:
        """What was asked for, in words."""
        chosen = self.request.selection
        found = [
            t(language, "export.asked_reading")
            if not chosen.step_ms
            else t(language, "export.asked_step", step=chosen.step, share=f"{100 * chosen.completeness:g}")
        ]
        if chosen.step_ms and "pm25" in chosen.quantities:
            found.append(t(language, "export.asked_method", method=chosen.method))
        if chosen.lesson:
            found.append(t(language, "export.asked_lesson"))
        return found

    def description(self, language: str = REFERENCE) -> str:
        return " · ".join([*([t(language, "export.simulated")] if self.simulated else []), *self.asked(language)])

    @property
    def keywords(self) -> list[str]:
        return ["air quality", "indoor air", "classroom", *self.request.selection.quantities]

    # -- rights --------------------------------------------------------------------------------------------------------

    def licence(self, site: str) -> str:
        """What the request says, else the school's own choice; empty: none was made."""
        return self.request.licence or self.settings(site).licence

    @property
    def licences(self) -> list[str]:
        """Each once; empty where not every school has one, because then no licence covers the whole."""
        each = [self.licence(site) for site in self.sites]
        return sorted(set(each)) if all(each) else []

    def licence_texts(self, language: str = REFERENCE) -> list[str]:
        """One for all schools, or one for each where they differ."""
        said = {
            site: t(language, "export.licence", licence=licence)
            if (licence := self.licence(site))
            else t(language, "export.no_licence")
            for site in self.sites
        }
        if len(set(said.values())) == 1:
            return [next(iter(said.values()))]
        return [f"{self.school(site, language)}: {text}" for site, text in said.items()]

    # -- names ---------------------------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        return f"classair:{self.config.org}:{self.origin.request}:{self.origin.data_id}"

    @property
    def whole_dois(self) -> list[str]:
        """DOIs of everything that a school has published, of which this is a part."""
        return sorted({doi for site in self.sites if (doi := self.settings(site).doi)} - {self.request.doi})

    # -- when and where ------------------------------------------------------------------------------------------------

    @property
    def first(self) -> date:
        return self.request.selection.first

    @property
    def last(self) -> date:
        return self.request.selection.last

    @property
    def complete_on(self) -> date:
        """The day after the last: the earliest on which this package could be made. It stands for a date of making,
        which would give the same data other bytes."""
        return self.last + timedelta(days=1)

    def positions(self) -> dict[str, Position]:
        """Of each room that has one, or whose school has one."""
        found = {room: position_of(self.config, room) for room in sorted(self.request.selection.rooms)}
        return {room: at for room, at in found.items() if at is not None}

    def box(self) -> tuple[float, float, float, float] | None:
        """West, south, east, north, degrees."""
        at = list(self.positions().values())
        if not at:
            return None
        lon, lat = [one.lon for one in at], [one.lat for one in at]
        return min(lon), min(lat), max(lon), max(lat)
