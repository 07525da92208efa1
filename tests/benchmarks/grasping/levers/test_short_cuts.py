"""Hulls of few vertices."""

from __future__ import annotations

import numpy as np

from benchmarks.grasping.levers.short_cuts import MAX_VERTICES, few


def test_few_vertices_span_nearly_what_many_do():
    points_m = np.random.default_rng(0).normal(size=(400, 3))
    points_m /= np.linalg.norm(points_m, axis=1, keepdims=True)
    kept = few(points_m)
    assert 12 <= len(kept) <= MAX_VERTICES
    assert {tuple(each) for each in kept} <= {tuple(each) for each in points_m}
    assert (np.ptp(kept, axis=0) > 1.6).all()
