"""One sign-in at a provider of OpenID Connect: sending the browser there, and judging what it brings back.

Authorization code with PKCE, state and nonce. Synchronous: callers use a thread. Nothing of it is logged but the kind
of fault: addresses, subjects and tokens are people's.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from authlib.oidc.discovery import get_well_known_url
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from classair.config.sign_in import SignIn
from dashboard.access.openid.tries import Try

TIMEOUT_S: Final = 5.0
KEPT_S: Final = 3600.0
LEEWAY_S: Final = 60
ALGORITHMS: Final = ["RS256", "PS256", "ES256", "EdDSA"]


class ProviderAway(Exception):
    """The provider does not answer, or not as a provider of OpenID Connect does."""


class SignInRejected(Exception):
    """`kind` is a word below sign_in.provider in the locales; `detail` is for the log and names nobody."""

    def __init__(self, kind: str, detail: str = "") -> None:
        super().__init__(detail or kind)
        self.kind = kind


def secret_of(name: str, env: Mapping[str, str] = os.environ) -> str:
    """The provider's secret; empty where the environment has none, and then it is not offered."""
    return env.get(variable_of(name), "")


def variable_of(name: str) -> str:
    return f"CLASSAIR_SIGN_IN_SECRET_{name.upper().replace('-', '_')}"


class Provider:
    """One of `sign_in`. Its description and keys are remembered for an hour. Callable from any thread."""

    def __init__(self, settings: SignIn, secret: str) -> None:
        self.settings, self._secret = settings, secret
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[float, dict[str, Any]]] = {}

    def address(self, attempt: Try) -> str:
        """Where the browser is sent. Raises ProviderAway."""
        with self._session(attempt.back) as session:
            url, _ = session.create_authorization_url(
                self._endpoint("authorization_endpoint"),
                state=attempt.state,
                code_verifier=attempt.verifier,
                nonce=attempt.nonce,
                prompt="select_account",
            )
        return str(url)

    def claims(self, attempt: Try, code: str) -> Mapping[str, Any]:
        """What the provider says of whoever has come back with `code`, proved. Raises ProviderAway, SignInRejected."""
        with self._session(attempt.back) as session:
            try:
                token = session.fetch_token(
                    self._endpoint("token_endpoint"),
                    code=code,
                    code_verifier=attempt.verifier,
                    timeout=TIMEOUT_S,
                    allow_redirects=False,
                )
            except AuthlibBaseError as error:
                raise SignInRejected("again", f"token:{error.error}") from None
            except (OSError, ValueError) as error:
                raise ProviderAway(type(error).__name__) from None
        said = token.get("id_token")
        if not isinstance(said, str):
            raise SignInRejected("again", "no_id_token")
        try:
            return self._proved(said, attempt.nonce, str(token.get("access_token", "")))
        except (JoseError, ValueError) as error:
            raise SignInRejected("again", f"id_token:{getattr(error, 'error', type(error).__name__)}") from None

    def _proved(self, said: str, nonce: str, access_token: str) -> Mapping[str, Any]:
        try:
            found = jwt.decode(said, KeySet.import_key_set(self._keys()), algorithms=ALGORITHMS)
        except JoseError:
            # Providers change their keys: once more with the newest.
            found = jwt.decode(said, KeySet.import_key_set(self._keys(anew=True)), algorithms=ALGORITHMS)
        claims = CodeIDToken(
            found.claims,
            found.header,
            options={
                "iss": {"essential": True, "value": self.settings.issuer},
                "aud": {"essential": True, "value": self.settings.client_id},
                "sub": {"essential": True},
                "nonce": {"essential": True, "value": nonce},
            },
            params={"nonce": nonce, "client_id": self.settings.client_id, "access_token": access_token},
        )
        claims.validate(leeway=LEEWAY_S)
        return dict(claims)

    # -- what the provider says of itself ------------------------------------------------------------------------------

    def _endpoint(self, name: str) -> str:
        known = self._get(get_well_known_url(self.settings.issuer, external=True))
        if known.get("issuer") != self.settings.issuer:
            raise ProviderAway("issuer_differs")
        endpoint = str(known.get(name, ""))
        if urlsplit(endpoint).scheme != urlsplit(self.settings.issuer).scheme:
            raise ProviderAway(f"no_{name}")
        return endpoint

    def _keys(self, *, anew: bool = False) -> Any:
        return self._get(self._endpoint("jwks_uri"), anew=anew)

    def _get(self, url: str, *, anew: bool = False) -> dict[str, Any]:
        with self._lock:
            known = self._kept.get(url)
        if known is not None and not anew and time.monotonic() - known[0] < KEPT_S:
            return known[1]
        try:
            with self._session("") as session:
                answer = session.get(url, withhold_token=True, timeout=TIMEOUT_S, allow_redirects=False)
                if answer.status_code != 200:
                    raise ProviderAway(f"status_{answer.status_code}")
                said = answer.json()
        except (OSError, ValueError, AuthlibBaseError) as error:
            raise ProviderAway(type(error).__name__) from None
        if not isinstance(said, dict):
            raise ProviderAway("no_object")
        with self._lock:
            self._kept[url] = (time.monotonic(), said)
        return said

    def _session(self, back: str) -> Any:
        return OAuth2Session(
            self.settings.client_id,
            self._secret,
            scope="openid email" if self.settings.claim == "email" else "openid profile",
            redirect_uri=back,
            code_challenge_method="S256",
        )


def address_in(settings: SignIn, claims: Mapping[str, Any]) -> str:
    """The address by which an account may have been invited. Raises SignInRejected."""
    found = claims.get(settings.claim)
    if not isinstance(found, str) or "@" not in found:
        raise SignInRejected("no_address")
    if settings.claim == "email" and claims.get("email_verified") not in (True, "true"):
        raise SignInRejected("unverified")
    if found.rpartition("@")[2].casefold() not in settings.domains:
        raise SignInRejected("domain")
    return found
