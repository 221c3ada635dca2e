"""Every log call of our packages writes logfmt: an event word, then key=value."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from classair import PACKAGES
from classair.logs import EVENT

ROOT = Path(__file__).parents[2]
LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}


@pytest.mark.parametrize("package", PACKAGES)
def test_log_texts_are_an_event_word_and_fields(package: str) -> None:
    wrong = []
    for path in sorted((ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.Call(func=ast.Attribute(value=ast.Name(id="log"), attr=level), args=[text, *_]):
                    written = text.value if isinstance(text, ast.Constant) else ast.unparse(text)
                    if level in LEVELS and not EVENT.fullmatch(str(written)):
                        wrong.append(f"{path.relative_to(ROOT)}:{node.lineno}: {written}")
    assert wrong == []
