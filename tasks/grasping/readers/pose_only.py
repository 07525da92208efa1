"""What poses alone tell of the outcome, as commanded and as reached.

A predictor is to learn from pictures. Where poses without pictures predict success, something
else than the scene speaks out of them: a gripper that is stopped by an object closes higher than
it was told to. What is commanded can tell a little too, since grasps near the middle of the bin
meet more objects.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow as pa

from tasks.grasping.algorithms.auc import NUM_FOLDS, auc_by_scene, unseen_scores
from tasks.grasping.types import FloatArray
from tasks.report.estimates import Estimate

POSE_COLUMNS: Final = (
    "scene_id",
    "is_success",
    "steps.list.element.target",
    "steps.list.element.reached",
)
"""Columns that `pose_only_auc` needs."""
_MAX_ATTEMPTS = 20_000  # more would narrow the interval below what matters
_ENDS: Final = {"command": "target", "motion": "reached"}


def pose_only_auc(rows: pa.Table) -> dict[str, Estimate]:
    """Area under the ROC curve of predicting success from the closing pose alone.

    Extra-trees see x, y, z and the doubled yaw of the pose where the fingers shall close, or did
    close, cross-validated by scene; intervals are by scene, of these predictions: that other
    scenes would have trained other trees is not in them.

    Args:
        rows: The columns `POSE_COLUMNS`. Of many attempts, every so manieth scene is used.

    Returns:
        By column of a step, ``command`` and ``motion``: 0.5 is chance. Empty where there are too
        few scenes, or all attempts have one outcome in those that would train.
    """
    scenes = np.array(rows["scene_id"].to_pylist(), str)
    _, number = np.unique(scenes, return_inverse=True)
    used = number % -(-len(rows) // _MAX_ATTEMPTS) == 0
    rows, scenes = rows.filter(pa.array(used)), scenes[used]
    is_success = np.array(rows["is_success"].to_pylist(), bool)
    if min(_num_scenes(scenes, is_success), _num_scenes(scenes, ~is_success)) < NUM_FOLDS:
        return {}
    last = [steps[-1] for steps in rows["steps"].to_pylist()]
    found = {}
    for name, end in _ENDS.items():
        poses = _features(np.array([step[end] for step in last]))
        scores = unseen_scores(poses, is_success, scenes)
        found[name] = auc_by_scene(scores, is_success, scenes, np.random.default_rng(0))
    return found


def _num_scenes(scenes: np.ndarray, chosen: np.ndarray) -> int:
    return len(np.unique(scenes[chosen]))


def _features(poses: FloatArray) -> FloatArray:
    """Poses (n, 4) as numbers (n, 5) that are close where the grasps are."""
    turn_rad = 2 * poses[:, 3]
    return np.column_stack([poses[:, :3], np.sin(turn_rad), np.cos(turn_rad)])
