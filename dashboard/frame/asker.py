"""Who sends the request at hand, and whether they may; callbacks and layouts of Dash are not told by themselves."""

from __future__ import annotations

from dash.backends import _fastapi as dash_fastapi  # who asks is known inside the request alone

from dashboard.access.roles import VISITOR, Need, Principal


def principal() -> Principal:
    """A visitor outside of a request."""
    try:
        request = dash_fastapi.get_current_request()
    except RuntimeError:
        return VISITOR
    asking: Principal = getattr(request.state, "principal", VISITOR)
    return asking


def may(need: Need) -> bool:
    """As the guard decided for this request: its answer holds for the demo and the school's network as well."""
    try:
        request = dash_fastapi.get_current_request()
    except RuntimeError:
        return False
    return need in request.state.may
