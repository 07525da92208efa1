"""Features of an RLDS episode, as TensorFlow Datasets spells them."""

from __future__ import annotations

import json
from typing import Any

from tasks.grasping.exports.episodes import CAMERAS, OBJECTS
from tasks.grasping.exports.rlds_features import TEXTS, features


def inner(feature: dict[str, Any]) -> dict[str, Any]:
    return feature["featuresDict"]["features"]


def test_an_episode_is_steps_and_what_is_said_of_it() -> None:
    whole = inner(features(64, 48))
    assert set(whole) == {"steps", "episode_metadata"}
    assert whole["steps"]["pythonClassName"].endswith("dataset_feature.Dataset")
    assert whole["steps"]["sequence"]["length"] == "-1", "as many as there are"
    about = inner(whole["episode_metadata"])
    assert {*TEXTS, "split", *CAMERAS, *OBJECTS, "finger_gap_m"} < set(about)
    assert about["true_matrix"]["tensor"]["shape"] == {"dimensions": ["3", "3"]}
    each = about["object_quaternions_xyzw"]["sequence"]
    assert (each["length"], each["feature"]["tensor"]["shape"]) == ("-1", {"dimensions": ["4"]})


def test_pictures_have_their_size_and_vectors_their_length() -> None:
    steps = inner(inner(features(64, 48))["steps"]["sequence"]["feature"])
    seen = inner(steps["observation"])
    assert seen["image"]["image"]["shape"] == {"dimensions": ["48", "64", "3"]}
    assert seen["class_mask"]["image"]["shape"] == {"dimensions": ["48", "64", "1"]}
    assert steps["command"]["tensor"]["shape"] == {"dimensions": ["5"]}
    assert steps["motion"]["tensor"]["shape"] == {"dimensions": ["5"]}
    assert steps["reward"]["tensor"] == {"dtype": "float32", "encoding": "none", "shape": {}}


def test_rlds_asks_for_these_in_each_step() -> None:
    """S. Ramos and others, "RLDS" (2021), section 3: the fields of a step."""
    steps = inner(inner(features(8, 8))["steps"]["sequence"]["feature"])
    asked = {"observation", "action", "reward", "discount", "is_first", "is_last", "is_terminal"}
    assert asked <= set(steps)
    assert json.loads(json.dumps(features(8, 8))) == features(8, 8)
