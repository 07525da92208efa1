"""Declaring settings: what a section says of itself, and what it refuses by itself."""

from __future__ import annotations

import pytest
from pydantic import Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from tasks.core.config import SETTINGS, config_json, setting


@dataclass(frozen=True, config=SETTINGS)
class Blend:
    width_px: int = setting(8, ge=1, le=64, unit="px", help="Blend width.", param="width")


@dataclass(frozen=True, config=SETTINGS)
class Stitch:
    blend: Blend = Field(default_factory=Blend)


def test_a_setting_carries_what_a_form_shows() -> None:
    schema = TypeAdapter(Blend).json_schema()["properties"]["width_px"]
    shown = {name: schema[name] for name in ("default", "description", "minimum", "maximum")}
    assert shown == {"default": 8, "description": "Blend width.", "minimum": 1, "maximum": 64}
    assert (schema["unit"], schema["param"]) == ("px", "width")


@pytest.mark.parametrize("value", ["8", 8.0, 0, 65, None])
def test_a_value_is_taken_as_it_is_or_refused(value: object) -> None:
    with pytest.raises(ValidationError):
        Blend(width_px=value)


def test_json_has_every_default() -> None:
    assert config_json(Stitch()) == {"blend": {"width_px": 8}}
