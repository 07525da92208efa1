from __future__ import annotations

import numpy as np
import pytest

from tasks.panorama.algorithms.place.source_maps import source_maps
from tasks.panorama.algorithms.stitch.assess import (
    assess,
    outline,
    overlap_similarities,
    seam_steps,
    signed,
)
from tasks.panorama.algorithms.stitch.gate import Figures
from tasks.panorama.algorithms.stitch.seams import UNCOVERED, fixed_labels
from tasks.panorama.algorithms.stitch.stitch import proofs_of, sources_of
from tasks.panorama.metrics.misalignment import errors_px
from tasks.panorama.types import Alignment, FloatArray, Photometry, Rig
from tests.support.panorama.matches import matches_under
from tests.support.panorama.spheres import photo_of_sphere, pinhole

WIDTH_PX = 640
TRUE = Rig(tuple(pinhole(f"c{k}", 40.0 * k, 0.0) for k in range(3)))
OFF = Rig((TRUE.cameras[0], pinhole("c1", 41.5, 1.0), TRUE.cameras[2]))
PLAIN = Photometry(np.ones((3, 3)), (0.0, 0.0))
NONE = (None, None, None)


def test_right_alignment_beats_a_wrong_one_in_every_figure():
    photos = [photo_of_sphere(camera) for camera in TRUE.cameras]
    nominal = source_maps(OFF, NONE, WIDTH_PX)
    sources = sources_of(photos, NONE, OFF, PLAIN, nominal)
    matches = matches_under(Alignment(TRUE, NONE), [(0, 1), (1, 2)], 200)

    before_px = errors_px(Alignment(OFF, NONE), matches)
    wrong, right = (
        assess(
            outline(name, Alignment(rig, NONE), matches, before_px),
            sources,
            source_maps(rig, NONE, WIDTH_PX),
            nominal,
            2,
        )
        for name, rig in (("unrepaired", OFF), ("recalibrated", TRUE))
    )

    assert right.numbers["held_out_mean_px"] < 1e-6
    assert wrong.figures.held_out[(0, 1)].change_sigma_px == 0.0
    error = wrong.figures.held_out[(0, 1)]
    sigma_px = right.figures.held_out[(0, 1)].change_sigma_px
    assert sigma_px == pytest.approx(error.mean_px / error.num_points**0.5, rel=0.1)
    assert wrong.numbers["held_out_mean_px"] == pytest.approx(
        np.hypot(1.5, 1.0) * 4096 / 360, rel=0.1
    )
    assert set(wrong.figures.held_out) == {(0, 1), (1, 2)}
    assert right.numbers["seam_step_worst"] >= right.numbers["seam_step"] > 0
    assert right.numbers["seam_excess_worst"] < wrong.numbers["seam_excess_worst"]
    assert right.numbers["overlap_ssim"] > 0.98 > wrong.numbers["overlap_ssim"]
    assert right.numbers["warp_p95_px"] == right.numbers["num_folds"] == 0.0
    assert (wrong.labels == fixed_labels(nominal)).all()


def test_nothing_held_out_and_no_overlap_leave_figures_out():
    rig = Rig((pinhole("a", 0, 0), pinhole("b", 180, 0)))
    maps = source_maps(rig, (None, None), WIDTH_PX)
    photos = [photo_of_sphere(camera) for camera in rig.cameras]
    plain = Photometry(np.ones((2, 3)), (0.0, 0.0))
    sources = sources_of(photos, (None, None), rig, plain, maps)
    alignment = Alignment(rig, (None, None))
    matches = matches_under(alignment, [(0, 1)], 10)

    way = outline("unrepaired", alignment, matches, np.empty(0))
    found = assess(way, sources, maps, maps, 2)

    assert found.figures.worst_seam is None
    assert found.figures.held_out_px is None
    assert found.numbers["held_out_num"] == 0.0
    assert "seam_step" not in found.numbers
    assert "overlap_ssim" not in found.numbers
    assert found.figures.overlap_ssim is None
    assert seam_steps(found.picture, found.labels) is None


def test_brightness_alone_does_not_change_similarity():
    maps = source_maps(TRUE, NONE, WIDTH_PX)
    photos = [photo_of_sphere(camera) for camera in TRUE.cameras]
    photos[1] = (photos[1] * 0.8).astype(np.uint8)
    sources = sources_of(photos, NONE, TRUE, PLAIN, maps)

    similarity = Figures(
        "way", overlaps=overlap_similarities(proofs_of(sources, maps))
    ).overlap_ssim

    assert similarity is not None
    assert similarity > 0.97


def test_signed_labels_mark_what_is_not_covered():
    labels = np.array([[0, 3, UNCOVERED]], np.uint8)

    np.testing.assert_array_equal(signed(labels), [[0, 3, -1]])


class Ramp:
    """Moves pixels right the more the farther right they are."""

    def __init__(self, slope: float) -> None:
        self.slope = slope

    def sample(self, points_px: FloatArray) -> FloatArray:
        return np.stack([self.slope * points_px[:, 0], np.zeros(len(points_px))], axis=1)


def test_outline_tells_size_strain_and_folds_of_the_warp():
    none = matches_under(Alignment(TRUE, NONE), [(0, 2)], 1)
    mild, wild = (
        outline("warped", Alignment(TRUE, (None, Ramp(slope), None)), none, np.empty(0)).figures
        for slope in (0.02, -1.5)
    )

    per_source_px = 4096 / (2 * np.pi * TRUE.cameras[1].params[0])
    assert mild.warp_p95_px == pytest.approx(0.95 * 0.02 * 159 * per_source_px, rel=0.1)
    assert mild.max_strain == pytest.approx(0.02)
    assert not mild.has_fold
    assert wild.has_fold
