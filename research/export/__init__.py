"""Exports: one request, one package of files; the same request and the same data give the same bytes.

This file and `request` need no library; what writes packages needs pyarrow ([research]), NetCDF also h5netcdf.
"""

from __future__ import annotations

import importlib.util
from typing import Final

FORMAT: Final = 3
"""Of packages; raised whenever the same request and data would give other bytes."""

BACKGROUND_ROWS: Final = 1_000_000
"""A package with more rows is made in the background, and can be taken up again."""


class ExportFault(Exception):
    """A package that cannot be made; the message says why and what would be right. Nothing half is left."""


class Cancelled(Exception):
    """Whoever asked no longer wants it."""


def installed() -> bool:
    """Whether pyarrow is there, found out without importing it."""
    return importlib.util.find_spec("pyarrow") is not None


def netcdf_installed() -> bool:
    """Whether h5netcdf and h5py are there, found out without importing them."""
    return all(importlib.util.find_spec(name) is not None for name in ("h5netcdf", "h5py"))
