"""InfluxDB before 1.8 has no /api/v2/write: the same client, sent to the old path with the old parameters."""

from __future__ import annotations

from typing import Any

from influxdb_client._sync.api_client import ApiClient

# The class is private to influxdb-client; the project pins the minor version and a test writes to a real 1.6.


class V1Paths(ApiClient):
    """Put in place of the client's own class: `client.api_client.__class__ = V1Paths`."""

    def call_api(
        self,
        resource_path: str,
        method: str,
        path_params: Any = None,
        query_params: Any = None,
        *args: Any,
        **kwargs: Any,
    ) -> Any:
        if resource_path == "/api/v2/write":
            told = dict(query_params or ())
            resource_path, query_params = "/write", [("db", told["bucket"]), ("precision", told.get("precision", "ns"))]
        call: Any = super().call_api
        return call(resource_path, method, path_params, query_params, *args, **kwargs)


def needs_v1(version: str) -> bool:
    """Whether a server of this version (as /ping tells it: 1.6.7~rc0, v2.7.1, unknown) has only the old path."""
    major, _, rest = version.lstrip("v").partition(".")
    minor = rest.partition(".")[0]
    return major == "1" and minor.isdigit() and int(minor) < 8
