"""Filling the templates of papers: everything escaped, nothing left out unnoticed."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

import classair
from classair import i18n


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("dashboard.reports", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def paper(template: str, language: str, **places: Any) -> str:
    """The HTML of a paper from dashboard/reports/templates/; `t(key)` in it gives text in its language.

    Raises jinja2.UndefinedError for a place that is not given, KeyError for a text that does not exist.
    """

    def t(key: str, **values: Any) -> str:
        return i18n.t(language, key, **values)

    return (
        _environment()
        .get_template(template)
        .render(t=t, lang=language, dir=i18n.head(language).direction, version=classair.__version__, **places)
    )
