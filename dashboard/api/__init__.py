"""The API, one resource a file; each offers `router(ctx)` and is found by its file name."""

from __future__ import annotations

import importlib
import pkgutil

from fastapi import APIRouter

from dashboard.context import Context


def routers(ctx: Context) -> list[APIRouter]:
    """The router of every resource in this folder."""
    modules = [
        importlib.import_module(f"{__name__}.{info.name}")
        for info in pkgutil.iter_modules(__path__)
        if not info.name.startswith("_")
    ]
    return [module.router(ctx) for module in modules]
