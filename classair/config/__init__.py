"""sensors.yaml, typed: `load` and `parse` give a Config or say everything that is wrong."""

from classair.config.files import ConfigFaults, read, signature
from classair.config.purifiers import FilterSettings, Purifier, PurifierRule, Speed
from classair.config.reading import load, parse
from classair.config.scalars import duration
from classair.config.settings import (
    BlackBoxSettings,
    BridgeSettings,
    Calendar,
    Config,
    DataSettings,
    DutySettings,
    HomeAssistant,
    Person,
    PersonOffRule,
    Position,
    PurifierFaultRule,
    Room,
    SchoolYear,
    Sensor,
    SilentRule,
    Site,
    TimetableSettings,
    Titles,
    Windows,
)

__all__ = [
    "BlackBoxSettings",
    "BridgeSettings",
    "Calendar",
    "Config",
    "ConfigFaults",
    "DataSettings",
    "DutySettings",
    "FilterSettings",
    "HomeAssistant",
    "Person",
    "PersonOffRule",
    "Position",
    "Purifier",
    "PurifierFaultRule",
    "PurifierRule",
    "Room",
    "SchoolYear",
    "Sensor",
    "SilentRule",
    "Site",
    "Speed",
    "TimetableSettings",
    "Titles",
    "Windows",
    "duration",
    "load",
    "parse",
    "read",
    "signature",
]
