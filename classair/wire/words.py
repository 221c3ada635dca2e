"""The scalar formats of payloads: ids, times, numbers, names of quantities and flags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from classair.model import MISSING_REASONS, QUANTITIES, Flag

VERSION: Final = 1
ROOT: Final = "classair/v1"
MAX_PAYLOAD: Final = 256 * 1024  # bytes; the broker's limit as well
MAX_LIST: Final = 500  # readings in one message

ID_PATTERN: Final = r"^[a-z0-9-]{1,32}$"
Id = Annotated[str, StringConstraints(pattern=ID_PATTERN)]
FullId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,32}\.[a-z0-9-]{1,32}$")]
Epoch = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]{8,32}$")]
Ms = Annotated[int, Field(strict=True, ge=-(2**53), le=2**53)]
Seq = Annotated[int, Field(strict=True, ge=1, le=2**53)]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
if TYPE_CHECKING:
    QuantityKey = str
    FlagName = str
    MissingReason = str
else:
    QuantityKey = Literal[tuple(QUANTITIES)]
    FlagName = Literal[tuple(f.name for f in Flag if f.name)]
    MissingReason = Literal[MISSING_REASONS]


class Payload(BaseModel):
    """Unknown fields are ignored, so that a newer sender can talk to an older receiver."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    v: Literal[1] = 1
