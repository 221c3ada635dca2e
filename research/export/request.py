"""What a package was asked for, as one text with one name: the selection and how it is to be written."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from classair.config.scalars import Doi, Licence
from research.export import FORMAT
from research.selection import Selection, SelectionRefused, wrong_fields

Columns = Literal["classair", "openair", "sensortoolkit", "openaq"]


class Request(BaseModel):
    """A selection as a package. `columns` adds a file in the shape that openair (R), EPA's sensortoolkit or readers of
    OpenAQ's archive expect.

    licence: of these data, as an SPDX id or in words; empty: what each school has chosen, and it says so where that is
    nothing. doi: of this very package, reserved before it is published.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    selection: Selection
    columns: Columns = "classair"
    netcdf: bool = False
    licence: Licence = ""
    doi: Doi = ""

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if not self.selection.step_ms:
            if self.selection.method != "none":
                raise PydanticCustomError(
                    "method_of_readings",
                    "method: corrections need an averaging interval of at least 5m; for single readings use none",
                )
            if self.columns != "classair":
                raise PydanticCustomError(
                    "columns_of_readings",
                    "columns: {name} needs averages; choose a step from 1m to 1d",
                    {"name": self.columns},
                )
        return self

    @classmethod
    def parse(cls, values: Mapping[str, Any]) -> Self:
        """From JSON, or from flat keys of a selection and the other fields. Raises SelectionRefused."""
        own = {key: values[key] for key in ("columns", "netcdf", "licence", "doi") if key in values}
        inner = values.get("selection")
        if inner is None:
            inner = {key: value for key, value in values.items() if key not in own}
        elif unknown := sorted(set(values) - set(cls.model_fields)):
            raise SelectionRefused([f"unknown key {unknown[0]}"])
        if not isinstance(inner, Mapping):
            raise SelectionRefused(["selection: expected an object"])
        try:
            return cls.model_validate({"selection": Selection.parse(inner), **own})
        except ValidationError as error:
            raise SelectionRefused(
                [
                    f"{'.'.join(map(str, fault['loc'])) or 'request'}: {fault['msg'].removeprefix('Value error, ')}"
                    for fault in error.errors(include_url=False, include_input=False)
                ],
                wrong_fields(error),
            ) from None

    def as_record(self) -> dict[str, Any]:
        return self.model_dump(mode="json")

    def canonical(self) -> bytes:
        """The one text of what is meant: sorted keys, no spaces, UTF-8."""
        return json.dumps(
            {"format": FORMAT, **self.as_record()}, ensure_ascii=False, sort_keys=True, separators=(",", ":")
        ).encode()

    @property
    def id(self) -> str:
        """Sixteen hexadecimal digits that name this request."""
        return hashlib.sha256(self.canonical()).hexdigest()[:16]
