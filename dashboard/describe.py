"""`python -m dashboard.describe`: writes docs/openapi.json, the API's description that is kept and compared,
and the style sheet of charts on dark pages."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from classair.config import parse
from dashboard import chart_theme
from dashboard.access.desk import Desk
from dashboard.app import create_app
from dashboard.context import Context
from dashboard.live.hub import Hub
from dashboard.live.live import Live
from dashboard.queries.research import Research
from dashboard.queries.rooms import Queries

_SMALLEST = (
    "org: some-town\nsites: {a: {name: A, bridges: {b: {}}, rooms: {r: {name: R, outdoor: yes}}, sensors: {}}}\n"
)


def description() -> str:
    """The OpenAPI document as text; it does not depend on any school."""
    config = parse(_SMALLEST)
    live = Live(Hub("", lambda: 0), lambda: 0)
    with tempfile.TemporaryDirectory() as folder:
        research = Research(lambda: None, lambda: config, Path(folder) / "readings.db")
        ctx = Context(lambda: config, Queries(lambda: None, lambda: config), live, lambda: 0, research)
        desk = Desk(Path(folder) / "desk.db", lambda: 0)
        try:
            document = create_app(ctx, live, desk).server.openapi()
        finally:
            desk.close()
    return json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    place = Path(__file__).parent.parent / "docs" / "openapi.json"
    place.write_text(description(), "utf-8")
    print(f"wrote {place}")
    chart_theme.SHEET.write_text(chart_theme.sheet(), "utf-8")
    print(f"wrote {chart_theme.SHEET}")
