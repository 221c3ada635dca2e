"""Purifiers in sensors.yaml: what one is, and the rule by which they run."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from classair.config.scalars import Duration, YesNo, yes_or_no
from classair.dates import Day
from classair.wire import Id

DUSTY: Final = 25.0  # µg/m³; a person's OFF in more than that is told to people
HEAVY: Final = 75.0  # and in more than that it lasts `off_in_heavy_dust` at most


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())


class Speed(Part):
    """One speed of a purifier's fan. `name` is what its kind calls it; `dba` its loudness in the room."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,32}$")]
    cadr_m3h: Annotated[float, Field(gt=0, le=5000)]
    dba: Annotated[float, Field(ge=0, le=120)] | None = None
    watts: Annotated[float, Field(gt=0, le=5000)] | None = None


class FilterSettings(Part):
    """The filter in use: how long it lasts (`hours` of running, `load_mg` of dust), what a new one costs."""

    hours: Annotated[float, Field(gt=0, le=100000)] | None = None
    load_mg: Annotated[float, Field(gt=0, le=10_000_000)] | None = None
    price: Annotated[float, Field(ge=0, le=1_000_000)] | None = None
    since: Day | None = None


class Purifier(BaseModel):
    """`kind` is a file in alerts/purifiers; what it needs beyond these is validated by that plugin's Settings.

    `url`: the device's own address, for when the broker is gone. `watts`: what it draws at full speed; below
    `idle_watts` it does not run. `speeds`: the slowest first; where there are any, `cadr_m3h` is that of the fastest.
    """

    model_config = ConfigDict(extra="allow", frozen=True)
    room: Id
    kind: Annotated[str, Field(pattern=r"^[a-z0-9_]{1,32}$")]
    cadr_m3h: Annotated[float, Field(gt=0, le=5000)]
    when_blind: Annotated[bool, BeforeValidator(yes_or_no)] = True
    when_empty: Literal["off", "low"] = "off"
    port: Annotated[str, Field(max_length=256)] = ""
    url: Annotated[str, Field(max_length=256, pattern=r"^(https?://[^\s/@?#]+)?/?$")] = ""
    watts: Annotated[float, Field(gt=0, le=5000)] | None = None
    idle_watts: Annotated[float, Field(gt=0, le=500)] = 2.0
    speeds: Annotated[list[Speed], Field(max_length=12)] = []
    filter: FilterSettings = FilterSettings()

    @field_validator("when_empty", mode="before")
    @classmethod
    def _off_is_a_word(cls, value: Any) -> Any:
        return "off" if value is False else value  # YAML reads a bare off as false

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        try:
            parts = urlsplit(value)
            usable = not parts.scheme or bool(parts.hostname and parts.port != 0)
        except ValueError:
            usable = False
        if not usable:
            raise ValueError("expected an address such as http://192.168.40.30, with a port from 1 to 65535 if any")
        return value

    @model_validator(mode="after")
    def _slowest_first(self) -> Purifier:
        given = [speed.cadr_m3h for speed in self.speeds]
        if given != sorted(given):
            raise ValueError("speeds: expected the slowest first, by cadr_m3h")
        if len({speed.name for speed in self.speeds}) != len(self.speeds):
            raise ValueError("speeds: every speed needs a name of its own")
        return self

    @property
    def simulated(self) -> bool:
        return self.port.startswith("sim:")

    @property
    def settings(self) -> dict[str, Any]:
        return dict(self.model_extra or {})


# µg/m³: WHO's guideline for 24 hours, the Thai 24-hour standard, WHO's fourth interim target for a year (2021).
SENSITIVE_ON: Final = 15.0
SENSITIVE_FAST: Final = 37.5
SENSITIVE_OFF: Final = 10.0


class PurifierRule(Part):
    """When purifiers run; defaults are the project's control numbers (docs/control.md)."""

    kind: Literal["purifier"]
    on_above: Annotated[float, Field(ge=0, le=500)] = 25.0
    on_for: Duration = 180.0
    fast_above: Annotated[float, Field(ge=0, le=1000)] = 50.0
    fast_for: Duration = 60.0
    off_below: Annotated[float, Field(ge=0, le=500)] = 15.0
    off_for: Duration = 600.0
    min_on: Duration = 900.0
    min_off: Duration = 600.0
    max_starts_per_hour: Annotated[int, Field(ge=1, le=12)] = 4
    person_off: Duration = 1800.0
    off_at_most: Duration = 3600.0
    off_in_heavy_dust: Duration = 600.0
    pre_clean: YesNo = True
    stay_on: YesNo = True
    loudest_dba: Annotated[float, Field(ge=20, le=120)] = 45.0

    def stricter(self) -> PurifierRule:
        """The same for a sensitive room: on from WHO's guideline for 24 hours (15), until the air is at 10."""
        return self.model_copy(
            update={
                "on_above": min(self.on_above, SENSITIVE_ON),
                "fast_above": min(self.fast_above, SENSITIVE_FAST),
                "off_below": min(self.off_below, SENSITIVE_OFF),
            }
        )
