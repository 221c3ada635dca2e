"""JSON of small devices: what is damaged costs itself only, and no damage costs time."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classair.parsing.json_objects import NotReadable, read_object, read_pairs


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"t":nan,"pm":{"a":14}}', {"t": "nan", "pm": {"a": 14}}),
        ('{"t":-nan,"a":Infinity,"b":1}', {"t": "-nan", "a": "Infinity", "b": 1}),
        ('{"a":12,5,"b":3}', {"a": "12,5", "b": 3}),
        ('{"a":1,234}', {"a": "1,234"}),
        ('{"a":,"b":3}', {"a": "", "b": 3}),
        ('{"a":7 ug,"b":"x"}', {"a": "7 ug", "b": "x"}),
        ('{"l":[1,nan,{"x":--}],"b":3}', {"l": [1, "nan", {"x": "--"}], "b": 3}),
        ("{'a': 1}", {"a": 1}),
        ('\ufeff{"a":1}', {"a": 1}),
    ],
)
def test_a_bad_value_stays_a_text_and_the_others_are_read(text: str, found: dict[str, Any]) -> None:
    assert read_object(text.encode()) == (found, False)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        # Tasmota's drivers of the S88 and the PMSA003I write so.
        (
            '{"S88":{"CarbonDioxide":811,"Temperature":25.3,"},"TempUnit":"C"}',
            {"S88": {"CarbonDioxide": 811, "Temperature": 25.3}, "TempUnit": "C"},
        ),
        (
            '{"PMSA003I":{"PM2.5":14}},"BME280":{"t":1},"U":"C"}',
            {"PMSA003I": {"PM2.5": 14}, "BME280": {"t": 1}, "U": "C"},
        ),
        ('{"n":"abc,"t":30}', {"n": '"abc', "t": 30}),
        ('{"a":1 "b":2}', {"a": 1, "b": 2}),
        ('{"a":14,"b":1', {"a": 14}),
        ('{"p":{"a":14,"b":1', {"p": {"a": 14}}),
        ('xx{"a":1}yy', {"a": 1}),
        ('{"a":1}{"a":2}', {"a": 1}),
    ],
)
def test_damage_to_braces_quotes_and_commas_is_said(text: str, found: dict[str, Any]) -> None:
    assert read_object(text.encode()) == (found, True)
    with pytest.raises(NotReadable):
        read_pairs(text, dict)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"a":1}8,"b":3}', {"a": "1}8", "b": 3}),
        ('{"a":1.}5,"b":3}', {"a": "1.}5", "b": 3}),
        ('{"b":3,"chann"els":{"1":{"b":4}},"c":5}', {"b": 3, "els": {"1": {"b": 4}}, "c": 5}),
        ('{"b":3,{"b":4},"c":5}', {"b": 3, "c": 5}),
        ('{"b":3,"x":y{"b":4},"c":5}', {"b": 3, "x": 'y{"b":4}', "c": 5}),
        ('{{"b":3,"c":5}', {"b": 3, "c": 5}),
    ],
)
def test_damage_neither_cuts_a_number_nor_gives_one_object_what_another_says(text: str, found: dict[str, Any]) -> None:
    assert read_object(text.encode()) == (found, True)


@pytest.mark.parametrize("text", ["", "x", "[1]", "7", '"a"', "{", "{{{", "}{", "{,,,}", "nan"])
def test_what_holds_no_object_is_refused(text: str) -> None:
    with pytest.raises(NotReadable):
        read_object(text.encode())


@pytest.mark.parametrize(
    "text",
    [
        '{"a":' + "[" * 60_000,
        '{"a":' * 12_000,
        "{" + '"a":x x,' * 8_000,
        "{" + "," * 64_000 + "}",
        '{"a":x x' + " " * 64_000,
        '{"a":x x' + ',"' * 32_000,
        '{"a":"' + "\\" * 64_000,
        "{" + '"a' * 30_000,
        "{" + '"a":{"b":x}' * 6_000,
        '{"a":' + "9" * 60_000 + "}",
    ],
    ids=range(10),
)
def test_no_message_takes_long(text: str) -> None:
    # Only that it ends: anything quadratic would run into the suite's time limit.
    try:
        read_object(text.encode())
    except NotReadable:
        pass


@given(
    st.dictionaries(
        st.text(max_size=6),
        st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=6), st.lists, max_leaves=6),
        max_size=5,
    )
)
@pytest.mark.thorough
def test_sound_json_is_read_as_it_stands(value: dict[str, Any]) -> None:
    assert read_object(json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass"))[0] == json.loads(
        json.dumps(value).encode()
    )


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(payload: bytes) -> None:
    try:
        assert isinstance(read_object(b'{"a":' + payload)[0], dict)
    except NotReadable:
        pass
