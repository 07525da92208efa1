"""Judges every way to align a simulated capture, all on the same matches, seams and blend.

Ways: *unrepaired* (the calibration as given), *recalibrated* (rotations and focal lengths
only), *kernel* (half of the flow, spread by a Gaussian kernel: what the Street View post
compares with), *spline* (ours). All get the same photometric correction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from benchmarks.results_file import Figure
from tasks.panorama.algorithms.fit.align import Fitted, align_images
from tasks.panorama.algorithms.fit.kernel_interpolation import interpolate_fields
from tasks.panorama.algorithms.fit.warp_shape import mean_bending, measure_warp
from tasks.panorama.algorithms.match.matching import match_images
from tasks.panorama.algorithms.place.source_maps import Maps
from tasks.panorama.algorithms.stitch.assess import signed
from tasks.panorama.algorithms.stitch.seams import UNCOVERED, fixed_labels
from tasks.panorama.algorithms.stitch.stitch import Sources, maps_of, sources_of, stitch
from tasks.panorama.camera.overlaps import overlapping_pairs
from tasks.panorama.config import RestitchConfig
from tasks.panorama.input.rig_files.colmap import read_rig
from tasks.panorama.input.truth import load_truth
from tasks.panorama.metrics.fidelity import psnr_gain_db
from tasks.panorama.metrics.misalignment import Misalignment, measure_misalignment
from tasks.panorama.metrics.photometric_error import gain_error_rms
from tasks.panorama.metrics.seam_step import measure_seam_steps, seam_sharpness
from tasks.panorama.types import (
    Alignment,
    BoolArray,
    ByteImage,
    Correspondences,
    Rig,
    Truth,
)

KERNEL_SIGMAS_PX = (8.0, 15.0, 25.0, 40.0, 70.0, 100.0)
_BENDING_STEP_PX = 4  # fine enough for the narrowest kernel


@dataclass(frozen=True)
class KernelChoice:
    """The kernel baseline at its best on the validation seed.

    Attributes:
        sigma_px: Width of the kernel, source px.
        on_recalibrated: Whether it refines the recalibrated rig, else the rig as given.
    """

    sigma_px: float
    on_recalibrated: bool


@dataclass(frozen=True)
class Case:
    """A simulated capture with its matches and what the pipeline fits to them.

    Attributes:
        rig: Calibration as given.
        images: One per camera.
        matches: Matches to fit.
        fitted: Calibration, fields and photometry, as the solve stage fits them.
        truth: What the capture really was.
    """

    rig: Rig
    images: tuple[ByteImage, ...]
    matches: Correspondences
    fitted: Fitted
    truth: Truth


@dataclass(frozen=True)
class Scores:
    """Figures of one way on one capture; see the definitions in `tasks.panorama.metrics`.

    Attributes:
        misalignment: Over non-sky points from true depth.
        bending: Mean over the images.
        seam_step: Of the blended panorama, on the fixed seams.
        seam_step_hard: Of the same without blending.
        sharpness: Within 32 px of the seams, against the unblended sources.
        panorama: The blended panorama.
        covered: Its pixels that an image shows.
    """

    misalignment: Misalignment
    bending: float
    seam_step: float
    seam_step_hard: float
    sharpness: float
    panorama: ByteImage
    covered: BoolArray


def load_case(folder: Path, config: RestitchConfig) -> Case:
    """Read a simulated capture, match its images and fit what the pipeline fits."""
    rig, truth = read_rig(folder / "sparse"), load_truth(folder)
    images = tuple(_read(folder / "images" / f"{camera.name}.jpg") for camera in rig.cameras)
    pairs = overlapping_pairs(rig, config.match.min_overlap)
    matches = match_images(images, [None] * len(images), rig, pairs, config.match)
    return Case(
        rig=rig,
        images=images,
        matches=matches.select(~matches.held_out),
        fitted=align_images(matches, rig, config.solve),
        truth=truth,
    )


def choose_kernel(case: Case) -> KernelChoice:
    """Choose the kernel baseline's width and rig by least misalignment on a validation case."""
    choices = [KernelChoice(s, on) for s in KERNEL_SIGMAS_PX for on in (False, True)]
    return min(choices, key=lambda choice: misalignment(case, kernel(case, choice)).mean_px)


def kernel(case: Case, choice: KernelChoice) -> Alignment:
    """Align by kernel interpolation."""
    rig = case.fitted.recalibrated.rig if choice.on_recalibrated else case.rig
    return Alignment(rig, interpolate_fields(case.matches, rig, choice.sigma_px))


def align_all(case: Case, choice: KernelChoice) -> dict[str, Alignment]:
    """Align a capture in all ways, by name."""
    return {
        "unrepaired": case.fitted.nominal,
        "recalibrated": case.fitted.recalibrated,
        "kernel": kernel(case, choice),
        "spline": case.fitted.warped,
    }


def misalignment(case: Case, alignment: Alignment) -> Misalignment:
    """Misalignment over the non-sky points of the truth."""
    return measure_misalignment(alignment, case.truth.points, ~case.truth.points.is_sky)


def score_all(
    case: Case, alignments: Mapping[str, Alignment], width_px: int, num_bands: int
) -> dict[str, Scores]:
    """Score all ways on a capture that has a ray-traced panorama of the given width."""
    none = [None] * len(case.images)
    nominal = maps_of(Alignment(case.rig, tuple(none)), width_px)
    sources = sources_of(case.images, none, case.rig, case.fitted.photometry, nominal)
    return {
        name: _score(case, sources, nominal, alignment, num_bands)
        for name, alignment in alignments.items()
    }


def psnr_gains_db(case: Case, scores: Mapping[str, Scores], ours: str) -> dict[str, float]:
    """PSNR to the ray-traced panorama of one way, less that of each other way."""
    panorama, is_sky = case.truth.panorama, case.truth.panorama_is_sky
    if panorama is None or is_sky is None:
        raise ValueError("the capture has no ray-traced panorama: simulate it with one")
    mine = scores[ours]
    return {
        name: psnr_gain_db(
            mine.panorama, other.panorama, panorama, mine.covered, other.covered, is_sky
        )
        for name, other in scores.items()
        if name != ours
    }


def gain_error(case: Case) -> float:
    """Relative rms error of the estimated gains."""
    return gain_error_rms(case.fitted.photometry, case.truth.photometry)


def _score(
    case: Case, sources: Sources, nominal: Maps, alignment: Alignment, num_bands: int
) -> Scores:
    maps = maps_of(alignment, sources.panorama_width_px)
    labels = fixed_labels(maps, nominal)
    blended = stitch(sources, maps, labels, num_bands)
    hard = stitch(sources, maps, labels, 0)
    not_sky = _not_sky(case, blended)
    shapes = [
        measure_warp(field, camera, _BENDING_STEP_PX)
        for field, camera in zip(alignment.fields, alignment.rig.cameras, strict=True)
    ]
    return Scores(
        misalignment=misalignment(case, alignment),
        bending=mean_bending(shapes),
        seam_step=measure_seam_steps(blended, signed(labels), not_sky).ratio,
        seam_step_hard=measure_seam_steps(hard, signed(labels), not_sky).ratio,
        sharpness=seam_sharpness(blended, hard, signed(labels), not_sky),
        panorama=blended,
        covered=np.asarray(labels != UNCOVERED, np.bool_),
    )


def _not_sky(case: Case, panorama: ByteImage) -> BoolArray:
    is_sky = case.truth.panorama_is_sky
    if is_sky is None or is_sky.shape != panorama.shape[:2]:
        found = None if is_sky is None else is_sky.shape
        raise ValueError(f"expected a ray-traced panorama of {panorama.shape[:2]}, got {found}")
    return ~is_sky


def _read(path: Path) -> ByteImage:
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise FileNotFoundError(path)
    return np.asarray(image, np.uint8)


def spread(values: Sequence[float], unit: str = "") -> Figure:
    """Mean over the seeds, and the range from the least to the greatest."""
    interval = (float(min(values)), float(max(values)))
    return Figure(value=float(np.mean(values)), unit=unit, interval=interval)
