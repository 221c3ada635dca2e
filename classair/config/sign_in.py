"""Providers of OpenID Connect at which people may sign in, as sensors.yaml says them."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from classair.config.purifiers import Part
from classair.config.titles import Title


class SignIn(Part):
    """Its secret comes from the environment: CLASSAIR_SIGN_IN_SECRET_<NAME>.

    `claim` is the one that names the account. An `email` counts only where the provider says that it is verified; a
    `preferred_username` counts as it is, so it needs an issuer that is one organisation alone.
    """

    name: Title
    issuer: Annotated[str, Field(max_length=256, pattern=r"^https?://[^\s@?#]+$")]
    client_id: Annotated[str, Field(min_length=1, max_length=256)]
    domains: Annotated[list[Annotated[str, Field(pattern=r"^[a-z0-9.-]+\.[a-z]{2,}$")]], Field(min_length=1)]
    claim: Literal["email", "preferred_username"] = "email"

    @field_validator("issuer")
    @classmethod
    def _encrypted(cls, value: str) -> str:
        if not value.startswith("https://") and urlsplit(value).hostname not in ("127.0.0.1", "localhost", "::1"):
            raise ValueError("issuer: must begin with https://")
        return value
