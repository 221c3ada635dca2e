"""Signing in at a provider of OpenID Connect: who is invited comes in, everybody else is told why not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import oidc_provider_mock._app as mock
import pytest
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc.jwk import RSAKey

from dashboard.access.desk import Desk
from dashboard.access.openid.identity import mail_key
from dashboard.access.openid.tries import KEPT_MS, Tries
from tests.dashboard.access.conftest import Clock
from tests.dashboard.access.provider import Provider, chosen, running

pytestmark = [pytest.mark.servers, pytest.mark.thorough]

SECRET = "the secret of this school"


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with running() as there:
        yield there


@pytest.fixture
def open_house(make_house: Any, schools: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """A dashboard at which the provider may be used, and `somsri` is invited."""
    monkeypatch.setenv("CLASSAIR_SIGN_IN_SECRET_SCHOOL", SECRET)

    def make(provider: Provider, **more: Any) -> Any:
        config = schools.model_copy(update={"sign_in": {"school": provider.settings(**more)}})
        house = make_house(host="0.0.0.0", config=config)
        house.desk.add_account("somsri", "teacher", "", ["ban-suan.p1-2"])
        invite(house.desk, "somsri", "somsri@school.example")
        return house

    return make


def invite(desk: Desk, name: str, mail: str) -> None:
    desk.known.invite(name, "school", mail_key(desk.tries.salt(), mail))


def begun(house: Any, target: str = "/explorer?lang=en") -> tuple[str, str]:
    """The provider's address and the cookie of the attempt."""
    answer = house.ask(f"/login/with/school?{urlencode({'next': target})}")
    assert answer.status == 303, answer.text
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "Path=/login/from" in cookie and "SameSite=lax" in cookie
    return answer.headers["Location"], cookie.partition(";")[0]


def back(house: Any, address: str, cookie: str, sub: str = "somsri", **headers: str) -> Any:
    there = urlsplit(chosen(address, sub))
    assert there.path == "/login/from/school", there
    return house.ask(f"{there.path}?{there.query}", Cookie=cookie, Sec_Fetch_Site="cross-site", **headers)


def cookies(answer: Any) -> dict[str, str]:
    lines = answer.headers.get_all("Set-Cookie") or []
    return {line.partition("=")[0]: line.partition("=")[2].partition(";")[0] for line in lines}


def test_who_is_invited_comes_in_with_the_accounts_role_and_places(open_house: Any, provider: Provider) -> None:
    house = open_house(provider)
    address, cookie = begun(house)
    asked = {key: value[0] for key, value in parse_qs(urlsplit(address).query).items()}
    assert asked["code_challenge_method"] == "S256" and asked["response_type"] == "code"
    assert "secret" not in address and SECRET not in address
    answer = back(house, address, cookie)
    assert answer.status == 200 and 'content="0;url=/explorer?lang=en"' in answer.text
    kept = cookies(answer)
    me = house.ask("/api/v1/me", Cookie=f"classair_session={kept['classair_session']}").json
    assert (me["name"], me["role"], me["rooms"]) == ("somsri", "teacher", ["ban-suan.p1-2"])
    assert {"HttpOnly", "SameSite=strict"} <= {
        part.strip()
        for line in answer.headers.get_all("Set-Cookie")
        if line.startswith("classair_session=")
        for part in line.split(";")
    }
    sent = provider.asked[-1]
    assert create_s256_code_challenge(sent["code_verifier"]) == asked["code_challenge"]
    assert SECRET not in str({key: value for key, value in sent.items() if key != "by"})


def test_an_attempt_comes_back_once_and_to_its_own_browser_alone(open_house: Any, provider: Provider) -> None:
    house = open_house(provider)
    address, cookie = begun(house)
    there = urlsplit(chosen(address, "somsri"))
    path = f"{there.path}?{there.query}"
    assert house.ask(path, Cookie="classair_try=guessed").status == 403
    assert house.ask(path).status == 403
    assert house.ask(path, Cookie=cookie).status == 200
    assert house.ask(path, Cookie=cookie).status == 403


def test_an_older_session_is_left_behind(open_house: Any, provider: Provider) -> None:
    house = open_house(provider)
    first = cookies(back(house, *begun(house)))["classair_session"]
    address, cookie = begun(house)
    second = cookies(back(house, address, f"{cookie}; classair_session={first}"))["classair_session"]
    assert second != first
    assert house.ask("/api/v1/me", Cookie=f"classair_session={first}").json["kind"] == "visitor"


@pytest.mark.parametrize(
    ("sub", "said"),
    [
        ("stranger", "has not been invited"),
        ("outside", "this organisation"),
        ("unproved", "has not verified"),
        ("nameless", "did not send an e-mail"),
        ("", "เข้าสู่ระบบไม่สำเร็จ"),  # the person has pressed "cancel" there
    ],
)
def test_everybody_else_is_told_why_not_and_becomes_nobody(
    open_house: Any, provider: Provider, sub: str, said: str
) -> None:
    house = open_house(provider)
    invite(house.desk, "somsri", "mali@school.example")
    before = house.desk.accounts()
    answer = back(house, *begun(house), sub=sub)
    assert answer.status == 403 and said in answer.text
    assert "classair_session" not in cookies(answer) and house.desk.accounts() == before
    assert "@" not in str(house.desk.audit())


def test_a_disabled_account_stays_out(open_house: Any, provider: Provider) -> None:
    house = open_house(provider)
    assert back(house, *begun(house)).status == 200
    house.desk.disable_account("somsri")
    answer = back(house, *begun(house))
    assert answer.status == 403 and "classair_session" not in cookies(answer)


def _other(name: str, value: Any) -> Callable[..., dict[str, Any]]:
    usual = mock.OpenIDCode.get_jwt_config
    return lambda self, *args, **more: {**usual(self, *args, **more), name: value}


@pytest.mark.parametrize("wrong", ["issuer", "audience", "signature", "nonce", "expired"])
def test_a_token_that_is_not_for_us_is_refused(
    open_house: Any, provider: Provider, wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = open_house(provider)
    address, cookie = begun(house)
    match wrong:
        case "issuer":
            monkeypatch.setattr(mock.OpenIDCode, "get_jwt_config", _other("iss", "https://evil.example"))
        case "audience":
            monkeypatch.setattr(mock.OpenIDCode, "get_jwt_config", _other("aud", ["another-client"]))
        case "signature":
            forged = RSAKey.generate_key(2048, {"kid": "x"}).as_dict(private=True)
            monkeypatch.setattr(mock.OpenIDCode, "get_jwt_config", _other("key", forged))
        case "expired":
            monkeypatch.setattr(mock.OpenIDCode, "get_jwt_config", _other("exp", -600))
        case "nonce":
            there = urlsplit(address)
            query = {key: value[0] for key, value in parse_qs(there.query).items()}
            address = there._replace(query=urlencode({**query, "nonce": "of another attempt"})).geturl()
    answer = back(house, address, cookie)
    assert answer.status == 403 and "not completed" in answer.text
    assert "classair_session" not in cookies(answer)


def test_a_provider_that_calls_itself_otherwise_is_not_asked(open_house: Any, provider: Provider) -> None:
    house = open_house(provider, issuer=f"{provider.issuer}/")
    answer = house.ask("/login/with/school?next=%2F%3Flang%3Den")
    assert answer.status == 503 and "not answering" in answer.text


def test_a_provider_that_is_away_is_said_and_passwords_still_work(open_house: Any) -> None:
    with running(lifetime=timedelta(hours=1)) as there:
        house = open_house(there)
        address, cookie = begun(house)
        going = urlsplit(chosen(address, "somsri"))
    answer = house.ask(f"{going.path}?{going.query}", Cookie=cookie)
    assert answer.status == 503 and "not answering" in answer.text
    assert 'name="password"' in answer.text
    house.desk.add_account("other", "viewer", "four unrelated words here")
    assert house.sign_in("other", "four unrelated words here")


@pytest.mark.parametrize(
    "target", ["//evil.example/", "https://evil.example/", "/\\evil.example", "javascript:alert(1)"]
)
def test_the_way_back_leads_to_this_server_alone(open_house: Any, provider: Provider, target: str) -> None:
    house = open_house(provider)
    answer = back(house, *begun(house, target))
    assert answer.status == 200 and 'content="0;url=/"' in answer.text and "evil" not in answer.text


def test_a_provider_without_its_secret_or_unknown_is_not_offered(
    open_house: Any, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = open_house(provider)
    assert "Sign in with Example school" in house.ask("/login?lang=en").text
    assert "เข้าสู่ระบบด้วย โรงเรียนตัวอย่าง" in house.ask("/login?lang=th").text
    assert house.ask("/login/with/other").status == 404
    monkeypatch.delenv("CLASSAIR_SIGN_IN_SECRET_SCHOOL")
    assert "Example school" not in house.ask("/login?lang=en").text
    assert house.ask("/login/with/school").status == 404 and house.ask("/login/from/school").status == 404


def test_attempts_of_one_address_are_few(open_house: Any, provider: Provider) -> None:
    house = open_house(provider)
    assert {house.ask("/login/with/school").status for _ in range(30)} == {303}
    assert house.ask("/login/with/school").status == 429


def test_an_attempt_ends_after_ten_minutes_and_keeps_no_secret_in_the_clear(tmp_path: Any, clock: Clock) -> None:
    desk = Desk(tmp_path / "desk.db", clock)
    old = desk.tries.begin("school", "/", "http://here/login/from/school")
    clock.now += KEPT_MS + 1
    assert desk.tries.end("school", old.state, old.browser) is None
    new = desk.tries.begin("school", "/", "x")
    kept = b"".join(path.read_bytes() for path in tmp_path.glob("desk.db*"))
    assert new.state.encode() not in kept and new.browser.encode() not in kept
    assert desk.tries.end("other", new.state, new.browser) is None
    assert desk.tries.end("school", new.state, new.browser) == new
    assert Tries(desk.file, clock).salt() == desk.tries.salt()
    desk.close()
