from __future__ import annotations

import numpy as np
import pytest

from tasks.graspgan.controls.colours import with_colours_of


def test_crops_get_the_colours_of_the_stations() -> None:
    rng = np.random.default_rng(0)
    crops = rng.integers(100, 140, (200, 8, 8, 3), np.uint8)
    target = np.concatenate(
        [rng.normal(60, 10, (40, 8, 8, 3)), rng.normal(180, 20, (120, 8, 8, 3))]
    )
    target = np.clip(target, 0, 255).astype(np.uint8)
    station = np.repeat([0, 2], [40, 120])
    found = with_colours_of(crops, target, station, 0)
    bright = found.mean(axis=(1, 2, 3)) > 120
    assert bright.mean() == pytest.approx(0.75, abs=0.1), "as often as the target has the station"
    assert found[bright].mean() == pytest.approx(180, abs=2)
    assert found[bright].std() == pytest.approx(20, abs=3)
    assert found[~bright].mean() == pytest.approx(60, abs=2)
