"""The trigger form: what is asked for first, what stands below, and how it is said."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk.definitions.param import ParamsDict
from airflow.sdk.exceptions import ParamValidationError
from pydantic import Field
from pydantic.dataclasses import dataclass

from operators.schedule.form import form, help_text, label, section
from tasks.core.config import SETTINGS, setting


@dataclass(frozen=True, config=SETTINGS)
class Paint:
    width_px: int = setting(64, ge=64, le=16384, multiple_of=64, unit="px", help="Width.")
    jpeg: int = setting(92, ge=1, le=100, label="JPEG quality", help="Quality.")
    share: float = setting(0.5, gt=0, lt=1, help="Share.")
    copy_to: str = setting("", help="Folder.")


@dataclass(frozen=True, config=SETTINGS)
class Find:
    depth: int = setting(1, ge=1, param="depth", help="How deep.")
    source: str = setting("", param="source", needed=True, help="A folder.")
    paint: Paint = Field(default_factory=Paint)


@dataclass(frozen=True, config=SETTINGS)
class Settings:
    seed: int = setting(0, ge=0, help="Seed.")
    find: Find = Field(default_factory=Find)


def test_what_is_needed_comes_first_then_what_has_a_name_then_the_sections() -> None:
    params = form(Settings, None, {})
    assert [(name, param.schema.get("section")) for name, param in params.items()] == [
        ("source", None),  # Airflow opens the section of those that name none
        ("depth", None),
        ("seed", "Advanced · general"),
        ("find.paint.width_px", "Advanced · find · paint"),
        ("find.paint.jpeg", "Advanced · find · paint"),
        ("find.paint.share", "Advanced · find · paint"),
        ("find.paint.copy_to", "Advanced · find · paint"),
    ]


def test_a_field_bears_its_words_and_rules_and_nothing_of_ours() -> None:
    params = form(Settings, None, {})
    assert params["find.paint.width_px"].schema == {
        "type": ["integer", "null"],  # needed is only what has no default
        "minimum": 64,
        "maximum": 16384,
        "multipleOf": 64,
        "title": "Width",
        "section": "Advanced · find · paint",
    }
    assert params["find.paint.width_px"].description == "Width. 64 to 16384 px, in steps of 64."
    assert params["find.paint.jpeg"].schema["title"] == "JPEG quality"
    share = params["find.paint.share"]
    assert share.description == "Share. More than 0, less than 1."
    bounds = {"minimum": 0, "exclusiveMinimum": 0, "maximum": 1, "exclusiveMaximum": 1}
    assert {key: share.schema.get(key) for key in bounds} == bounds
    assert params["find.paint.copy_to"].schema["type"] == ["string", "null"]
    assert params["source"].schema == {"type": "string", "minLength": 1, "title": "Source"}
    assert params["source"].value is None


@pytest.mark.parametrize("value", [None, ""])
def test_airflow_refuses_a_run_without_what_is_needed(value: Any) -> None:
    params = ParamsDict(form(Settings, None, {}))
    with pytest.raises(ParamValidationError):
        params.validate()
    with pytest.raises(ParamValidationError, match="Invalid input for param source"):
        params.update({"source": value})
    params.update({"source": "/data"})
    assert params.validate()["source"] == "/data"


def test_a_schedule_brings_what_is_needed() -> None:
    assert ParamsDict(form(Settings, None, {"source": "/data"})).validate()["depth"] == 1


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        ({}, "What."),
        ({"unit": "s"}, "What. In s."),
        ({"minimum": 0}, "What. At least 0."),
        ({"minimum": 0, "exclusiveMaximum": 1}, "What. At least 0, less than 1."),
        ({"exclusiveMinimum": 0, "maximum": 0.2, "unit": "m"}, "What. More than 0, at most 0.2 m."),
        ({"minimum": 1, "maximum": 1_000_000}, "What. 1 to 1,000,000."),
        ({"minimum": 1e-5, "maximum": 16384.0}, "What. 1e-05 to 16384."),
    ],
)
def test_the_help_tells_the_range(schema: dict[str, Any], told: str) -> None:
    assert help_text({"description": "What.", **schema}) == told


@pytest.mark.parametrize(
    ("name", "unit", "said"),
    [
        ("captures", "", "Captures"),
        ("solve.max_iterations", "", "Maximum iterations"),
        ("render.num_bands", "", "Number of bands"),
        ("match.max_side_px", "px", "Maximum side"),
        ("world.rate_hz", "Hz", "Rate"),
        ("a.px", "px", "Px"),
    ],
)
def test_a_label_is_what_people_say(name: str, unit: str, said: str) -> None:
    assert label(name, unit) == said


def test_a_section_is_named_by_its_path() -> None:
    assert section(("plan", "world", "rate_hz")) == "Advanced · plan · world"
    assert section(("final_recipe", "crop_px")) == "Advanced · final recipe"
