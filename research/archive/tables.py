"""All of readings.db that is no reading, as one file of JSON lines: deployments, switches, gaps, corrections."""

from __future__ import annotations

import base64
import contextlib
import gzip
import io
import json
import sqlite3
from pathlib import Path
from typing import Any, Final

from classair.places import write_atomically
from research.archive import FORMAT, TABLES, ArchiveFault

LEFT_OUT: Final = frozenset(
    {
        "reading",
        "rollup_1m",
        "rollup_1h",
        "rollup_1d",
        "flagged_1m",
        "flagged_1h",
        "flagged_1d",
        "series_day",
        "received",  # made again from the readings
        "trimmed",
        "trimmed_run",  # a restored store has all readings
        "change",
        "remembered",  # how far another store was filled; it is filled afresh
        "quantity",  # belongs to the program
    }
)
"""Tables that are not written: what they say follows from the rest."""


def write_tables(readings: Path, archive: Path) -> int:
    """Writes <archive>/tables.jsonl.gz from one state of the file; how many rows. Replaces it as a whole."""
    packed, rows = io.BytesIO(), 0
    with (
        contextlib.closing(
            sqlite3.connect(f"{readings.absolute().as_uri()}?mode=ro", uri=True, timeout=5, isolation_level=None)
        ) as connection,
        gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as lines,
    ):
        connection.execute("begin")

        def say(told: dict[str, Any]) -> None:
            lines.write(json.dumps(told, ensure_ascii=False).encode() + b"\n")

        version = connection.execute("pragma user_version").fetchone()[0]
        say({"format": FORMAT, "schema": version})
        for name, made in connection.execute(
            "select name, sql from sqlite_schema where type='table' and name not like 'sqlite~_%' escape '~' "
            "order by name"
        ).fetchall():
            if name in LEFT_OUT:
                continue
            indices = [
                sql
                for (sql,) in connection.execute(
                    "select sql from sqlite_schema where type='index' and tbl_name=? and sql is not null order by name",
                    (name,),
                )
            ]
            cursor = connection.execute(f'select * from "{name}"')
            say({"table": name, "sql": made, "indices": indices, "columns": [each[0] for each in cursor.description]})
            for row in cursor:
                say({"row": [_as_json(value) for value in row]})
                rows += 1
        say({"rows": rows})
    write_atomically(archive / TABLES, packed.getvalue(), 0o640)
    return rows


def load_tables(archive: Path, connection: sqlite3.Connection) -> int:
    """Inside a transaction: puts every row where it was, making tables that are not there. Raises ArchiveFault."""
    path, rows, insert, told_rows = archive / TABLES, 0, "", None
    try:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            head = json.loads(next(lines, "null"))
            if not isinstance(head, dict) or head.get("format") != FORMAT:
                raise ArchiveFault(f"{path} does not begin with format {FORMAT}")
            for line in lines:
                told = json.loads(line)
                if "row" in told:
                    connection.execute(insert, [_meant(value) for value in told["row"]])
                    rows += 1
                elif "table" in told:
                    insert = _make(connection, told)
                else:
                    told_rows = told["rows"]
    except (OSError, EOFError, ValueError, KeyError) as error:
        raise ArchiveFault(f"cannot read {path}: {error}") from error
    if told_rows != rows:
        raise ArchiveFault(f"{path} is truncated: {rows} rows, expected {told_rows}")
    return rows


def _make(connection: sqlite3.Connection, told: dict[str, Any]) -> str:
    name = told["table"]
    if not connection.execute("select 1 from sqlite_schema where type='table' and name=?", (name,)).fetchone():
        connection.execute(told["sql"])
    for sql in told["indices"]:
        index = sql.split(" on ")[0].split()[-1].strip('"')
        if not connection.execute("select 1 from sqlite_schema where type='index' and name=?", (index,)).fetchone():
            connection.execute(sql)
    columns = ", ".join(f'"{column}"' for column in told["columns"])
    return f'insert or replace into "{name}"({columns}) values({", ".join("?" * len(told["columns"]))})'


def _as_json(value: Any) -> Any:
    return {"bytes": base64.b64encode(value).decode()} if isinstance(value, bytes) else value


def _meant(value: Any) -> Any:
    return base64.b64decode(value["bytes"]) if isinstance(value, dict) else value
