"""A board with ESPHome and its `mqtt:` component: one topic per quantity, `<prefix>/sensor/<object id>/state`."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field, field_validator

from classair.model import QUANTITIES
from firmware_bridge.adapters import AdapterSettings
from firmware_bridge.adapters._topic_each import TopicEach

WAYS: Final = ("mqtt",)
INTERVAL_S: Final = 60.0  # update_interval as delivered

# The object ids that the names of ESPHome's own examples give. Others are named in `map:`.
USUAL: Final = {
    "pm_1_0": "pm1",
    "pm_2_5": "pm25",
    "pm_10_0": "pm10",
    "pm1_0": "pm1",
    "pm2_5": "pm25",
    "pm10_0": "pm10",
    "pm1": "pm1",
    "pm25": "pm25",
    "pm10": "pm10",
    "co2": "co2_ppm",
    "carbon_dioxide": "co2_ppm",
    "temperature": "temp_c",
    "humidity": "rh_pct",
    "pressure": "pressure_hpa",
}


class Settings(AdapterSettings):
    """`map`: object id → quantity. An object id is the sensor's name in small letters, `_` for everything else."""

    map: Annotated[
        dict[Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,64}$")], str],
        Field(min_length=1, description="object id → quantity"),
    ] = USUAL

    @field_validator("map")
    @classmethod
    def _known(cls, value: dict[str, str]) -> dict[str, str]:
        return known_quantities(value)


def known_quantities(value: dict[str, str]) -> dict[str, str]:
    """Raises ValueError for a quantity that does not exist."""
    for name, key in value.items():
        if key not in QUANTITIES:
            raise ValueError(f"{name}: {key!r} is not a quantity; known: {', '.join(QUANTITIES)}")
    return value


def make(way: str, place: str, settings: Settings) -> TopicEach:
    return TopicEach(
        place,
        {f"{place}/sensor/{name}/state": key for name, key in settings.map.items()},
        f"{place}/status",
        settings.interval or INTERVAL_S,
    )


MODELS: Final = {"esphome": make}
