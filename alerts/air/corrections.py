"""Which correction is in force for a sensor, as ingest tells it; remembered, so that a restart changes no number."""

from __future__ import annotations

import logging

from pydantic import ValidationError

from alerts.ledger import Ledger
from classair.science.corrections import Corrections, of_record
from classair.wire import CorrectionsTold

log = logging.getLogger(__name__)

_KEY = "corrections"


class ActiveCorrections:
    """What ingest has told last; `now` gives it, from the ledger after a restart."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.now = Corrections()
        self.rejected = ""
        kept = ledger.remembered(_KEY)
        if kept is not None:
            self._take(kept.encode())

    def hear(self, payload: bytes) -> bool:
        """True when something changed. What cannot be understood changes nothing (logged)."""
        before = self.now
        if not self._take(payload) or self.now == before:
            return False
        self._ledger.write("insert or replace into meta values(?, ?)", _KEY, payload.decode())
        log.info("corrections_activated approved=%d", len(self.now.accepted))
        return True

    def _take(self, payload: bytes) -> bool:
        try:
            told = CorrectionsTold.model_validate_json(payload)
            self.now = Corrections(tuple(of_record(record) for record in told.accepted))
        except (ValidationError, ValueError, KeyError, TypeError) as error:
            self.rejected = str(error).splitlines()[0]
            log.error("corrections_rejected error=%s", self.rejected)
            return False
        self.rejected = ""
        return True
