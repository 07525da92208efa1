"""Boxes as the stage `prepare_transfer` keeps them, without a store."""

from __future__ import annotations

import numpy as np

from tasks.nas.detection.types import AnnotatedImages


def box_arrays(splits: dict[str, AnnotatedImages]) -> dict[str, np.ndarray]:
    """Splits as `tasks.nas.detection.shared_boxes.shared_box_arrays` loads them."""
    parts = ("images", "boxes", "labels", "is_crowd", "owners")
    return {
        f"{name}_{part}": getattr(images, part) for name, images in splits.items() for part in parts
    }
