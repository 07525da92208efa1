"""Records: versioned, immutable values that are kept as JSON between stages."""

from __future__ import annotations

from typing import ClassVar

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """Base of everything that a manifest holds. A subclass names its ``schema_id``.

    The schema id ends in a version; a change that old readers can't take raises it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    schema_id: ClassVar[str]
