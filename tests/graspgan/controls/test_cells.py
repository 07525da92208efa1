from __future__ import annotations

import numpy as np
import pytest

from tasks.graspgan.controls.cells import contrast_cells, height_cells, mask_cells


def test_contrast_is_the_same_whatever_brightness_and_gain() -> None:
    crops = np.random.default_rng(0).integers(20, 90, (3, 32, 32, 3), np.uint8)
    brighter = (2 * crops.astype(int) + 30).astype(np.uint8)
    first, second = contrast_cells(crops), contrast_cells(brighter)
    assert first.shape == (3, 192)
    assert np.corrcoef(first.ravel(), second.ravel())[0, 1] > 0.999
    assert first.reshape(3, 64, 3).mean(axis=1) == pytest.approx(0, abs=1e-9)


def test_masks_and_heights_are_means_over_cells() -> None:
    classes = np.zeros((1, 16, 16), np.uint8)
    classes[0, :2, :1] = 2
    classes[0, 4:6, 4:6] = 3
    covered = mask_cells(classes)[0].reshape(8, 8)
    assert covered[0, 0] == 0.5
    assert covered.sum() == 0.5, "the arm is no object"
    heights = height_cells(np.where(classes == 2, 0.04, 0.0))
    assert heights.reshape(8, 8)[0, 0] == pytest.approx(0.02)
