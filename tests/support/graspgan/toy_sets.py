"""Sets of toy samples as a stage shares them."""

from __future__ import annotations

import numpy as np

from tasks.graspgan.manifests import CropSet, set_name
from tests.support.graspgan.toy_pools import toy_pool

NUM, PER_SCENE = 48, 6


def toy_set(world: str = "bullet", *, has_labels: bool = True, num_looks: int = 2) -> CropSet:
    """A set without files: its arrays are `arrays_of`."""
    return CropSet(
        world=world,
        split="train",
        target="",
        has_labels=has_labels,
        num_looks={"plain": num_looks},
        files=(),
    )


def arrays_of(crops: CropSet, seed: int = 0, brightness: int = 0) -> dict[str, np.ndarray]:
    """What a stage would share of a set."""
    num_looks = crops.num_looks["plain"]
    pool = toy_pool(NUM, seed=seed, brightness=brightness, num_variants=num_looks)
    name = set_name(crops)
    found = {
        f"{name}/motion": pool.motion,
        f"{name}/station": pool.station,
        f"{name}/scene_id": np.array([f"scene-{k // PER_SCENE}" for k in range(NUM)]),
    }
    found |= {f"{name}/plain_{k}": each for k, each in enumerate(pool.pictures)}
    if crops.has_labels:
        found |= {f"{name}/success": pool.success, f"{name}/classes": pool.classes}
    return found
