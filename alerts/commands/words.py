"""What `classair purifier` says, in the reader's language."""

from __future__ import annotations

from dataclasses import dataclass

from classair.i18n import t


@dataclass(frozen=True, slots=True)
class Words:
    """Texts below [purifier_setup]."""

    language: str

    def text(self, key: str, **places: object) -> str:
        return t(self.language, f"purifier_setup.{key}", **places)

    def say(self, key: str, **places: object) -> None:
        print(self.text(key, **places), flush=True)
