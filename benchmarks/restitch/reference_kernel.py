"""A fixed piece of work, timed beside a measurement, so that machines can be compared.

Dense inverse search flow, medium preset, on a fixed synthetic pair of 768 x 1024 px. A stated
bound of CPU seconds is fixed once as a multiple of it, before anything is optimised, and the
multiple is what later measurements are held against.
"""

from __future__ import annotations

import time

import cv2
import numpy as np

from tasks.panorama.types import ByteImage, Float32Array

# 9 s over 0.0896 s, the median of nine runs on an idle AMD EPYC core, 2026-11-22.
RESTITCH_BOUND_MULTIPLE = 100.4


class ReferenceKernel:
    """Times the fixed work; call `run` between the pieces of what is measured."""

    def __init__(self) -> None:
        cv2.setNumThreads(1)
        self._pair = _pair()
        self._flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        self._found = np.zeros((*self._pair[0].shape, 2), np.float32)
        self._flow.calc(*self._pair, self._found)
        self._times_s: list[float] = []

    def run(self, repeats: int = 5) -> None:
        """Time the work a few times."""
        for _ in range(repeats):
            begun_s = time.process_time()
            self._flow.calc(*self._pair, np.zeros_like(self._found))
            self._times_s.append(time.process_time() - begun_s)

    @property
    def median_s(self) -> float:
        """Median CPU seconds of all that was timed."""
        return float(np.median(self._times_s))


def _pair() -> tuple[ByteImage, ByteImage]:
    """Two views of multi-octave noise, warped by a few pixels."""
    rng = np.random.default_rng(7)
    octaves = [
        cv2.resize(
            rng.random((1024 >> level, 768 >> level)).astype(np.float32),
            (768, 1024),
            interpolation=cv2.INTER_CUBIC,
        )
        * 2.0**level
        for level in range(6)
    ]
    noise: Float32Array = np.sum(octaves, axis=0)
    first = ((noise - noise.min()) / (noise.max() - noise.min()) * 255).astype(np.uint8)
    y, x = np.mgrid[0:1024, 0:768].astype(np.float32)
    map_x, map_y = x + 6 * np.sin(y / 90), y + 4 * np.cos(x / 70)
    second = cv2.remap(first, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    return first, np.asarray(second, np.uint8)
