"""Every option of every command says what it is for."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = [
    path
    for package in ("classair", "research", "firmware_bridge", "simulator", "ingest", "alerts", "dashboard")
    for path in sorted((ROOT / package).rglob("*.py"))
    if "add_argument(" in path.read_text("utf-8")
]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_option_has_a_help_text(path: Path) -> None:
    calls = [
        node
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "add_argument"
    ]
    silent = [ast.unparse(call) for call in calls if not {"help", None} & {keyword.arg for keyword in call.keywords}]
    assert silent == []
