"""What a model finds wrong, in words."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

_COUNTED: Final = re.compile(r"^\^(\[[^\]]+\]|\\d)\{(\d+)(?:,(\d+))?\}\$$")
_CLASSES: Final = {
    "A-Za-z": "letters",
    "a-z": "small letters",
    "A-Z": "capital letters",
    "0-9": "digits",
    "\\d": "digits",
    "_": "underscores",
    "-": "hyphens",
    ".": "dots",
}
_WHOLE: Final = {
    r"^(https?://\S+)?$": "expected a web address such as https://example.org/",
    r"^(https?://[^\s/@?#]+)?/?$": "expected the device's own address such as http://192.168.40.21, without a path",
    r"^(https?://[^\s/@?#]+/?)?$": "expected an address such as https://air.my-school.ac.th, without a path",
    r"^(/[^\s]*)?$": "expected a path that begins with / and has no blanks",
    r"^[A-Za-z0-9_/-]+$": "expected a topic of letters, digits, _, - and /",
    r"^([0-9A-F]{4})?$": "expected four hexadecimal digits, such as 3FA2",
    r"^(https://[^\s/@?#]+/?)?$": "expected an address that begins with https://, without a path",
    r"^https?://[^\s/@?#]+$": "expected an address such as http://127.0.0.1:8056, without a path",
    r"^[a-z0-9-]{1,32}(\.[a-z0-9-]{1,32})?$": "expected a school (<site>) or a room (<site>.<room>)",
    r"^[a-z0-9-]{1,32}\.[a-z0-9-]{1,32}$": "expected a school and a name in it (<site>.<name>)",
    r"^([A-Za-zก-ฮ]{1,6})?$": "expected letters, at most 6",
    r"^[a-z0-9.-]+\.[a-z]{2,}$": "expected a domain such as my-school.ac.th, in small letters",
    r"^https?://[^\s@?#]+$": "expected an address such as https://accounts.google.com",
    r"^[^\x00-\x1f\x7f]*$": "control characters are not allowed",
}
_EXPECTED: Final = {
    "int_parsing": "expected a whole number",
    "float_parsing": "expected a number",
    "string_type": "expected a text",
    "list_type": "expected a list",
    "dict_type": "expected keys with values",
    "model_type": "expected keys with values",
}


def in_words(fault: ErrorDetails, known: Iterable[str]) -> str:
    """One fault, without its path; `known` are the keys that are allowed where it is."""
    kind, message = fault["type"], fault["msg"].removeprefix("Value error, ")
    if kind == "extra_forbidden":
        near = difflib.get_close_matches(str(fault["loc"][-1]), sorted(known), n=1, cutoff=0.5)
        return f"unknown key; {f'did you mean {near[0]}?' if near else known_here(known)}"
    if kind == "missing":
        return "is missing"
    if kind == "string_pattern_mismatch":
        return pattern_in_words(fault["ctx"]["pattern"])
    if kind in _EXPECTED:
        return _EXPECTED[kind]
    if kind == "literal_error":
        return f"expected {fault['ctx']['expected']}"
    if kind == "union_tag_invalid":
        return f"expected {fault['ctx']['discriminator']}: one of {fault['ctx']['expected_tags']}".replace("'", "")
    return f"{message[:1].lower()}{message[1:]}"


def known_here(keys: Iterable[str]) -> str:
    return f"known here: {', '.join(sorted(keys)) or 'none'}"


def pattern_in_words(pattern: str) -> str:
    """A regular expression as people would say it: `^[a-z-]{1,32}$` is small letters and hyphens, at most 32."""
    if pattern in _WHOLE:
        return _WHOLE[pattern]
    found = _COUNTED.match(pattern)
    if found is None:
        return "not in the expected form"
    inside, words = found[1].strip("[]"), []
    for part, word in _CLASSES.items():
        if part in inside:
            inside = inside.replace(part, "", 1)
            words.append(word)
    words += list(inside)
    said = " and ".join(part for part in (", ".join(words[:-1]), words[-1]) if part)
    least, most = int(found[2]), int(found[3] or found[2])
    if least == most:
        return f"expected exactly {most} {said}"
    return f"expected {said}, {f'{least} to' if least > 1 else 'at most'} {most} characters"


def settings_faults(model: type[BaseModel], settings: Mapping[str, Any], path: str) -> Iterator[str]:
    """What a plug-in's Settings find wrong with its section at `path`."""
    try:
        model.model_validate(dict(settings))
    except ValidationError as error:
        for fault in error.errors(include_url=False, include_input=False):
            yield f"{'.'.join([path, *map(str, fault['loc'])])}: {in_words(fault, model.model_fields)}"
