"""Who may do what: every route × role, and what a changing request must bring."""

from __future__ import annotations

import http.client
import json
from typing import Any

import pytest

from dashboard.access.guard import LIGHT_POLICY, MAX_BODY
from dashboard.access.roles import ROLES, SCOPES_OF, VISITOR, Need, Principal, may

PASSWORD = "four unrelated words here"
OVERRIDE = "/api/v1/purifiers/ban-suan.p1-2-fan/override"


def routes_of(house: Any) -> set[tuple[str, str]]:
    found = set()
    for route in house.app.server.router.routes:
        methods = getattr(route, "methods", None) or ({"WEBSOCKET"} if "WebSocket" in type(route).__name__ else {"GET"})
        found |= {(method, route.path) for method in methods if method != "HEAD"}
    return found


def test_every_route_of_the_application_is_in_the_table_and_nothing_else_is(house: Any) -> None:
    assert routes_of(house) == set(house.app.needs)


def principals() -> list[Principal]:
    accounts = [Principal("account", role, role, SCOPES_OF[role], "x") for role in ROLES]
    tokens = [Principal("token", scope, "", frozenset({"read", scope})) for scope in ("read", "control", "export")]
    return [VISITOR, *accounts, *tokens]


@pytest.mark.parametrize("principal", principals(), ids=lambda p: p.who)
@pytest.mark.parametrize("need", Need)
def test_what_each_role_may_do_is_exactly_this(need: Need, principal: Principal) -> None:
    allowed = {who.who for who in principals() if may(need, who, demo=False, near=False)}
    readers = {f"account:{role}" for role in ROLES} | {"token:read", "token:control", "token:export"}
    expected = {
        Need.OPEN: readers | {"visitor"},
        Need.NOBODY: set(),
        Need.DISPLAY: readers,
        Need.READ: readers,
        Need.MEMBER: {f"account:{role}" for role in ROLES},
        Need.CONTROL: {"account:teacher", "account:caretaker", "account:head", "account:admin", "token:control"},
        Need.EXPORT: {"account:researcher", "account:head", "account:municipality", "account:admin", "token:export"},
        Need.TICKETS: {"account:caretaker", "account:head", "account:municipality", "account:admin"},
        Need.APPROVE: {"account:head", "account:municipality", "account:admin"},
        Need.ADMIN: {"account:admin"},
    }[need]
    assert allowed == expected
    assert may(need, principal, demo=True, near=True) == (
        principal.who in expected or need in (Need.READ, Need.DISPLAY)
    )


def concrete(path: str) -> str:
    files = {"/assets": "/assets/fonts.css", "/assets/pages": "/assets/pages/explorer/explorer.css"}
    return (
        files.get(path, path)
        .replace("{room}", "ban-suan.p1-2")
        .replace("{purifier}", "ban-suan.p1-2-fan")
        .replace("{package_name}", "dash")
        .replace("{fingerprinted_path:path}", "nothing.js")
        .replace("{rest:path}", "nothing-here")
    )


def endless(path: str) -> bool:
    """Whether a route is a stream, which ends only with its reader."""
    return path.startswith("/live/") or path in ("/api/live", "/display/{room}/live", "/door/{room}/live")


def test_every_route_answers_each_role_as_the_table_says(make_house: Any) -> None:
    """On an address other than loopback, so that nothing is open for being a demo."""
    house = make_house(host="0.0.0.0")
    walk(house, "visitor", VISITOR, {})
    for role in ROLES:
        house.desk.add_account(f"some-{role}", role, PASSWORD)
        headers = house.sign_in(f"some-{role}", PASSWORD)
        walk(house, role, Principal("account", f"some-{role}", role, SCOPES_OF[role], "x"), headers)


def walk(house: Any, role: str, principal: Principal, headers: dict[str, str]) -> None:
    for (method, path), need in house.app.needs.items():
        if method == "WEBSOCKET" or endless(path) or path in ("/logout", "{path:path}"):
            continue
        answer = house.ask(
            concrete(path), method, body=b"{}" if method != "GET" else None, Content_Type="application/json", **headers
        )
        refused = answer.status in (401, 403) and path != "/login"
        passes = may(need, principal, demo=False, near=True)
        if need is Need.NOBODY:
            assert answer.status == 404, (role, method, path, answer.status)
        else:
            assert refused != passes, (role, method, path, answer.status, answer.text[:200])


def test_a_route_that_the_table_does_not_know_is_refused(own_house: Any) -> None:
    async def secret() -> str:
        return "secret"

    own_house.app.server.add_api_route("/forgotten", secret)
    own_house.app.server.router.routes.insert(0, own_house.app.server.router.routes.pop())
    assert own_house.ask("/forgotten").status == 404
    assert "secret" not in own_house.ask("/forgotten").text


def test_the_demo_reads_without_signing_in_and_controls_nothing(house: Any) -> None:
    assert house.ask("/api/v1/rooms").status == 200
    assert house.ask("/").status == 200
    answer = house.ask(OVERRIDE, "POST", body=b'{"do": "on"}', Content_Type="application/json")
    assert answer.status == 401
    assert "sign in" in answer.json["error"]["right"]


def test_a_foreign_name_for_this_machine_does_not_open_the_demo(house: Any) -> None:
    assert house.ask("/api/v1/rooms", Host=f"rebound.example:{house.port}").status == 421


def test_a_real_site_is_read_only_after_signing_in(make_house: Any, schools: Any) -> None:
    site = schools.sites["rim-khlong"]
    real = site.model_copy(
        update={
            "sensors": {
                key: sensor.model_copy(update={"port": "/dev/serial/by-id/usb-1"})
                for key, sensor in site.sensors.items()
            }
        }
    )
    house = make_house(config=schools.model_copy(update={"sites": {**schools.sites, "rim-khlong": real}}))
    assert house.ask("/api/v1/rooms").status == 401
    assert house.ask("/room/rim-khlong.a2-1", Accept="text/html").headers["Location"].startswith("/login?next=%2Froom")
    sent = house.ask("/room/rim-khlong.a2-1?lang=en", Accept="text/html").headers["Location"]
    assert 'lang="en"' in house.ask(sent).text and 'lang="th"' in house.ask(sent + "&lang=th").text
    assert house.ask("/display/rim-khlong.a2-1").status == 200
    assert house.ask("/display/rim-khlong.a2-1/line").status == 200


def test_a_display_is_not_shown_outside_the_schools_network(make_house: Any) -> None:
    house = make_house(host="0.0.0.0")
    assert house.ask("/display/ban-suan.p1-2").status == 200
    assert house.ask("/display/ban-suan.p1-2", X_Forwarded_For="20.30.40.50").status == 401


def test_a_token_controls_only_with_its_scope_and_only_while_in_force(own_house: Any) -> None:
    reads = own_house.desk.create_token("reads", ("read",), 1)
    acts = own_house.desk.create_token("acts", ("control",), 1)
    send = {"method": "POST", "body": b'{"do": "on"}', "Content_Type": "application/json"}
    assert own_house.ask(OVERRIDE, Authorization=f"Bearer {reads}", **send).status == 403
    # Let through; there is no broker to ask here.
    assert own_house.ask(OVERRIDE, Authorization=f"Bearer {acts}", **send).status == 503
    own_house.desk.revoke_token("acts")
    assert own_house.ask(OVERRIDE, Authorization=f"Bearer {acts}", **send).status == 401
    assert own_house.ask(OVERRIDE, Authorization="Bearer classair_guessed", **send).status == 401


def test_a_session_must_prove_each_change(own_house: Any) -> None:
    own_house.desk.add_account("teacher", "teacher", "a long enough secret")
    good = own_house.sign_in("teacher", "a long enough secret")
    send = {"method": "POST", "body": b'{"do": "on"}', "Content_Type": "application/json"}
    assert own_house.ask(OVERRIDE, **good, **send).status == 503
    for wrong in (
        {**good, "X_CSRF_Token": "guess"},
        {k: v for k, v in good.items() if k != "X_CSRF_Token"},
        {**good, "Origin": "https://elsewhere.example"},
        {k: v for k, v in good.items() if k != "Origin"},
        {**good, "Sec_Fetch_Site": "cross-site"},
    ):
        assert own_house.ask(OVERRIDE, **wrong, **send).status == 403
    assert (
        own_house.ask(
            OVERRIDE, **good, method="POST", body=b"do=on", Content_Type="application/x-www-form-urlencoded"
        ).status
        == 415
    )
    assert (
        own_house.ask(OVERRIDE, **good, method="POST", body=b" " * 300_000, Content_Type="application/json").status
        == 413
    )


@pytest.mark.parametrize("origin", ["http://[", "http://[::1", "null", "http://a]", "//", "x"])
def test_an_origin_that_is_no_address_is_another_site(house: Any, origin: str) -> None:
    answer = house.ask("/login", "POST", body=b"name=x", Origin=origin)
    assert answer.status == 403 and "another site" in answer.text


def test_every_change_and_every_refused_change_is_written_down(own_house: Any) -> None:
    own_house.desk.add_account("viewer", "viewer", "a long enough secret")
    headers = own_house.sign_in("viewer", "a long enough secret")
    own_house.ask(OVERRIDE, "POST", body=b'{"do": "on"}', Content_Type="application/json", **headers)
    _, who, did, about, outcome = own_house.desk.audit(1)[0]
    assert (who, did, about) == ("account:viewer", "refused", f"POST {OVERRIDE}")
    assert "not allowed" in outcome


def test_signing_out_ends_the_session_on_the_server(own_house: Any) -> None:
    own_house.desk.add_account("teacher", "teacher", "a long enough secret")
    headers = own_house.sign_in("teacher", "a long enough secret")
    assert own_house.ask("/api/v1/me", **headers).json["role"] == "teacher"
    assert own_house.ask("/logout", "POST", body=b"", **headers).status == 303
    assert own_house.ask("/api/v1/me", **headers).json["kind"] == "visitor"


def test_a_session_brought_to_signing_in_is_left_behind(own_house: Any) -> None:
    own_house.desk.add_account("teacher", "teacher", "a long enough secret")
    first = own_house.sign_in("teacher", "a long enough secret")
    body = b"name=teacher&password=a long enough secret&next=//evil.example/x"
    again = own_house.ask(
        "/login",
        "POST",
        body=body,
        Content_Type="application/x-www-form-urlencoded",
        Cookie=first["Cookie"],
        Origin=own_house.url,
    )
    assert again.headers["Location"] == "/"
    assert own_house.ask("/api/v1/me", Cookie=first["Cookie"]).json["kind"] == "visitor"


def test_cookies_are_strict_and_the_session_is_hidden_from_scripts(make_house: Any) -> None:
    own_house = make_house(proxies="127.0.0.1")
    own_house.desk.add_account("teacher", "teacher", "a long enough secret")
    answer = own_house.ask(
        "/login",
        "POST",
        body=b"name=teacher&password=a long enough secret",
        Origin=own_house.url,
        Content_Type="application/x-www-form-urlencoded",
        X_Forwarded_Proto="https",
    )
    session = next(line for line in answer.headers.get_all("Set-Cookie") if line.startswith("classair_session="))
    assert {"HttpOnly", "SameSite=strict", "Secure"} <= {part.strip() for part in session.split(";")}


def test_wrong_name_and_wrong_password_read_the_same_and_are_limited(own_house: Any) -> None:
    own_house.desk.add_account("teacher", "teacher", "a long enough secret")

    def attempt(name: str) -> tuple[int, str]:
        answer = own_house.ask(
            "/login?lang=en",
            "POST",
            body=f"name={name}&password=wrong wrong wrong".encode(),
            Origin=own_house.url,
            Content_Type="application/x-www-form-urlencoded",
        )
        # What was typed stays in the field.
        return answer.status, answer.text.replace(f'name="name" value="{name}"', "")

    assert attempt("teacher") == attempt("nobody-of-that-name")
    for _ in range(9):
        attempt("teacher")
    assert attempt("teacher")[0] == 429
    assert "15 minutes" in attempt("teacher")[1]


def test_every_answer_carries_the_strict_headers(house: Any) -> None:
    for path in ("/", "/login", "/display/ban-suan.p1-2", "/api/v1/rooms", "/nothing-here", "/explorer"):
        headers = house.ask(path, Accept="text/html").headers
        policy = headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "frame-ancestors 'none'" in policy and "default-src 'none'" in policy
        scripts = next(part for part in policy.split(";") if part.strip().startswith("script-src"))
        assert "unsafe" not in scripts
        if path != "/explorer":
            assert policy == LIGHT_POLICY


def test_errors_say_what_where_and_what_would_be_right(house: Any) -> None:
    wrong = house.ask("/api/v1/rooms/ban-suan.p1-3/now").json["error"]
    assert wrong["what"] == "unknown room 'ban-suan.p1-3'"
    assert wrong["right"].startswith("did you mean ban-suan.p1-")
    assert house.ask("/api/nothing").json["error"]["what"] == "not found"
    assert json.loads(house.ask("/api/v1/rooms", "DELETE").body)["error"]["where"] == "DELETE /api/v1/rooms"


@pytest.mark.parametrize("path", ["/login", "/line/webhook"])
def test_a_body_that_does_not_say_its_length_is_refused_where_the_limit_is_reached(
    own_house: Any, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLASSAIR_LINE_SECRET", "a secret")
    there = http.client.HTTPConnection(own_house.url.partition("//")[2], timeout=60)
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    there.request("POST", path, iter([b"x" * MAX_BODY, b"y"]), kind, encode_chunked=True)
    assert there.getresponse().status == 413
    there.close()
