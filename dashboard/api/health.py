"""System health: broker, database, services, sensors and the active configuration."""

from __future__ import annotations

import asyncio
from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

import classair
from classair.i18n import REFERENCE
from classair.wire import BridgeStatus, SensorHealth, ServiceStatus
from dashboard.api._faults import responses
from dashboard.context import Context
from dashboard.live.cases import sensor_well
from dashboard.live.lives import lives_of
from dashboard.queries.rooms import StoreUnavailable


class ConfigurationHealth(BaseModel):
    version: int | None = Field(description="null until ingest has published one")
    refused: str | None = Field(description="why the latest edit of sensors.yaml was rejected")


class PartLife(BaseModel):
    """A part whose bridge, service or broker is silent is `unknown`, whatever it reported last."""

    state: Literal["alive", "late", "unknown"]
    since: int | None = Field(description="UTC ms of its last sign of life; null while alive, or when nobody knows")
    by: str = Field(description="the silent part that explains it; empty while alive", examples=["bridge/ban-suan.pi"])


class Health(BaseModel):
    """`state` is `ok` when nothing below needs attention, otherwise `degraded`."""

    state: Literal["ok", "degraded"]
    server_time: int
    version: str
    broker: bool = Field(description="whether this dashboard is connected to the broker")
    store: bool = Field(description="whether the database answers and has accepted every reading")
    control_at: int | None = Field(description="UTC ms of the latest heartbeat of the controller")
    configuration: ConfigurationHealth
    services: dict[str, ServiceStatus]
    bridges: dict[str, BridgeStatus | None]
    sensors: dict[str, SensorHealth | None]
    alive: dict[str, PartLife] = Field(
        description="what is known now of `broker`, `service/…`, `bridge/…`, `sensor/…`, `purifier/…` and `room/…`"
    )
    warnings: list[str] = Field(description="what a person should know or do, of every service and the dashboard")
    simulated: list[str] = Field(description="sites whose data are simulated")


def router(ctx: Context) -> APIRouter:
    api = APIRouter(prefix="/api/v1", tags=["health"])

    @api.get("/health", summary="Get system health", responses=responses(401))
    async def health() -> Health:
        config, live, now = ctx.config(), ctx.live, ctx.now_ms()
        try:
            await asyncio.to_thread(ctx.queries.rooms)
            store = True
        except StoreUnavailable:
            store = False
        beat, accepted, services = live.beat(), live.accepted(), live.services()
        # What the database rejects is missing there, however well it answers.
        store = store and not any(status.figures.get("rejected_points") for status in services.values())
        bridges = {full: live.bridge(full) for full, _ in config.bridges()}
        sensors = {full: live.sensor(full) for full, _ in config.sensors()}
        warnings = [
            *(f"{name}: {warning}" for name, status in services.items() for warning in status.warnings),
            *(f"dashboard: {warning[REFERENCE]}" for warning in live.warnings()),
        ]
        lives = lives_of(ctx)
        well = (
            live.connected()
            and store
            and beat is not None
            and all(one.life == "alive" for name, one in lives.verdicts.items() if not name.startswith("room/"))
            and all(status.state == "online" for status in services.values())
            and all(word is not None and sensor_well(word) != "no" for word in sensors.values())
            and (accepted is None or accepted.refused is None)
            and not warnings
            and all(
                word is not None and word.state == "online" and word.storage in ("", "ok") for word in bridges.values()
            )
        )
        return Health(
            state="ok" if well else "degraded",
            server_time=now,
            version=classair.__version__,
            broker=live.connected(),
            store=store,
            control_at=beat.at if beat else None,
            configuration=ConfigurationHealth(
                version=accepted.version if accepted else None, refused=accepted.refused if accepted else None
            ),
            services=services,
            bridges=bridges,
            sensors=sensors,
            alive={name: PartLife(state=one.life, since=one.since, by=one.by) for name, one in lives.verdicts.items()},
            warnings=warnings,
            simulated=[site for site in config.sites if config.site_simulated(site)],
        )

    return api
