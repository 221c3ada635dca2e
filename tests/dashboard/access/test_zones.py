"""Every route, from this machine, the school's network and the internet: what each reaches without an account."""

from __future__ import annotations

from typing import Any

import pytest

from dashboard.access.desk import LIMIT_ACCOUNT, LIMIT_PLACE
from dashboard.access.roles import VISITOR, Need, may

SCHOOL, PUBLIC = "classair.school.lan", "air.my-school.ac.th"
PHONE, STRANGER = "192.168.1.77", "20.30.40.50"
ENDLESS = {"/api/live", "/display/{room}/live", "/door/{room}/live"}

# Who asks: its headers as the proxy writes them, and whether it is inside the school.
FROM: dict[str, tuple[dict[str, str], bool]] = {
    "loopback": ({}, True),
    "school": ({"X_Forwarded_For": PHONE, "X_Forwarded_Host": SCHOOL, "X_Forwarded_Proto": "https"}, True),
    "internet": ({"X_Forwarded_For": STRANGER, "X_Forwarded_Host": PUBLIC, "X_Forwarded_Proto": "https"}, False),
    "internet by the school's name": ({"X_Forwarded_For": STRANGER, "X_Forwarded_Host": SCHOOL}, False),
    "internet behind a router that hides it": ({"X_Forwarded_For": "192.168.1.1", "X_Forwarded_Host": PUBLIC}, False),
    "internet with an invented hop": ({"X_Forwarded_For": f"{PHONE}, {STRANGER}", "X_Forwarded_Host": SCHOOL}, False),
    "a tunnel on this machine": ({"X_Forwarded_For": "127.0.0.1", "X_Forwarded_Host": PUBLIC}, False),
    "a proxy that names nobody": ({"X_Forwarded_Proto": "https", "X_Forwarded_Host": SCHOOL}, False),
}


@pytest.fixture
def open_house(make_house: Any, schools: Any) -> Any:
    """Listening for everybody, so that nothing is open for being a demo; a proxy on loopback."""
    names = {"address": f"https://{SCHOOL}", "public_url": f"https://{PUBLIC}"}
    return make_house(host="0.0.0.0", proxies="127.0.0.1", config=schools.model_copy(update=names))


def concrete(path: str) -> str:
    files = {"/assets": "/assets/fonts.css", "/assets/pages": "/assets/pages/explorer/explorer.css"}
    return (
        files.get(path, path)
        .replace("{room}", "ban-suan.p1-2")
        .replace("{package_name}", "dash")
        .replace("{fingerprinted_path:path}", "nothing.js")
        .replace("{rest:path}", "nothing-here")
    )


@pytest.mark.thorough
@pytest.mark.parametrize("whence", [name for name in FROM if name != "loopback"])
def test_every_route_by_a_proxy_answers_a_visitor_as_the_table_says(open_house: Any, whence: str) -> None:
    headers, near = FROM[whence]
    walk(open_house, headers, near)


def test_every_route_without_a_proxy_answers_a_visitor_on_this_machine(make_house: Any) -> None:
    walk(make_house(host="0.0.0.0"), {}, True)


def walk(house: Any, headers: dict[str, str], near: bool) -> None:
    for (method, path), need in house.app.needs.items():
        endless = path in ENDLESS or path.startswith("/live/")
        passes = may(need, VISITOR, demo=False, near=near)
        if method == "WEBSOCKET" or path == "{path:path}" or (endless and passes):
            continue
        answer = house.ask(
            concrete(path), method, body=b"{}" if method != "GET" else None, Content_Type="application/json", **headers
        )
        if need is Need.NOBODY:
            assert answer.status == 404, (method, path, answer.status)
        else:
            refused = answer.status in (401, 403) and path != "/login"
            assert refused != passes, (method, path, answer.status, answer.text[:200])


def test_what_the_internet_reaches_without_an_account_is_short(open_house: Any) -> None:
    """What is added here anybody in the world can open: see the table in docs/open.md."""
    named = {path for (_, path), need in open_house.app.needs.items() if need is Need.OPEN}
    assert named <= {
        "/assets",
        "/assets/pages",
        "/_dash-component-suites/{package_name}/{fingerprinted_path:path}",
        "/_favicon.ico",
        "/login",
        "/login/demo",  # refuses outside of the demo
        "/login/with/{name}",  # the school's own sign-in (OpenID Connect)
        "/login/from/{name}",
        "/line/webhook",  # LINE's, signed
        # links of messages, signed
        "/notify/{token}",
        "/report/{token}",
        "/report/{token}.pdf",
        "/report/{token}.png",
        "/paper/month/{token}",
        "/paper/month/{token}.pdf",
        "/ticket/{token}",
        "/photo/{token}",
        "/follow/{token}",
        "/unfollow/{token}",
        "/record/{token}",
        "/record/{token}/{name}",
        "/record-key",  # the public half of the key that signs records
        # what parents and citizens open
        "/report",
        "/town",
        "/door/{room}",
        "/door/{room}/live",
        "/door/{room}/follow",
        "/door/{room}/record",
        "/openapi.json",
        "/api/v1/me",
        "/{rest:path}",
    }


def test_the_demo_is_not_open_through_a_proxy(make_house: Any, schools: Any) -> None:
    house = make_house(proxies="127.0.0.1", config=schools.model_copy(update={"public_url": f"https://{PUBLIC}"}))
    for headers, _ in FROM.values():
        answer = house.ask("/api/v1/rooms", **{**headers, "X_Forwarded_Host": "localhost", "X_Forwarded_For": "::1"})
        assert answer.status == 401


def test_a_proxy_that_nobody_named_opens_neither_the_demo_nor_the_displays(make_house: Any) -> None:
    house = make_house()
    assert house.ask("/api/v1/rooms").status == 200
    assert house.ask("/api/v1/rooms", X_Forwarded_For="127.0.0.1").status == 401
    assert house.ask("/display/ban-suan.p1-2", X_Forwarded_For=PHONE).status == 401


def test_an_unknown_name_is_told_what_would_make_it_known(open_house: Any) -> None:
    answer = open_house.ask("/login", X_Forwarded_Host="rebound.example", X_Forwarded_For=PHONE)
    assert answer.status == 421
    assert "rebound.example" in answer.json["error"]["what"] and "address:" in answer.json["error"]["right"]


def sign_in(house: Any, origin: str, address: str, password: str = "four unrelated words here", **headers: str) -> Any:
    return house.ask(
        "/login",
        "POST",
        body=f"name=head&password={password}".encode(),
        Content_Type="application/x-www-form-urlencoded",
        Origin=origin,
        X_Forwarded_For=address,
        X_Forwarded_Host=origin.partition("://")[2],
        X_Forwarded_Proto=origin.partition("://")[0],
        **headers,
    )


def test_cookies_are_for_https_alone_where_the_proxy_was_asked_by_https(open_house: Any) -> None:
    open_house.desk.add_account("head", "admin", "four unrelated words here")
    for origin, secure in ((f"https://{SCHOOL}", True), (f"http://{SCHOOL}", False), (f"https://{PUBLIC}", True)):
        answer = sign_in(open_house, origin, PHONE)
        assert answer.status == 303
        cookies = answer.headers.get_all("Set-Cookie")
        assert [("; Secure" in cookie) for cookie in cookies if "Max-Age=0" not in cookie] == [secure, secure]


def test_an_origin_is_ours_only_by_the_name_that_was_asked_for(open_house: Any) -> None:
    open_house.desk.add_account("head", "admin", "four unrelated words here")
    answer = open_house.ask(
        "/login", "POST", body=b"name=head", Origin=f"https://{PUBLIC}", X_Forwarded_For=PHONE, X_Forwarded_Host=SCHOOL
    )
    assert answer.status == 403 and "another site" in answer.text


@pytest.mark.thorough
def test_sign_ins_are_limited_by_the_clients_address_and_not_by_the_proxys(open_house: Any) -> None:
    open_house.desk.add_account("head", "admin", "four unrelated words here")
    for number in range(30):
        open_house.desk.sign_in(f"nobody-{number}", "a wrong password", STRANGER)
    assert sign_in(open_house, f"https://{PUBLIC}", STRANGER).status == 429
    assert sign_in(open_house, f"https://{PUBLIC}", "20.30.40.51").status == 303
    assert sign_in(open_house, f"https://{PUBLIC}", f"20.30.40.51, {STRANGER}").status == 429


@pytest.mark.thorough
@pytest.mark.slow
def test_strangers_lock_nobody_out_of_the_school_or_off_a_remembered_phone(open_house: Any) -> None:
    desk = open_house.desk
    desk.add_account("head", "admin", "four unrelated words here")
    phone = {"Cookie": f"classair_phone={desk.phones.remember('head', 'iPhone', 'proof')}"}
    for number in range(LIMIT_PLACE):
        assert sign_in(open_house, f"https://{PUBLIC}", f"20.30.{number}.1", "wrong").status == 401
    assert sign_in(open_house, f"https://{PUBLIC}", STRANGER).status == 429
    assert sign_in(open_house, f"https://{SCHOOL}", PHONE).status == 303
    assert sign_in(open_house, f"https://{PUBLIC}", STRANGER, **phone).status == 303
    for _ in range(LIMIT_ACCOUNT):
        assert sign_in(open_house, f"https://{PUBLIC}", STRANGER, "wrong", **phone).status == 401
    assert sign_in(open_house, f"https://{PUBLIC}", STRANGER, **phone).status == 429, "it is bounded too"
