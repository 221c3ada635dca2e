"""The webhook's signature: LINE's own example, and that nothing else passes."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classair.line import signature
from simulator.line.events import Webhook
from simulator.line.platform import LinePlatform
from tests.neighbours.line import SECRET, TOKEN

# The example of LINE's documents.
EXAMPLE_SECRET = "8c570fa6dd201bb328f1c1eac23a96d8"
EXAMPLE_BODY = b'{"destination":"U8e742f61d673b39c7fff3cecb7536ef0","events":[]}'
EXAMPLE_SIGNATURE = "GhRKmvmHys4Pi8DxkF4+EayaH0OqtJtaZxgTD9fMDLs="


def test_the_example_of_lines_documents_is_valid() -> None:
    assert signature.sign(EXAMPLE_SECRET, EXAMPLE_BODY) == EXAMPLE_SIGNATURE
    assert signature.valid(EXAMPLE_SECRET, EXAMPLE_BODY, EXAMPLE_SIGNATURE)


@given(st.binary(max_size=200))
def test_what_the_fake_signs_is_valid_and_not_with_one_byte_more(body: bytes) -> None:
    signed = Webhook(LinePlatform(TOKEN, SECRET, time.time)).signed(body)
    assert signature.valid(SECRET, body, signed)
    assert not signature.valid(SECRET, body + b" ", signed)
    assert not signature.valid(SECRET + "x", body, signed)


@pytest.mark.parametrize("given_signature", [None, "", "ลายเซ็น", "\udcff", "AAAA", EXAMPLE_SIGNATURE.lower()])
def test_a_missing_or_wrong_signature_is_never_valid(given_signature: str | None) -> None:
    assert not signature.valid(EXAMPLE_SECRET, EXAMPLE_BODY, given_signature)


def test_without_a_secret_nothing_is_valid() -> None:
    assert not signature.valid("", EXAMPLE_BODY, signature.sign("", EXAMPLE_BODY))
