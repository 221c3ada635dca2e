"""From where a request comes: its peer, or the right-most hop that a configured proxy names."""

from __future__ import annotations

import argparse
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classair.arguments import networks
from dashboard.access.whence import MOST_BYTES, MOST_HOPS, Caller, Whence, Zone

PROXY, PHONE, STRANGER = "127.0.0.1", "192.168.1.77", "20.30.40.50"
SCHOOL_NAME, PUBLIC_NAME = "classair.school.lan", "air.my-school.ac.th"
CONFIG = SimpleNamespace(address=f"http://{SCHOOL_NAME}", public_url=f"https://{PUBLIC_NAME}/")


def judged(
    peer: str, *headers: tuple[str, str], proxies: str = PROXY, host: str = SCHOOL_NAME, config: Any = CONFIG
) -> tuple[dict[str, Any], Caller]:
    sent = [("host", host), *headers]
    scope = {
        "type": "http",
        "scheme": "http",
        "client": (peer, 5000),
        "headers": [(key.lower().encode(), value.encode("latin-1")) for key, value in sent],
    }
    return Whence(lambda: config, networks(proxies))(scope)  # type: ignore[return-value]


def caller(peer: str, *headers: tuple[str, str], **more: Any) -> Caller:
    return judged(peer, *headers, **more)[1]


def by(hops: str) -> tuple[str, str]:
    return ("X-Forwarded-For", hops)


@pytest.mark.parametrize(
    ("peer", "zone"),
    [
        ("127.0.0.1", Zone.MACHINE),
        ("::1", Zone.MACHINE),
        ("192.168.1.77", Zone.SCHOOL),
        ("10.1.2.3", Zone.SCHOOL),
        ("172.31.0.9", Zone.SCHOOL),
        ("169.254.7.7", Zone.SCHOOL),
        ("fe80::1%eth0", Zone.SCHOOL),
        ("fd00::5", Zone.SCHOOL),
        ("::ffff:192.168.1.77", Zone.SCHOOL),
        ("::ffff:20.30.40.50", Zone.INTERNET),
        ("20.30.40.50", Zone.INTERNET),
        ("100.64.1.1", Zone.INTERNET),  # behind a provider's router, where strangers are too
        ("203.0.113.9", Zone.INTERNET),
        ("2001:db8::1", Zone.INTERNET),
        ("", Zone.INTERNET),
        ("a-socket", Zone.INTERNET),
    ],
)
def test_without_a_proxy_the_peers_address_decides(peer: str, zone: Zone) -> None:
    assert caller(peer, proxies="").zone is zone


@pytest.mark.parametrize(
    ("hops", "address", "zone"),
    [
        (PHONE, PHONE, Zone.SCHOOL),
        (STRANGER, STRANGER, Zone.INTERNET),
        (f"{PHONE}, {STRANGER}", STRANGER, Zone.INTERNET),  # the left one is what the stranger wrote
        (f"{STRANGER}, {PHONE}", PHONE, Zone.SCHOOL),
        (f"{STRANGER}, {PROXY}", STRANGER, Zone.INTERNET),  # two of our proxies, one behind the other
        (f"{PHONE}:4711", PHONE, Zone.SCHOOL),
        ("[fd00::5]:4711", "fd00::5", Zone.SCHOOL),
        # Whoever came to the proxy over loopback may be a tunnel.
        (PROXY, PROXY, Zone.INTERNET),
        ("127.0.0.9", "127.0.0.9", Zone.INTERNET),
        ("::1", "::1", Zone.INTERNET),
        ("", PROXY, Zone.INTERNET),
        ("unknown", PROXY, Zone.INTERNET),
        (f"{PHONE}, unknown", PROXY, Zone.INTERNET),
        (f"{PHONE},", PROXY, Zone.INTERNET),
        (", ".join([PHONE] + [PROXY] * MOST_HOPS), PROXY, Zone.INTERNET),
        ("1" * MOST_BYTES + f", {PHONE}", PROXY, Zone.INTERNET),
    ],
)
def test_behind_a_proxy_the_right_most_hop_that_is_no_proxy_decides(hops: str, address: str, zone: Zone) -> None:
    found = caller(PROXY, by(hops))
    assert (found.address, found.zone) == (address, zone)


def test_a_proxy_that_names_nobody_is_the_internet() -> None:
    assert caller(PROXY).zone is Zone.INTERNET


def test_several_headers_count_in_their_order() -> None:
    assert caller(PROXY, by(PHONE), by(STRANGER)).address == STRANGER


@pytest.mark.parametrize("peer", [PROXY, PHONE, STRANGER])
@pytest.mark.parametrize("name", ["X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP", "Forwarded"])
def test_a_proxy_that_is_not_configured_lends_nobody_its_nearness(peer: str, name: str) -> None:
    scope, found = judged(peer, (name, PHONE), proxies="10.9.9.9")
    assert (found.address, found.zone) == (peer, Zone.INTERNET)
    assert scope["client"][0] == peer and scope["scheme"] == "http" and dict(scope["headers"])[b"host"]


def test_scheme_and_host_are_those_that_the_proxy_was_asked_by() -> None:
    scope, found = judged(
        PROXY, by(PHONE), ("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", SCHOOL_NAME), host="127.0.0.1:8050"
    )
    assert scope["scheme"] == "https" and found.name == SCHOOL_NAME
    assert scope["headers"] == [(b"host", SCHOOL_NAME.encode())], "nobody behind the guard reads forwarding headers"
    assert scope["client"] == (PHONE, 0)


@pytest.mark.parametrize("said", ["ftp", "javascript", "https, http", "", "x" * 4000])
def test_a_scheme_that_is_none_changes_nothing(said: str) -> None:
    assert judged(PROXY, by(PHONE), ("X-Forwarded-Proto", said))[0]["scheme"] == "http"


def test_the_public_name_is_https_and_never_the_school() -> None:
    """A router that hides from where its connections come makes the internet look like the school."""
    scope, found = judged(PROXY, by(PHONE), host=PUBLIC_NAME)
    assert scope["scheme"] == "https" and found.zone is Zone.INTERNET


def test_a_public_name_that_the_school_uses_too_goes_by_the_address() -> None:
    both = SimpleNamespace(address=f"https://{PUBLIC_NAME}", public_url=f"https://{PUBLIC_NAME}")
    assert caller(PROXY, by(PHONE), host=PUBLIC_NAME, config=both).zone is Zone.SCHOOL
    assert caller(PROXY, by(STRANGER), host=PUBLIC_NAME, config=both).zone is Zone.INTERNET


@pytest.mark.parametrize(
    ("host", "known"),
    [
        ("localhost:8050", True),
        ("192.168.1.10:8050", True),
        ("[fd00::5]:8050", True),
        (SCHOOL_NAME, True),
        (SCHOOL_NAME.upper() + ".:8050", True),
        (PUBLIC_NAME, True),
        ("rebound.example", False),
        (f"{PUBLIC_NAME}.rebound.example", False),
        (f"{PUBLIC_NAME}@rebound.example", False),
        ("", False),
        ("a b", False),
        ("x" * 300, False),
    ],
)
def test_only_addresses_and_configured_names_are_ours(host: str, known: bool) -> None:
    assert caller(PHONE, host=host, proxies="").known is known


@given(written=st.text(st.characters(max_codepoint=255), max_size=3000), more=st.booleans())
def test_whatever_a_stranger_writes_a_proxy_that_appends_keeps_him_outside(written: str, more: bool) -> None:
    headers = [by(written), by(STRANGER)] if more else [by(f"{written}, {STRANGER}")]
    found = caller(PROXY, *headers)
    assert found.zone is Zone.INTERNET and found.address in (STRANGER, PROXY)


@given(written=st.text(st.characters(max_codepoint=255), max_size=300), peer=st.sampled_from([PHONE, PROXY, STRANGER]))
def test_whatever_somebody_writes_without_a_proxy_brings_nobody_nearer(written: str, peer: str) -> None:
    assert caller(peer, by(written), proxies="").zone is Zone.INTERNET


@given(st.text(st.characters(max_codepoint=255), max_size=400))
def test_a_name_is_known_only_if_it_is_one(host: str) -> None:
    assert isinstance(caller(PROXY, by(PHONE), ("X-Forwarded-Host", host), host=host).known, bool)


@pytest.mark.parametrize("text", ["0.0.0.0/0", "::/0", "proxy.example", "10.0.0.1/8", "127.0.0.1,x"])
def test_who_may_be_a_proxy_is_said_exactly(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        networks(text)
