"""Names of things by language, as sensors.yaml writes them."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field, RootModel

from classair.config.scalars import Language, Name
from classair.i18n import REFERENCE


class Titles(RootModel[Annotated[dict[Language, Name], Field(min_length=1)]]):
    """A name by language; plain text stands for all of them."""

    model_config = ConfigDict(frozen=True)

    def in_(self, language: str) -> str:
        """The name in a language, else in the reference language, else in the first that there is."""
        return self.root.get(language) or self.root.get(REFERENCE) or next(iter(self.root.values()))


def _titles(value: Any) -> Any:
    return {REFERENCE: value} if isinstance(value, str) else value


Title = Annotated[Titles, BeforeValidator(_titles)]
