"""Every index there is, by key."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from classair.science.indexes import Index, euaqi2024, thai2018, thai2023, usepa2012, usepa2024, who2021

DEFAULT: Final = thai2023.INDEX
INDEXES: Final[Mapping[str, Index]] = MappingProxyType(
    {module.INDEX.key: module.INDEX for module in (thai2023, thai2018, usepa2024, usepa2012, who2021, euaqi2024)}
)
