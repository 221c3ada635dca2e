"""Judging with memory: what one reading alone cannot show.

`memory`      live, one sensor, in event time: run unchanged by ingest and alerts at every reading
`limits`      how long what must stay the same before it is stuck; shared by live and later judgement
`afterwards`  one sensor's settled past: stuck runs from their first value, spikes, rates
`neighbours`  sensors of one school beside each other: slow drift, pairs, nothing while all others measure
`spans`       stretches of time with a flag, and what two sets of them have in common

Live judgement decides what the current number is made of. Everything else changes history only, and only that older
than SETTLED_MS, which no current number reaches back to.
"""

from __future__ import annotations

from typing import Final

SETTLED_MS: Final = 2 * 3_600_000
"""Older than this is settled: longer than any window of a current value, and than what alerts is primed with."""
