"""The context as its reader sees it: what an account is not tied to is not there for its pages, routes and streams."""

from __future__ import annotations

from dataclasses import replace

from dashboard.context import Context
from dashboard.readers.config import SeenConfig
from dashboard.readers.ledger import seen_ledger
from dashboard.readers.live import SeenLive
from dashboard.readers.store import Sight


def for_readers(ctx: Context) -> Context:
    """The same context; each question is answered for whoever asks it at that moment (dashboard/access/reach.py)."""
    records = ctx.records.within(seen_ledger(ctx.config))
    sight = Sight(ctx.config)
    return replace(
        ctx,
        config=SeenConfig(ctx.config),
        live=SeenLive(ctx.live, ctx.config, records),
        records=records,
        queries=ctx.queries.seen_by(sight),
        research=ctx.research.seen_by(sight),
    )
