"""Reads YAML with every scalar as text, so that room 0101 stays 0101 and language `no` stays no; bounded and strict."""

from __future__ import annotations

from typing import Any

import yaml

MAX_BYTES = 256 * 1024
MAX_DEPTH = 20


class YamlFault(Exception):
    """The file is not the plain YAML we accept; the message says where and why."""


def read(text: str) -> Any:
    """The file as nested dicts, lists and strings (an empty value is None). Raises YamlFault.

    Refused: more than 256 KiB, nesting deeper than 20, aliases and anchors (they can explode), a key given twice.
    """
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise YamlFault(f"the file is larger than {MAX_BYTES // 1024} KiB")
    try:
        return _build(yaml.compose(text, Loader=_Loader), 0)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise YamlFault(f"{where}{error.problem or error.context}") from None
    except yaml.YAMLError as error:
        raise YamlFault(str(error).splitlines()[0]) from None


class _Loader(yaml.SafeLoader):
    """Composes only; refuses anchors before they can be followed."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise YamlFault(f"line {event.start_mark.line + 1}: aliases and anchors (& and *) are not allowed")
        self.depth = getattr(self, "depth", 0) + 1
        if self.depth > MAX_DEPTH:
            raise YamlFault(f"line {event.start_mark.line + 1}: more than {MAX_DEPTH} levels of nesting")
        try:
            return super().compose_node(parent, index)
        finally:
            self.depth -= 1


def _build(node: yaml.Node | None, depth: int) -> Any:
    if node is None:
        return None
    if isinstance(node, yaml.ScalarNode):
        empty = node.style is None and node.value in ("", "~", "null")
        return None if empty else node.value
    if isinstance(node, yaml.SequenceNode):
        return [_build(child, depth + 1) for child in node.value]
    assert isinstance(node, yaml.MappingNode)
    result: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            raise YamlFault(f"line {line}: keys must be plain text")
        if key_node.value in result:
            raise YamlFault(f"line {line}: duplicate key {key_node.value!r}")
        result[key_node.value] = _build(value_node, depth + 1)
    return result
