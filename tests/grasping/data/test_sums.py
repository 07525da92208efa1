from __future__ import annotations

import pytest

from tasks.grasping.data.sums import (
    RANGES,
    added_figures,
    added_histograms,
    edges,
    histograms,
)


def row(height_m: float, closing: list[float] | None = None) -> dict:
    return {"lift_height_m": height_m, "finger_gap_m": 0.05, "closing": closing}


@pytest.mark.parametrize(("height_m", "bin_index"), [(-1.0, 0), (-0.05, 0), (0.35, 19), (9.0, 19)])
def test_the_end_bins_take_what_is_beyond(height_m: float, bin_index: int) -> None:
    counts = histograms([row(height_m)], [])["lift_height_m"]
    assert counts[bin_index] == sum(counts) == 1


def test_histograms_cover_their_range_and_add_up() -> None:
    rows = [row(0.1, [0.6, 0.0, -0.17, 0.0]), row(0.2)]
    found = histograms(rows, [30.0, 90.0, 91.0])
    assert found.keys() == RANGES.keys()
    assert sum(found["closing_x_m"]) == 1, "a row without a closing pose has none to count"
    assert sum(found["brightness"]) == 3
    both = added_histograms([found, found])
    assert both == {name: tuple(2 * n for n in counts) for name, counts in found.items()}
    assert all(len(edges(name)) == len(counts) + 1 for name, counts in found.items())


def test_figures_of_shards_add_up() -> None:
    assert added_figures([{"a": 1.0, "b": 2.0}, {"a": 3.0}]) == {"a": 4.0, "b": 2.0}
