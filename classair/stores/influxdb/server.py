"""An InfluxDB server of any generation: lines in, rows out, and which of its answers mean that it is unavailable."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

import urllib3
from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client.rest import ApiException

from classair.stores import StoreAway
from classair.stores.influxdb.v1 import V1Paths, needs_v1

log = logging.getLogger(__name__)

LINES: Final = 5000
"""Lines in one request."""

Answer = dict[str, Any]
"""A row, or the result of a statement, by name."""


class Server:
    """One database of a server. `name` is for messages and holds no password."""

    def __init__(self, url: str, database: str, token: str, org: str, timeout_s: float) -> None:
        self._database, self._org = database, org or "-"
        self.name = f"InfluxDB at {urlsplit(url).netloc.rpartition('@')[2]}"
        self._client: Any = InfluxDBClient(
            url=url,
            token=token,
            org=self._org,
            timeout=int(timeout_s * 1000),
            auth_basic=":" in token,
            enable_gzip=True,
        )
        self._writing = self._client.write_api(write_options=SYNCHRONOUS)
        self._met = False
        self.first_generation = False

    def close(self) -> None:
        self._client.close()

    def _meet(self) -> None:
        """Learns which generation answers, once; makes the database where that is a query's business."""
        if self._met:
            return
        version = str(self._reach(self._client.version))
        self.first_generation = version.lstrip("v").startswith("1.")
        if needs_v1(version):
            self._client.api_client.__class__ = V1Paths
        self._met = True
        if self.first_generation:
            self._query(f'create database "{self._database}"', "POST")

    def _reach(self, call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Raises StoreAway for everything that may pass; a 400 is the caller's to understand."""
        try:
            return call(*args, **kwargs)
        except ApiException as error:
            if error.status == 400:
                raise
            self._met = False
            why = {
                401: "the token is missing or wrong",
                403: "the token may not do this",
                404: f"there is no database or bucket {self._database!r}",
            }.get(error.status, error.reason)
            raise StoreAway(f"{self.name} answered {error.status}: {why}") from error
        except (urllib3.exceptions.HTTPError, OSError) as error:
            self._met = False
            raise StoreAway(f"{self.name} is unreachable: {type(error).__name__}") from error

    def send(self, lines: Sequence[str]) -> list[tuple[str, str]]:
        """Writes lines; returns those that the server refuses by themselves, with its reason."""
        self._meet()
        refused: list[tuple[str, str]] = []
        for begin in range(0, len(lines), LINES):
            refused += self._send_part(lines[begin : begin + LINES])
        if refused:
            line, why = refused[0]
            log.error(
                "influxdb_points_rejected points=%d first=%s error=%s", len(refused), line.partition(" ")[0][:200], why
            )
        return refused

    def _send_part(self, lines: Sequence[str]) -> list[tuple[str, str]]:
        # After a 400 some, one or none of the lines are stored and only the first culprit is named: halves find it.
        try:
            self._reach(
                self._writing.write,
                bucket=self._database,
                org=self._org,
                record="\n".join(lines).encode(),
                write_precision="ns",
            )
            return []
        except ApiException as error:
            if len(lines) == 1:
                return [(lines[0], _reason(error))]
        middle = len(lines) // 2
        return self._send_part(lines[:middle]) + self._send_part(lines[middle:])

    def ask(self, statements: str) -> list[Answer]:
        """Rows of all statements in order, tags and columns by name, time in nanoseconds."""
        self._meet()
        rows: list[Answer] = []
        for result in self._query(statements, "GET"):
            for series in result.get("series", ()):
                tags, columns = series.get("tags") or {}, series["columns"]
                rows += [{**tags, **dict(zip(columns, values, strict=True))} for values in series.get("values", ())]
        return rows

    def _query(self, statements: str, method: str) -> list[Answer]:
        try:
            answer = self._reach(
                self._client.api_client.call_api,
                "/query",
                method,
                query_params=[("db", self._database), ("q", statements), ("epoch", "ns")],
                header_params={"Accept": "application/json"},
                _preload_content=False,
                _return_http_data_only=True,
            )
            results: list[Answer] = json.loads(answer.data)["results"]
        except ApiException as error:
            raise StoreAway(f"{self.name} rejected a query: {_reason(error)}") from error
        except (ValueError, KeyError) as error:
            raise StoreAway(f"{self.name} does not answer like InfluxDB") from error
        for result in results:
            if "error" in result:
                self._met = False  # a lost database is made again at the next try
                raise StoreAway(f"{self.name}: {result['error']}")
        return results


def _reason(error: ApiException) -> str:
    """The server's own words, without what we sent."""
    body = error.body.decode("utf-8", "replace") if isinstance(error.body, bytes) else str(error.body or error.reason)
    try:
        told = json.loads(body)
        body = str(told.get("error") or told.get("message") or body)
    except ValueError:
        pass
    return body.strip()[:200]
