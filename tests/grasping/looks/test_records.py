from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.core.errors import DataError
from tasks.grasping.algorithms.appearance import random_look, surrogate_look
from tasks.grasping.algorithms.dynamics import draw_dynamics
from tasks.grasping.algorithms.structured import structured_look
from tasks.grasping.config import RandomiseConfig
from tasks.grasping.looks.records import dynamics_json, look_json, parse_dynamics, parse_look


@given(st.integers(0, 2**32), st.integers(0, 6))
def test_looks_and_dynamics_survive_to_the_last_bit(seed: int, num_objects: int):
    look = random_look(num_objects, 9, np.random.default_rng(seed))
    dynamics = draw_dynamics(
        RandomiseConfig(dynamics=True), num_objects, np.random.default_rng(seed)
    )
    assert parse_look(look_json(look)) == look
    assert parse_dynamics(dynamics_json(dynamics)) == dynamics


def test_text_is_plain_json_with_the_fields_by_name():
    look = surrogate_look(0, ["a"], 9, np.random.default_rng(0))
    values = json.loads(look_json(look))
    assert values["objects"][0]["scale_m"] == look.objects[0].scale_m
    assert values["ambient"] == look.ambient


def test_prints_and_motion_are_kept_and_other_looks_have_no_word_of_them():
    look = structured_look(0, ["a"], 8, np.random.default_rng(0))
    assert parse_look(look_json(look)) == look
    assert len(json.loads(look_json(look))["prints"]) == len(look.prints) > 0
    without = replace(look, prints=(), motion_px=(0.0, 0.0))
    assert parse_look(look_json(without)) == without
    assert {*json.loads(look_json(look))} - {*json.loads(look_json(without))} == {
        "prints",
        "motion_px",
    }


def test_plain_look_is_an_empty_text():
    assert look_json(None) == ""
    assert parse_look("") is None


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"ambient": 1}'])
def test_something_else_is_refused(text):
    with pytest.raises(DataError, match="expected a recorded look or dynamics"):
        parse_look(text)
    with pytest.raises(DataError, match="expected a recorded look or dynamics"):
        parse_dynamics(text)
