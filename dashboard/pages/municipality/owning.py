"""Who cares for a line, in a few words: never that somebody was told of whom no receipt says so."""

from __future__ import annotations

from typing import Any

from dashboard.access.roles import Principal
from dashboard.context import Context
from dashboard.frame import parts
from dashboard.frame.markup import html
from dashboard.municipality.owners import Owner
from dashboard.pages.alerts import wording


def words(ctx: Context, language: str, reader: Principal, owner: Owner) -> list[Any]:
    """Beside what is the matter; the line itself leads to the room, so these are words without a link."""
    time = parts.moment(owner.at, ctx.now_ms(), language) if owner.at is not None else ""
    if owner.how == "ticket":
        unit = ctx.t(language, "municipality.owner.no_unit") if not owner.by else owner.by
        said = ctx.t(language, "municipality.owner.ticket", number=owner.number, unit=unit)
    elif owner.how == "acknowledged":
        said = ctx.t(
            language, "municipality.owner.acknowledged", who=wording.by(ctx, language, owner.by, reader), time=time
        )
    elif owner.how == "told":
        said = ctx.t(language, "municipality.owner.told", n=owner.by, time=time)
    else:
        said = ctx.t(language, f"municipality.owner.{owner.how}")
    return [html.Span(said, className="owner", **parts.data(owner=owner.how))]
