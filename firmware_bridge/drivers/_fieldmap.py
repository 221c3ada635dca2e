"""Which key of a line stands for which quantity, and in which unit: the field map of boards that print text."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, field_validator, model_validator

from classair.model import QUANTITIES
from classair.parsing.numbers import number_in, plain_text
from firmware_bridge.drivers import LARGEST

ALIASES: Final[Mapping[str, str]] = {
    alias: quantity
    for quantity, aliases in {
        "pm1": "pm1 pm1.0 pm1_0 pm01",
        "pm25": "pm25 pm2.5 pm2_5 pm02",
        "pm10": "pm10 pm10.0 pm10_0",
        "co2_ppm": "co2 co2_ppm rco2 carbondioxide",
        "temp_c": "t temp temperature temp_c atmp",
        "rh_pct": "rh hum humidity rhum rh_pct",
    }.items()
    for alias in aliases.split()
}
"""Keys understood without any setting, in lower case."""

# Unit of the line, in lower case → what to multiply with and then to add, by the unit of the quantity.
_CONVERSIONS: Final[Mapping[str, Mapping[str, tuple[float, float]]]] = {
    "hPa": {"pa": (0.01, 0), "kpa": (10, 0), "mbar": (1, 0), "bar": (1000, 0), "mmhg": (1.333224, 0)},
    "°C": {"f": (5 / 9, -160 / 9), "k": (1, -273.15), "c": (1, 0)},
    "µg/m³": {"mg/m3": (1000, 0), "ng/m3": (0.001, 0), "ug/m3": (1, 0)},
    "ppm": {"ppb": (0.001, 0), "%": (10_000, 0)},
    "1/dL": {"1/cm3": (100, 0), "#/cm3": (100, 0), "1/l": (0.1, 0)},
    "1/cm³": {"1/l": (0.001, 0), "1/dl": (0.01, 0), "#/cm3": (1, 0)},
    "µm": {"nm": (0.001, 0), "mm": (1000, 0)},
    "%": {"1": (100, 0)},
}
_ANYTHING: Final = 2.0**53  # counters and milliseconds too are smaller
_UNIT_BEHIND: Final = re.compile(r"\s*[(\[](?![^()\[\]]*(?:cf|std|standard))([^()\[\]]*)[)\]]$", re.IGNORECASE)
_AROUND_UNIT: Final = re.compile(r"^[\s*°º˚\ufffd([]+|[\s)\]]+$")


def conversion(unit: str, quantity: str) -> tuple[float, float] | None:
    """What makes the quantity's own unit of this one: factor and offset; None when the units do not belong together."""
    own = QUANTITIES[quantity].unit
    if not unit or unit == own:
        return 1, 0
    # A degree sign comes as °, *, º, a byte of Latin-1, or UTF-8 taken for it.
    plain = _AROUND_UNIT.sub("", unit.rpartition("°")[2]).lower().replace("^", "").replace("³", "3")
    plain = plain.replace("µ", "u").replace("μ", "u")
    return _CONVERSIONS.get(own, {}).get(plain)


class Field(BaseModel):
    """One entry of `fields:`; in the file either the quantity alone or {quantity: pressure_hpa, unit: Pa}."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    quantity: str
    unit: str = ""

    @model_validator(mode="before")
    @classmethod
    def _short(cls, given: Any) -> Any:
        return {"quantity": given} if isinstance(given, str) else given

    @field_validator("quantity")
    @classmethod
    def _known(cls, quantity: str) -> str:
        if quantity not in QUANTITIES:
            raise ValueError(f"{quantity!r} is not a quantity; known: {', '.join(QUANTITIES)}")
        return quantity

    @model_validator(mode="after")
    def _fits(self) -> Field:
        if conversion(self.unit, self.quantity) is None:
            own = QUANTITIES[self.quantity].unit
            known = ", ".join(_CONVERSIONS.get(own, {})) or "no other"
            raise ValueError(f"{self.unit!r} cannot be converted to {own} ({self.quantity}); besides {own}: {known}")
        return self


class FieldMap:
    """Looks keys up without regard to case; what `fields:` says goes before the usual names."""

    def __init__(self, fields: Mapping[str, Field], more: Mapping[str, str] = MappingProxyType({})) -> None:
        self._fields = {alias: Field(quantity=quantity) for alias, quantity in {**more, **ALIASES}.items()}
        self._fields.update((key.strip().lower(), field) for key, field in fields.items())
        mapped = list(fields.items()) or [(key, Field(quantity=key)) for key in dict.fromkeys(ALIASES.values())]
        self.written: tuple[tuple[str, Field], ...] = tuple(mapped)
        """The keys a simulated board prints."""

    def field(self, key: str) -> Field | None:
        """What a key stands for, also one with its unit behind it: `Temperature (°C)`, `co2 [ppm]`."""
        plain = plain_text(key).strip().lower()
        return self._fields.get(plain) or self._fields.get(_UNIT_BEHIND.sub("", plain))

    def knows(self, key: str) -> bool:
        return self.field(key) is not None

    @property
    def keys(self) -> Collection[str]:
        return self._fields

    def put(self, values: dict[str, float], key: str, given: Any, unit: str = "") -> bool:
        """Adds what `key` stands for, in the quantity's unit; False when it should be a number and is none.

        A unit printed beside the number counts only where the map names none.
        """
        field = self.field(key)
        if field is None:
            return True
        number = number_of(given)
        behind = _UNIT_BEHIND.search(plain_text(key).strip()) if not unit else None
        made = conversion(field.unit or unit or (behind[1] if behind else ""), field.quantity) or (1, 0)
        if number is not None and made != (1, 0):
            number = number * made[0] + made[1]
        if number is None or not abs(number) < LARGEST:
            values.pop(field.quantity, None)  # of doubled keys the last one holds
            return False
        values[field.quantity] = number
        return True


def printed(value: float, field: Field) -> float:
    """The reverse of `put`, to three decimals more than the unit's size asks for."""
    factor, offset = conversion(field.unit, field.quantity) or (1, 0)
    return round((value - offset) / factor, 3 + max(0, math.ceil(math.log10(factor))))


def number_of(given: Any) -> float | None:
    """A number, also one that stands in a string; None for everything else: true, null, nan, infinity, 1e300, text."""
    return number_in(given, _ANYTHING)
