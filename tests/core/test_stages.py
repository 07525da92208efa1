"""Declaring stages."""

from __future__ import annotations

import pytest

from tasks.core.stages import StageSpec, spec_of, stage

SPEC = StageSpec(name="test.x", section="x")


@stage(SPEC)
def declared() -> None:
    """A stage."""


def test_declaration_is_found() -> None:
    assert spec_of(declared) is SPEC


def test_plain_function_is_no_stage() -> None:
    with pytest.raises(TypeError, match="is not a stage: decorate it"):
        spec_of(test_declaration_is_found)
