"""Poses of attempts whose commands tell nothing of the outcome, but where they ended does."""

from __future__ import annotations

import numpy as np
import pyarrow as pa


def pose_rows(num_scenes: int, success: float = 0.4) -> pa.Table:
    """Commands drawn at random; half of the successes stop 2 cm above theirs."""
    rng = np.random.default_rng(3)
    num = 8 * num_scenes
    targets = rng.uniform((0.5, -0.1, -0.18, -1.5), (0.7, 0.1, -0.15, 1.5), (num, 4))
    is_success = rng.random(num) < success
    reached = targets + np.outer(is_success & (rng.random(num) < 0.5), (0, 0, 0.02, 0))
    steps = [
        [{"target": list(first), "reached": list(first)}, {"target": t, "reached": r}]
        for first, t, r in zip(targets[::-1], targets.tolist(), reached.tolist(), strict=True)
    ]
    scenes = [f"s-{index // 8}" for index in range(num)]
    return pa.table({"is_success": is_success, "scene_id": scenes, "steps": steps})
