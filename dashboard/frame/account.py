"""Who is signed in, on the bar of every working page: name, role, places, and the way out. Works without a script."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from dash import html

from dashboard.access.roles import Principal
from dashboard.context import Context
from dashboard.frame import asker


def menu(ctx: Context, language: str, here: str) -> Any:
    """`here`: the address of this page, to come back to after signing in."""
    principal = asker.principal()
    if principal.kind != "account":
        # A token's reader is a program and needs no way to sign in.
        href = f"/login?{urlencode({'next': here, 'lang': language})}"
        return html.A(ctx.t(language, "access.sign_in"), href=href, className="account-link")
    role = ctx.t(language, f"role.{principal.role}")
    label: dict[str, Any] = {"aria-label": ctx.t(language, "account.menu", name=principal.name, role=role)}
    links = [("account.phones", "/phones")]
    if "admin" in principal.scopes:
        links.append(("account.audit", "/audit"))
    return html.Details(
        [
            html.Summary([html.B(principal.name), html.Span(role, className="quiet")], **label),
            html.Div(
                [
                    html.Ul([html.Li(name) for name in places(ctx, language, principal)], className="places"),
                    html.Ul(
                        [html.Li(html.A(ctx.t(language, key), href=f"{path}?lang={language}")) for key, path in links]
                    ),
                    html.Form(
                        html.Button(ctx.t(language, "access.sign_out"), type="submit"),
                        action=f"/logout?lang={language}",
                        method="post",
                    ),
                ],
                className="account-card",
            ),
        ],
        className="account",
    )


def places(ctx: Context, language: str, principal: Principal) -> list[str]:
    """What the account is about, by name; what is not in the configuration any more by its id."""
    if not principal.places:
        return [ctx.t(language, "account.everywhere")]
    config = ctx.config()
    named = []
    for place in sorted(principal.places):
        site, _, _ = place.partition(".")
        name = config.sites[site].name.in_(language) if site in config.sites else site
        if "." in place:
            name = f"{config.room(place).name.in_(language) if config.has_room(place) else place} · {name}"
        named.append(name)
    return named
