"""sensors.yaml → a typed Config, or a list of everything that is wrong with it."""

from __future__ import annotations

import copy
import os
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from classair.config import yamltext
from classair.config.contradictions import contradictions
from classair.config.files import ConfigFaults, read
from classair.config.settings import Config
from classair.config.words import in_words


def load(path: Path, env: Mapping[str, str] = os.environ) -> Config:
    """The configuration in a file. Raises ConfigFaults with everything that is wrong with it."""
    return parse(read(path), env)


def parse(text: str, env: Mapping[str, str] = MappingProxyType({})) -> Config:
    """The configuration in a text; `${NAME}` in it is taken from `env`. Raises ConfigFaults."""
    try:
        raw = yamltext.read(text)
    except yamltext.YamlFault as fault:
        raise ConfigFaults([str(fault)]) from None
    if not isinstance(raw, dict):
        raise ConfigFaults(["expected a mapping with org: and sites: at the top level"])
    missing: list[str] = []
    raw = _with_environment(raw, env, "", missing)
    try:
        config = Config.model_validate(raw)
    except ValidationError as error:
        found = error.errors(include_url=False)
        rest = _rest(raw, found)
        faulty = ConfigFaults(missing + [_say(fault) for fault in found], rest)
        raise ConfigFaults(faulty.also(contradictions), rest) from None
    faults = missing + list(contradictions(config))
    if faults:
        raise ConfigFaults(faults, config)
    return config


_STAND_INS = dict.fromkeys(("org", "bridge", "room", "model", "kind", "channel", "name"), "x") | {
    "port": "/x",
    "cadr_m3h": "1",
}


def _rest(raw: dict[str, Any], found: list[ErrorDetails]) -> Config | None:
    """The configuration without its faulty values, so that one reading of the file says everything.

    What a part cannot be without is stood in for, or the part is left out. None where that leaves nothing to look at.
    """
    rest = copy.deepcopy(raw)
    for _ in range(8):  # what is taken out may be missing then, and so on upwards
        for fault in found:
            _without(rest, _keys(fault["loc"]), missing=fault["type"] == "missing")
        try:
            return Config.model_validate(rest)
        except ValidationError as error:
            found = error.errors(include_url=False)
    return None


def _without(rest: dict[str, Any], keys: list[str], *, missing: bool) -> None:
    holders: list[Any] = [rest]
    for key in keys:
        if not isinstance(holders[-1], dict) or key not in holders[-1]:
            break
        holders.append(holders[-1][key])
    depth = min(len(holders), len(keys)) - 1
    if missing and depth == len(keys) - 1 and keys[-1] in _STAND_INS:
        holders[depth][keys[-1]] = _STAND_INS[keys[-1]]
        return
    if missing:
        depth -= 1
    while depth > 0 and not isinstance(holders[depth], dict):
        depth -= 1  # of a list the whole is left out
    if keys:
        holders[max(depth, 0)].pop(keys[max(depth, 0)], None)


def _keys(where: tuple[int | str, ...]) -> list[str]:
    """The keys of the file that lead to a fault, without what pydantic puts among them."""
    keys = [str(part) for part in where if part != "[key]"]
    return keys[:2] + keys[3:] if keys[:1] == ["rules"] else keys  # the third is the rule's kind


_VARIABLE = re.compile(r"\$\{([A-Z][A-Z0-9_]*)\}")


def _with_environment(value: Any, env: Mapping[str, str], path: str, missing: list[str]) -> Any:
    if isinstance(value, dict):
        return {k: _with_environment(v, env, f"{path}.{k}" if path else k, missing) for k, v in value.items()}
    if isinstance(value, list):
        return [_with_environment(v, env, f"{path}[{i}]", missing) for i, v in enumerate(value)]
    if not isinstance(value, str):
        return value

    def put(match: re.Match[str]) -> str:
        if match[1] not in env:
            missing.append(f"{path}: environment variable {match[1]} is not set")
            return ""
        return env[match[1]]

    return _VARIABLE.sub(put, value)


def _say(fault: ErrorDetails) -> str:
    """One fault in words: path, what is wrong, and what would be right."""
    keys = _keys(fault["loc"])
    path = ".".join(keys) or "the file"
    if fault["type"] == "string_pattern_mismatch" and keys == ["store"]:
        return f"{path}: expected sqlite, memory or influxdb://host:port/database"
    return f"{path}: {in_words(fault, _known_keys(Config, keys[:-1]))}"


def _known_keys(annotation: Any, path: list[str]) -> set[str]:
    """The keys allowed where `path` leads from a model."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _known_keys(get_args(annotation)[0], path)
    if origin in (Union, type(int | str)):
        return set().union(*(_known_keys(arg, path) for arg in get_args(annotation)))
    if origin is dict:
        return _known_keys(get_args(annotation)[1], path[1:])
    if origin is list:
        return _known_keys(get_args(annotation)[0], path[1:])
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        fields = {(f.alias or name): f for name, f in annotation.model_fields.items()}
        if not path:
            return set(fields)
        return _known_keys(fields[path[0]].annotation, path[1:]) if path[0] in fields else set()
    return set()
