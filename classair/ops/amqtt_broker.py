"""amqtt as the broker where mosquitto is not installed: good for the demo, everything it holds is lost at restart."""

from __future__ import annotations

import argparse
import asyncio
import hmac
import json
import logging
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amqtt.broker import Broker
from amqtt.plugins.base import BaseAuthPlugin


class SecretAuth(BaseAuthPlugin):  # type: ignore[misc]  # amqtt is untyped
    """Random secrets of one machine, compared in constant time; hashing them slowly would stall many connections."""

    @dataclass
    class Config:
        password_file: str = ""

    def __init__(self, context: Any) -> None:
        super().__init__(context)
        self._file = Path(self.config.password_file)
        self._secrets: dict[str, str] = json.loads(self._file.read_text())

    async def authenticate(self, *, session: Any) -> bool:
        user = session.username or ""
        if user not in self._secrets:  # perhaps a bridge that was added since
            self._secrets = json.loads(self._file.read_text())
        known = self._secrets.get(user)
        return known is not None and hmac.compare_digest(known, session.password or "")


async def _serve(port: int, passwords: Path) -> None:
    broker = Broker(
        {
            "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}},
            "plugins": {f"{SecretAuth.__module__}.SecretAuth": {"password_file": str(passwords)}},
        }
    )
    await broker.start()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await stop.wait()
    await asyncio.wait_for(broker.shutdown(), 3)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True, help="port on 127.0.0.1")
    parser.add_argument("--passwords", type=Path, required=True, help="JSON file with the password of each user")
    args = parser.parse_args(argv)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        asyncio.run(_serve(args.port, args.passwords))
    except TimeoutError:
        pass
    return 0


if __name__ == "__main__":
    # Named by its import path, so that amqtt finds the plugin in the module it belongs to.
    from classair.ops.amqtt_broker import main as run

    sys.exit(run())
