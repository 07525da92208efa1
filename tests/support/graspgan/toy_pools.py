"""Samples whose outcome a glance tells: success where a bright square lies in the middle."""

from __future__ import annotations

import numpy as np
from sklearn.metrics import roc_auc_score

from tasks.graspgan.samples.pools import Pool
from tasks.graspgan.trainings.predicting import GraspNetwork, scores

SIDE_PX, NUM_MOTION, NUM_STATIONS = 16, 4, 2


def toy_pool(num: int, seed: int = 0, brightness: int = 0, num_variants: int = 1) -> Pool:
    """Draw samples; classes are 0 and, where the square lies, 2."""
    rng = np.random.default_rng(seed)
    success = (rng.random(num) < 0.4).astype(np.float32)
    base = rng.integers(40, 90, (num, SIDE_PX, SIDE_PX, 3))
    classes = np.zeros((num, SIDE_PX, SIDE_PX, 1), np.uint8)
    middle = slice(SIDE_PX // 4, -SIDE_PX // 4)
    classes[success > 0, middle, middle] = 2
    shown = base + 60 * (classes == 2) + brightness
    looks = [np.clip(shown + 5 * look, 0, 255).astype(np.uint8) for look in range(num_variants)]
    return Pool(
        pictures=tuple(looks),
        motion=rng.normal(size=(num, NUM_MOTION)).astype(np.float32),
        station=rng.integers(NUM_STATIONS, size=num),
        success=success,
        classes=classes,
    )


def area(network: GraspNetwork, pool: Pool, domain: int) -> float:
    """Area under the ROC curve."""
    return float(roc_auc_score(pool.success, scores(network, pool, domain)))
