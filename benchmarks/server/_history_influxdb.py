"""The same questions to an InfluxDB of this machine, filled from the store through the carrier's way."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

from classair.stores import Changes, local_day
from classair.stores.influxdb.store import InfluxStore
from classair.stores.sqlite.rows import all_series
from classair.stores.sqlite.store import SqliteStore
from classair.units import DAY_MS

CONFIG = """
reporting-disabled = true
bind-address = "127.0.0.1:{rpc}"
[meta]
  dir = "{folder}/meta"
[data]
  dir = "{folder}/data"
  wal-dir = "{folder}/wal"
  query-log-enabled = false
[http]
  bind-address = "127.0.0.1:{http}"
  log-enabled = false
[monitor]
  store-enabled = false
"""


def port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class Server:
    """influxd in a folder of its own; `store` asks it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        http = port()
        (folder / "influxd.conf").write_text(CONFIG.format(rpc=port(), http=http, folder=folder))
        with (folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                ["influxd", "-config", str(folder / "influxd.conf")], stdout=log, stderr=log
            )
        url = f"http://127.0.0.1:{http}"
        for _ in range(200):
            try:
                urllib.request.urlopen(f"{url}/ping", timeout=1).close()
                break
            except OSError:
                time.sleep(0.1)
        self.store = InfluxStore(url, "history", timeout_s=120)
        self.folder = folder

    def end(self) -> None:
        self.store.close()
        self.process.terminate()
        self.process.wait()


def fill(path: Path, server: Server) -> None:
    """A day of a series at a time, with its minutes, hours and day; prints the rate and what it takes on disk."""
    journal = SqliteStore(path, readonly=True)
    queries = journal._queries
    with queries.connection() as connection:
        names = all_series(connection)
        days = connection.execute("select series, day from series_day order by day, series").fetchall()
    rows, begin = 0, time.perf_counter()
    for identity, day in days:
        span = (local_day.start_of(day), local_day.start_of(day) + DAY_MS)
        series = names[identity]
        readings = list(queries.readings_of(identity, series, *span))
        minutes, hours, whole = (queries.rollups(identity, series, grain, *span) for grain in ("1m", "1h", "1d"))
        versions = queries.versions_of(local_day.site_of(series.sensor), span[0], span[0])
        server.store.carry(Changes(0, readings, minutes, hours, [], whole, versions))
        rows += len(readings)
    took = time.perf_counter() - begin
    journal.close()
    size = sum(each.stat().st_size for each in server.folder.rglob("*") if each.is_file())
    print(
        f"  InfluxDB filled: {rows:,} rows with rollups in {took:,.0f} s, {rows / took:,.0f} rows/s, "
        f"{size / rows:.0f} bytes a reading",
        flush=True,
    )


def there() -> bool:
    return shutil.which("influxd") is not None
