"""E-mail, Telegram, ntfy, webhooks and what else the library apprise knows, by one address each.

An attempt may have arrived although it counts as failed (the connection broke after it was sent): it is repeated then.
"""

from __future__ import annotations

import logging
import re
import threading
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from alerts.channels import ChannelError, Message
from classair import i18n

_SCHEME: Final = re.compile(r"^([a-z][a-z0-9+]{1,31})://", re.IGNORECASE)
_STATUS: Final = re.compile(r"error=(\d{3})")
_FOR_GOOD: Final = frozenset({400, 401, 403, 404, 405, 410})  # of a provider: wrong address, wrong token
_BUSY: Final = 429
_PAUSE_S: Final = 60.0  # of a provider that says 429; apprise does not hand on for how long
TIMEOUT_S: Final = 45.0
_LOADING: Final = threading.Lock()


class Settings(BaseModel):
    """`url`: an address as apprise writes them; it holds passwords and tokens, so it comes from the environment."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
    url: Annotated[SecretStr, Field(examples=["mailtos://user:password@mail.example?to=head@school.example"])]

    @field_validator("url")
    @classmethod
    def _known(cls, url: SecretStr) -> SecretStr:
        scheme = _SCHEME.match(url.get_secret_value())
        if scheme is None:
            raise ValueError("expected an address such as mailtos://, tgram:// or ntfy://")
        if scheme[1].lower() == "line":
            raise ValueError(
                "line:// sends no retry key, so that a message could arrive twice or never; use channel: line"
            )
        return url


class Channel:
    """Each server has a lane of its own: one that is away holds up nobody but its own people."""

    def __init__(self, settings: Settings) -> None:
        self._url = settings.url
        address = settings.url.get_secret_value()
        self._scheme = address.partition("://")[0].lower()
        self.lane = f"apprise {self._scheme} {_host(address)}"
        self._service: Any = None

    def send(self, message: Message) -> None:
        # Seconds of loading on a small machine: on a delivery thread, and only where somebody is reached by it.
        with _LOADING:
            _say_nothing()
            try:
                import apprise
            except ImportError as error:
                raise ChannelError("the library apprise is not installed", permanent=True) from error
            if self._service is None:
                self._service = self._made(apprise)
        body = "\n\n".join(filter(None, (message.text, message.link, _choose(message))))
        said: list[str] = []
        outcome = self._service.notify(
            title=message.title,
            body=body or message.title,
            notify_type=_type(apprise.NotifyType, message),
            body_format=apprise.NotifyFormat.TEXT,
            interpret_escapes=False,
            timeout=TIMEOUT_S,
            log_level=logging.WARNING,
            log_callback=lambda entry, _: said.append(entry.message),
        )
        if outcome:
            return
        status = next((int(found[1]) for line in said if (found := _STATUS.search(line))), None)
        if status is None:
            raise ChannelError(f"{self._scheme}: no delivery, or no answer in time", permanent=False)
        raise ChannelError(
            f"{self._scheme}: the provider answered {status}",
            permanent=status in _FOR_GOOD,
            pause_s=_PAUSE_S if status == _BUSY else None,
        )

    def _made(self, apprise: Any) -> Any:
        asset = apprise.AppriseAsset(app_id="ClassAir", app_desc="ClassAir", app_url="", async_mode=False)
        one = apprise.Apprise.instantiate(self._url.get_secret_value(), asset=asset, suppress_exceptions=True)
        if one is None:
            raise ChannelError(f"apprise cannot use this {self._scheme}:// address", permanent=True)
        service = apprise.Apprise(asset=asset)
        service.add(one)
        return service


def _type(types: Any, message: Message) -> Any:
    if message.stage == "recovered":
        return types.SUCCESS
    if message.stage == "test" or message.severity == "info":
        return types.INFO
    return types.FAILURE if message.urgent else types.WARNING


def _choose(message: Message) -> str:
    return f"{i18n.t(message.language, 'notification.choose')}: {message.choose}" if message.choose else ""


def _host(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def _say_nothing() -> None:
    """Apprise logs recipients and servers, and the libraries beneath it addresses with tokens in them."""
    own = logging.getLogger("apprise")
    own.propagate = False
    if not own.handlers:
        own.addHandler(logging.NullHandler())
    for name in ("urllib3", "requests", "requests_oauthlib", "oauthlib"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
