"""Statistics that a LeRobotDataset keeps of each feature, over an episode and over all of it.

Pictures are counted as histograms of their grey values, which makes every statistic exact and
adds up over any number of pictures. Of numbers, extremes, mean and deviation are exact; the
quantiles over a whole data set are those of every n-th episode, so that memory stays bounded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tasks.grasping.types import ByteImage, FloatArray

QUANTILES: Final = {"q01": 0.01, "q10": 0.10, "q50": 0.50, "q90": 0.90, "q99": 0.99}
_KEPT_EPISODES = 20_000
_GREYS = np.arange(256) / 255

Histogram = npt.NDArray[np.int64]
Statistics = dict[str, Any]


def grey_histogram(picture: ByteImage) -> Histogram:
    """Count grey values per channel.

    Args:
        picture: (h, w, channels) or (h, w).

    Returns:
        Counts, (channels, 256).
    """
    channels = np.atleast_3d(picture).reshape(-1, picture.shape[2] if picture.ndim == 3 else 1)
    return np.stack([np.bincount(each, minlength=256) for each in channels.T])


def picture_statistics(histogram: Histogram, num_pictures: int) -> Statistics:
    """Statistics of pictures scaled to [0, 1]; each value has the shape (channels, 1, 1)."""
    shares = histogram / histogram.sum(1, keepdims=True)
    mean = shares @ _GREYS
    variance = shares @ _GREYS**2 - mean**2
    cumulated = np.cumsum(shares, 1)
    values = {
        "min": _GREYS[(histogram > 0).argmax(1)],
        "max": _GREYS[255 - (histogram > 0)[:, ::-1].argmax(1)],
        "mean": mean,
        "std": np.sqrt(np.maximum(variance, 0)),
        **{
            name: _GREYS[(cumulated >= share - 1e-12).argmax(1)]
            for name, share in QUANTILES.items()
        },
    }
    shaped = {name: value.reshape(-1, 1, 1).tolist() for name, value in values.items()}
    return {**shaped, "count": [num_pictures]}


def number_statistics(numbers: Mapping[str, FloatArray]) -> dict[str, Statistics]:
    """Statistics of the components of vectors.

    Args:
        numbers: By feature, (frames, size).

    Returns:
        By feature and name, a list with one number per component.
    """
    values = np.hstack(list(numbers.values()))
    found = {
        "min": values.min(0),
        "max": values.max(0),
        "mean": values.mean(0),
        "std": values.std(0),
        **_quantiles(values),
    }
    return _by_feature(found, len(values), {name: each.shape[1] for name, each in numbers.items()})


@dataclass
class Totals:
    """Adds up statistics over all episodes.

    Attributes:
        num_episodes: How many there will be.
    """

    num_episodes: int
    _numbers: _Moments = field(default_factory=lambda: _Moments())
    _widths: dict[str, int] = field(default_factory=dict)
    _pictures: dict[str, tuple[Histogram, int]] = field(default_factory=dict)
    _num_added: int = 0

    def add(
        self, numbers: Mapping[str, FloatArray], pictures: Mapping[str, tuple[Histogram, int]]
    ) -> None:
        """Add an episode: its numbers, (frames, size), and its pictures' counts and number."""
        stride = -(-self.num_episodes // _KEPT_EPISODES)
        is_kept = self._num_added % stride == 0
        self._widths = {name: values.shape[1] for name, values in numbers.items()}
        self._numbers.add(np.hstack(list(numbers.values())), is_kept=is_kept)
        for name, (histogram, count) in pictures.items():
            sums, num_pictures = self._pictures.get(name, (np.zeros_like(histogram), 0))
            self._pictures[name] = sums + histogram, num_pictures + count
        self._num_added += 1

    def statistics(self) -> dict[str, Statistics]:
        """Statistics by feature."""
        moments = self._numbers
        return _by_feature(moments.statistics(), moments.count, self._widths) | {
            name: picture_statistics(*counted) for name, counted in self._pictures.items()
        }


@dataclass
class _Moments:
    """Extremes and moments of vectors; the moments are updated, not differences of sums."""

    count: int = 0
    low: FloatArray = field(default_factory=lambda: np.array(np.inf))
    high: FloatArray = field(default_factory=lambda: np.array(-np.inf))
    mean: FloatArray = field(default_factory=lambda: np.array(0.0))
    scatter: FloatArray = field(default_factory=lambda: np.array(0.0))
    kept: list[FloatArray] = field(default_factory=list)

    def add(self, values: FloatArray, *, is_kept: bool) -> None:
        """T. Chan et al., "Updating Formulae and a Pairwise Algorithm", 1979, equation 1.5."""
        size, total = len(values), self.count + len(values)
        mean = values.mean(0)
        apart = mean - self.mean
        self.scatter = (
            self.scatter + ((values - mean) ** 2).sum(0) + apart**2 * self.count * size / total
        )
        self.mean = self.mean + apart * size / total
        self.low = np.minimum(self.low, values.min(0))
        self.high = np.maximum(self.high, values.max(0))
        self.count = total
        if is_kept:
            self.kept.append(values)

    def statistics(self) -> dict[str, FloatArray]:
        return {
            "min": self.low,
            "max": self.high,
            "mean": self.mean,
            "std": np.sqrt(self.scatter / self.count),
            **_quantiles(np.concatenate(self.kept)),
        }


def _by_feature(
    found: Mapping[str, FloatArray], count: int, widths: Mapping[str, int]
) -> dict[str, Statistics]:
    """Divide statistics of all components side by side among the features."""
    lists = {name: values.tolist() for name, values in found.items()}
    parts: dict[str, Statistics] = {}
    first = 0
    for feature, width in widths.items():
        part = slice(first, first + width)
        parts[feature] = {name: values[part] for name, values in lists.items()}
        parts[feature]["count"] = [count]
        first += width
    return parts


def _quantiles(values: FloatArray) -> dict[str, FloatArray]:
    if len(values) == 1:
        return dict.fromkeys(QUANTILES, values[0])
    found = np.quantile(values, list(QUANTILES.values()), axis=0)
    return dict(zip(QUANTILES, found, strict=True))
