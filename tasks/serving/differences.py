"""How much two versions' answers to the same question differ: for shadows, and replays of a log."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tasks.bundle.manifest import Signature, greatest_difference
from tasks.serving.types import Arrays


@dataclass(frozen=True, slots=True)
class Differences:
    """Answers compared with others', counted.

    Attributes:
        num_compared: Questions that both answered.
        num_failed: Questions that one did not answer.
        num_differing: Of those compared, how many differ by more than the signature's tolerance.
        num_disagreeing: Of those compared, how many decide otherwise: name another class first for
            any item, where they classify; else are of other names or shapes, or no number.
        greatest: Greatest difference of a value; infinite where bytes, names or shapes differ.
    """

    num_compared: int = 0
    num_failed: int = 0
    num_differing: int = 0
    num_disagreeing: int = 0
    greatest: float = 0.0

    def __add__(self, other: Differences) -> Differences:
        """Counts of both."""
        return Differences(
            self.num_compared + other.num_compared,
            self.num_failed + other.num_failed,
            self.num_differing + other.num_differing,
            self.num_disagreeing + other.num_disagreeing,
            max(self.greatest, other.greatest),
        )


FAILED = Differences(num_failed=1)


def compare_by(signature: Signature, expected: Arrays, found: Arrays) -> Differences:
    """Compare two answers to a question as its signature says; see `compare`."""
    scores = signature.outputs[0].name if signature.method == "classify" else ""
    return compare(expected, found, signature.tolerance, scores)


def compare(expected: Arrays, found: Arrays, tolerance: float, scores: str = "") -> Differences:
    """Compare two answers to a question; NaN equals NaN.

    Args:
        expected: Outputs of the version that was sent.
        found: Outputs of the other one.
        tolerance: Difference that is none.
        scores: Name of the output that scores classes, if one does.
    """
    greatest = 0.0
    if expected.keys() != found.keys():
        greatest = math.inf
    for name in expected.keys() & found.keys():
        greatest = max(greatest, _difference(expected[name], found[name]))
    differs = greatest > tolerance
    one = Differences(1, 0, int(differs), int(math.isinf(greatest)), greatest)
    if scores in expected and differs and math.isfinite(greatest):
        pair = (np.argmax(each[scores], axis=-1) for each in (expected, found))
        return replace(one, num_disagreeing=int(not np.array_equal(*pair)))
    return one


def _difference(expected: npt.NDArray[Any], found: npt.NDArray[Any]) -> float:
    if expected.dtype != found.dtype or expected.shape != found.shape:
        return math.inf
    if expected.dtype.kind == "f":
        both = np.isnan(expected) & np.isnan(found)
        expected, found = np.where(both, 0, expected), np.where(both, 0, found)
    difference = greatest_difference(found, expected)
    return math.inf if math.isnan(difference) else difference
