"""Makes the files of a record that is given: a paper to read, the values as CSV, and the signature of each."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import classair
from classair import i18n
from classair.places import Places, write_atomically
from classair.science.state import PM25
from classair.timetable import local_time
from dashboard.api._moments import iso
from dashboard.context import Context
from dashboard.line.air import LEAST_PUPILS
from dashboard.queries.exports import ExportRefused
from dashboard.queries.research import data_id
from dashboard.queries.rooms import StoreUnavailable
from dashboard.records.book import RecordRequest
from dashboard.records.signing import SUFFIX, Signer
from dashboard.reports.paper import paper
from dashboard.reports.press import PRESS, PressBusy, PressFailed
from research.export.request import Request
from research.lesson_air import LEVELS, NO_DATA, LessonAir, LessonReader
from research.means import MeansReader
from research.selection import Selection

STEP: Final = "15m"


class NotMade(Exception):
    """The files cannot be made here and now; the message says why, for the school."""


@dataclass(frozen=True, slots=True)
class Named:
    """The files of a record, without their folder."""

    pdf: str
    csv: str

    @property
    def every(self) -> tuple[str, ...]:
        return (self.pdf, self.pdf + SUFFIX, self.csv, self.csv + SUFFIX)


def names(request: RecordRequest) -> Named:
    stem = f"record-{request.room.replace('.', '-')}-{request.first.isoformat()}-{request.id}"
    return Named(f"{stem}.pdf", f"{stem}.csv")


def files(ctx: Context, request: RecordRequest) -> dict[str, Path]:
    """What there is of a record that is given, by name."""
    if ctx.folder is None or request.state != "given":
        return {}
    folder = Places(ctx.folder).records / request.id
    return {name: folder / name for name in names(request).every if (folder / name).is_file()}


async def make(ctx: Context, request: RecordRequest) -> None:
    """Writes all four files, the data as they are known now. Raises NotMade."""
    if ctx.folder is None or ctx.exports is None:
        raise NotMade("this server keeps no records")
    places = Places(ctx.folder)
    try:
        signer = await asyncio.to_thread(Signer, places.record_key)
        asked = _asked(ctx, request)
        # Before the values: what comes meanwhile makes the next record differ, never this one's versions.
        versions = await asyncio.to_thread(ctx.research.versions, asked.selection)
        as_of = ctx.now_ms()
        values = b"".join([piece async for piece in ctx.exports.stream(asked, "csv")])
        air = await asyncio.to_thread(_lessons, ctx, request)
        data = data_id(asked.selection, versions)
        html = _paper(ctx, request, air, versions, data, signer.public_key, as_of)
        title = ctx.t(request.language, "record.paper.title", room=_room(ctx, request))
        pdf = await PRESS.print(html, "pdf", title=title, language=request.language)
        about = _about(ctx, request, data, as_of)
        await asyncio.to_thread(_write, places.records / request.id, signer, names(request), pdf, values, about)
    except ExportRefused as refused:
        raise NotMade(str(refused)) from refused
    except PressBusy as busy:
        raise NotMade("too many papers are being made; try again in a minute") from busy
    except PressFailed as failed:
        raise NotMade(str(failed)) from failed
    except StoreUnavailable as away:
        raise NotMade("the database is unavailable; try again shortly") from away
    except OSError as error:
        raise NotMade(f"the files cannot be written: {error.strerror}") from error


def _asked(ctx: Context, request: RecordRequest) -> Request:
    # Of a room with few pupils CO2 would tell who was there.
    small = ctx.config().room(request.room).capacity < LEAST_PUPILS
    quantities = ("pm25", "temp_c", "rh_pct") if small else ("pm25", "co2_ppm", "temp_c", "rh_pct")
    days = {"first": request.first.isoformat(), "last": request.last.isoformat()}
    chosen = {"rooms": request.room, "quantities": ",".join(quantities), "step": STEP, "method": "accepted", **days}
    return Request(selection=Selection.parse(chosen))


def _lessons(ctx: Context, request: RecordRequest) -> LessonAir:
    config, corrections = ctx.config(), ctx.research.corrections()
    return ctx.research.ask(
        lambda store: LessonReader(MeansReader(store, config, corrections), config, ctx.now_ms()).of_room(
            request.room, request.first, request.last
        )
    )


def _about(ctx: Context, request: RecordRequest, data: str, as_of: int) -> dict[str, Any]:
    return {
        "org": ctx.config().org,
        "site": request.site,
        "room": request.room,
        "first": request.first.isoformat(),
        "last": request.last.isoformat(),
        "request": request.id,
        "data": data,
        "as_of": iso(as_of),
        "simulated": ctx.config().site_simulated(request.site),
        "version": classair.__version__,
    }


def _paper(
    ctx: Context,
    request: RecordRequest,
    air: LessonAir,
    versions: Mapping[str, Mapping[Any, int]],
    data: str,
    key: str,
    as_of: int,
) -> str:
    language, config = request.language, ctx.config()
    days = air.days()
    return paper(
        "record.html",
        language,
        room=_room(ctx, request),
        site=config.sites[request.site].name.in_(language),
        days=request.days(language),
        number=request.id,
        as_of=i18n.show_date(local_time(as_of), language, "day_time"),
        simulated=config.site_simulated(request.site),
        rows=[_row(language, day, one) for day, one in days.items()],
        whole=_row(language, None, air) if air.slots else None,
        versions=[
            (i18n.show_date(day, language, "short"), version)
            for day, version in sorted(versions.get(request.site, {}).items())
        ],
        sensors=_sensors(ctx, request),
        data=data,
        key=key,
        files=names(request),
    )


def _row(language: str, day: Any, air: LessonAir) -> dict[str, Any]:
    """One day, or all of them, as shown."""
    means, highest = air.paired_means, air.highest
    shares = dict(zip(LEVELS, air.percent, strict=True))
    return {
        "day": i18n.show_date(day, language, "short") if day is not None else i18n.t(language, "record.paper.all"),
        "shares": [shares[level] for level in LEVELS if level != NO_DATA],
        "no_data": shares[NO_DATA],
        "mean": PM25.shown(air.mean) if air.mean is not None else "–",
        "outside": PM25.shown(means[1]) if means is not None else "–",
        "highest": PM25.shown(highest.pm25) if highest is not None and highest.pm25 is not None else "–",
        "at": i18n.show_date(local_time(highest.start_ms), language, "time") if highest is not None and day else "",
    }


def _sensors(ctx: Context, request: RecordRequest) -> list[str]:
    config = ctx.config()
    return sorted({sensor.model for full, sensor in config.sensors() if full in config.sensors_in(request.room)})


def _room(ctx: Context, request: RecordRequest) -> str:
    return ctx.config().room(request.room).name.in_(request.language)


def _write(folder: Path, signer: Signer, named: Named, pdf: bytes, values: bytes, about: dict[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, body in ((named.pdf, pdf), (named.csv, values)):
        write_atomically(folder / name, body)
        write_atomically(folder / (name + SUFFIX), signer.sign(name, body, about))
