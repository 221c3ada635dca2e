"""Is everything stored once that a killed bridge has confirmed? kill -9 at random moments under backlogs.

    python benchmarks/edge/kills.py [--kills 100] [--seed N]

Two Enviros bring their backlogs by HTTP and two by MQTT, newest and oldest readings mixed, to a real bridge behind a
real mosquitto, with a real ingest behind it. The bridge is killed at random moments, also while it starts. In the end
every reading that was answered 200, or that the broker acknowledged, must be in the store once, at its own time.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.e2e.killed_bridge import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
