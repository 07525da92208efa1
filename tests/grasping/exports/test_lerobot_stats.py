"""Statistics of features, against numpy over all values at once."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.grasping.exports.lerobot_stats import (
    QUANTILES,
    Totals,
    grey_histogram,
    number_statistics,
    picture_statistics,
)


def test_histogram_counts_each_channel() -> None:
    picture = np.zeros((2, 2, 3), np.uint8)
    picture[0, 0] = (255, 7, 0)
    counts = grey_histogram(picture)
    assert counts.shape == (3, 256)
    assert (counts[0, 255], counts[1, 7], counts[2, 0]) == (1, 1, 4)
    assert grey_histogram(picture[..., 1])[0, 7] == 1


@given(seed=st.integers(0, 1000), size=st.integers(1, 9))
@settings(max_examples=25, deadline=None)
def test_statistics_of_pictures_are_exact(seed: int, size: int) -> None:
    rng = np.random.default_rng(seed)
    pictures = rng.integers(0, 256, (2, size, size, 3), dtype=np.uint8)
    found = picture_statistics(sum(map(grey_histogram, pictures)), 2)
    values = pictures.reshape(-1, 3) / 255
    assert found["count"] == [2]
    assert np.shape(found["mean"]) == (3, 1, 1)
    for name, expected in (
        ("min", values.min(0)),
        ("max", values.max(0)),
        ("mean", values.mean(0)),
        ("std", values.std(0)),
    ):
        np.testing.assert_allclose(np.ravel(found[name]), expected, atol=1e-9)
    for name, share in QUANTILES.items():
        expected = np.quantile(values, share, axis=0, method="inverted_cdf")
        np.testing.assert_allclose(np.ravel(found[name]), expected, atol=1e-9)


def test_statistics_of_numbers_are_those_of_their_columns() -> None:
    rng = np.random.default_rng(0)
    numbers = {"state": rng.normal(size=(7, 4)), "done": rng.integers(0, 2, (7, 1)) * 1.0}
    found = number_statistics(numbers)
    for feature, values in numbers.items():
        assert found[feature]["count"] == [7]
        for name, expected in (("min", values.min(0)), ("max", values.max(0))):
            np.testing.assert_array_equal(found[feature][name], expected)
        np.testing.assert_allclose(found[feature]["mean"], values.mean(0))
        np.testing.assert_allclose(found[feature]["std"], values.std(0))
        for name, share in QUANTILES.items():
            np.testing.assert_allclose(found[feature][name], np.quantile(values, share, axis=0))
    single = number_statistics({"state": np.array([[1.0, 2.0]])})["state"]
    assert single["q01"] == single["q99"] == single["mean"] == [1.0, 2.0]


def test_totals_over_episodes_are_those_of_all_frames() -> None:
    rng = np.random.default_rng(0)
    sizes = rng.integers(1, 6, 300)
    episodes = [{"state": rng.normal(1e3, 1, (n, 4)), "x": rng.normal(size=(n, 1))} for n in sizes]
    totals = Totals(len(episodes))
    for numbers in episodes:
        totals.add(numbers, {})
    found = totals.statistics()
    together = {name: np.concatenate([each[name] for each in episodes]) for name in ("state", "x")}
    expected = number_statistics(together)
    assert found.keys() == expected.keys()
    for feature, statistics in expected.items():
        assert found[feature].keys() == statistics.keys()
        for name, values in statistics.items():
            np.testing.assert_allclose(found[feature][name], values, rtol=1e-9, atol=1e-12)


def test_quantiles_of_many_episodes_come_from_some_of_them() -> None:
    rng = np.random.default_rng(0)
    totals = Totals(100_000)
    for value in rng.uniform(size=100_000):
        totals.add({"x": np.array([[value]])}, {})
    found = totals.statistics()["x"]
    assert found["count"] == [100_000]
    for name, share in QUANTILES.items():
        np.testing.assert_allclose(found[name], share, atol=0.01)
