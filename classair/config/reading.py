"""sensors.yaml → a typed Config, or a list of everything that is wrong with it."""

from __future__ import annotations

import copy
import difflib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from classair.config import yamltext
from classair.config.contradictions import contradictions
from classair.config.files import ConfigFaults, read
from classair.config.settings import Config


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
        raise ConfigFaults(["the file must be a mapping that begins with org: and sites:"])
    missing: list[str] = []
    raw = _with_environment(raw, env, "", missing)
    try:
        config = Config.model_validate(raw)
    except ValidationError as error:
        found = error.errors(include_url=False)
        said = missing + [_say(fault) for fault in found]
        raise ConfigFaults(said + _contradictions_beside(raw, [fault["loc"] for fault in found])) from None
    faults = missing + list(contradictions(config))
    if faults:
        raise ConfigFaults(faults)
    return config


def _contradictions_beside(raw: dict[str, Any], faulty: list[tuple[int | str, ...]]) -> list[str]:
    """What else the whole does not allow, so that one reading of the file says everything.

    Looks at the file without its faulty values. Says nothing of the places they were taken from, and nothing at all
    where the rest is no configuration by itself: what would then be missed elsewhere may well be there.
    """
    rest, places = copy.deepcopy(raw), []
    for where in faulty:
        keys = [part for part in where if part not in _NO_KEYS]
        holder: Any = rest
        for key in keys[:-1]:
            holder = holder.get(key) if isinstance(holder, dict) else None
        if not isinstance(holder, dict) or keys[-1] not in holder:
            return []
        del holder[keys[-1]]
        places.append(".".join(map(str, keys[:-1])))
    try:
        config = Config.model_validate(rest)
    except ValidationError:
        return []
    return [
        line
        for line in contradictions(config)
        if not any(place and f"{line.partition(': ')[0]}.".startswith(f"{place}.") for place in places)
    ]


_NO_KEYS = ("[key]", "purifier", "silent", "purifier_fault")  # what pydantic puts among the keys of a fault

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
            missing.append(f"{path}: the environment variable {match[1]} is not set")
            return ""
        return env[match[1]]

    return _VARIABLE.sub(put, value)


def _say(fault: Any) -> str:
    """One pydantic fault in words: path, what is wrong, and for an unknown key the nearest known one."""
    where = [part for part in fault["loc"] if part not in _NO_KEYS]
    path = ".".join(str(part) for part in where) or "the file"
    kind, message = fault["type"], fault["msg"].removeprefix("Value error, ")
    if kind == "extra_forbidden":
        known = sorted(_known_keys(Config, [str(p) for p in where[:-1]]))
        near = difflib.get_close_matches(str(where[-1]), known, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]}?" if near else f"known here: {', '.join(known)}"
        return f"{path}: unknown key; {hint}"
    if kind == "missing":
        return f"{path}: is missing"
    if "[key]" in fault["loc"] and kind != "value_error":  # a language says itself which there are
        return f"{path}: an id has 1 to 32 of a-z, 0-9 and -"
    if kind == "string_pattern_mismatch" and where and where[-1] == "store":
        return f"{path}: expected sqlite, memory or influxdb://host:port/database"
    return f"{path}: {message[:1].lower()}{message[1:]}"


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
