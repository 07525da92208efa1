"""Features as LeRobot declares them, and frames that a plain reader takes apart again."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tasks.grasping.exports.lerobot_features import (
    ARM,
    BEFORE,
    MASKS,
    NUMBERS,
    features,
    frame_table,
)


@pytest.mark.parametrize("with_masks", [False, True])
def test_pictures_and_numbers_are_declared_with_their_shapes(with_masks: bool) -> None:
    found = features(64, 48, with_masks)
    masks = {*MASKS} if with_masks else set()
    assert set(found) == {BEFORE, ARM, *NUMBERS} | masks
    assert found[ARM]["shape"] == [48, 64, 3], "height first"
    assert all(found[name]["shape"] == [48 * 64] for name in masks)
    assert not [name for name in masks if name.startswith("observation") or "image" in name]
    assert found["camera.calibrated_from_base"]["names"][4] == "at_1_0"
    assert found["motion"]["shape"] == [len(found["motion"]["names"])] == [5]
    assert found["next.success"] == {"dtype": "bool", "shape": [1], "names": None}
    assert json.loads(json.dumps(found)) == found


def test_frames_come_back_as_they_were() -> None:
    motion = np.arange(15.0).reshape(3, 5)
    mask = np.arange(6, dtype=np.uint8).reshape(2, 3)
    table = frame_table(
        {
            ARM: [b"one", b"two", b"three"],
            "motion": [motion[:2], motion[2:]],
            "next.done": [np.array([[0.0], [1.0], [1.0]])],
            MASKS[0]: [mask, mask + 1, mask + 2],
        }
    )
    assert table[MASKS[0]].to_pylist()[1] == [1, 2, 3, 4, 5, 6]
    assert table.num_rows == 3
    assert [row["bytes"] for row in table[ARM].to_pylist()] == [b"one", b"two", b"three"]
    assert np.array(table["motion"].to_pylist()).tolist() == motion.tolist()
    assert table["next.done"].to_pylist() == [False, True, True]


def test_frames_say_what_they_are_to_hugging_face() -> None:
    table = frame_table({ARM: [b"x"], "motion": [np.zeros((1, 5))], "index": [np.zeros((1, 1))]})
    noted = json.loads(table.schema.metadata[b"huggingface"])["info"]["features"]
    assert noted[ARM] == {"_type": "Image"}
    assert noted["index"] == {"dtype": "int64", "_type": "Value"}
    assert (noted["motion"]["_type"], noted["motion"]["length"]) == ("List", 5)
