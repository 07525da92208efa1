"""Measure one way to stitch a capture, on a smaller panorama, for the gate and the report.

Every way is stitched alike: same evened images, same fixed seams (from the nominal
calibration), same blend. So what differs is the alignment alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import numpy.typing as npt

from tasks.core.errors import DataError
from tasks.panorama.algorithms.fit.warp_shape import measure_warp
from tasks.panorama.algorithms.light.offsets import Offsets
from tasks.panorama.algorithms.light.views import View, views_of
from tasks.panorama.algorithms.place.canvas import Box, ValueT, bounding_box, cut_out
from tasks.panorama.algorithms.place.source_maps import Maps
from tasks.panorama.algorithms.stitch.gate import Figures, OverlapError, Pair
from tasks.panorama.algorithms.stitch.masks import kept_out
from tasks.panorama.algorithms.stitch.seam_excess import SeamExcess, seam_excesses, worst_excess
from tasks.panorama.algorithms.stitch.seam_routing import Proof
from tasks.panorama.algorithms.stitch.seams import UNCOVERED, LabelMap, fixed_labels
from tasks.panorama.algorithms.stitch.stitch import Sources, offsets_of, proofs_of, stitch
from tasks.panorama.algorithms.stitch.verdict import Overlap
from tasks.panorama.metrics.misalignment import by_pair, errors_px, summarise
from tasks.panorama.metrics.seam_places import Labels
from tasks.panorama.metrics.seam_step import SeamSteps, luma_of, measure_seam_steps
from tasks.panorama.metrics.similarity import similarity_within
from tasks.panorama.types import (
    Alignment,
    BoolArray,
    ByteImage,
    Correspondences,
    FloatArray,
)

_MIN_OVERLAP_PX = 400  # smaller ones say nothing about similarity


@dataclass(frozen=True)
class Outline:
    """One way to stitch a capture, and what can be told of it without stitching.

    Attributes:
        alignment: The way.
        figures: What the gate judges by, but for the seams.
        numbers: All figures by name.
        held: Overlaps that it was fitted without the matches of; its held-out ones neither count.
    """

    alignment: Alignment
    figures: Figures
    numbers: dict[str, float]
    held: tuple[Pair, ...] = ()


@dataclass(frozen=True)
class Assessment:
    """One way to stitch a capture, stitched.

    Attributes:
        proofs: The images on the smaller panorama.
        labels: Its fixed partition.
        views: The images on the nodes of the maps, which are the same for the full panorama.
        offsets: With what its images meet in brightness.
        picture: The blended panorama.
        seams: Its seams.
        figures: What the gate judges by.
        numbers: All figures by name.
    """

    proofs: Sequence[Proof | None]
    labels: LabelMap
    views: Mapping[int, View]
    offsets: Mapping[int, Offsets]
    picture: ByteImage
    seams: Sequence[SeamExcess]
    figures: Figures
    numbers: dict[str, float]


def outline(
    name: str, alignment: Alignment, held_out: Correspondences, errors_before_px: FloatArray
) -> Outline:
    """Measure the alignment of one way.

    Args:
        name: Name of the way.
        alignment: The way.
        held_out: Correspondences that no fit has seen.
        errors_before_px: (n,) their errors by the nominal calibration.
    """
    errors_now_px = errors_px(alignment, held_out)
    shapes = [
        measure_warp(field, camera)
        for field, camera in zip(alignment.fields, alignment.rig.cameras, strict=True)
    ]
    figures = Figures(
        name=name,
        held_out=_held_out(errors_now_px, errors_before_px, held_out),
        warp_p95_px=max(shape.p95_px for shape in shapes),
        max_strain=max(shape.max_strain for shape in shapes),
        has_fold=any(shape.has_fold for shape in shapes),
    )
    numbers = {
        **_error_numbers(errors_now_px),
        "warp_p95_px": figures.warp_p95_px,
        "max_strain": figures.max_strain,
        "num_folds": float(sum(shape.has_fold for shape in shapes)),
    }
    return Outline(alignment, figures, numbers)


def assess(way: Outline, sources: Sources, maps: Maps, nominal: Maps, num_bands: int) -> Assessment:
    """Stitch a capture in one way and measure the picture.

    Args:
        way: The way.
        sources: The images, for the smaller panorama.
        maps: Where this way puts them on it.
        nominal: Where the nominal calibration puts them: decides the seams.
        num_bands: Of the blend.
    """
    labels = kept_out(fixed_labels(maps, nominal), maps, sources.masked)
    views = views_of(sources.small, sources.clipped, maps)
    offsets = offsets_of(views, maps, labels)
    picture = stitch(sources, maps, labels, num_bands, offsets)
    proofs = proofs_of(sources, maps)
    seams = seam_excesses(luma_of(picture), labels, proofs)
    worst = worst_excess(seams)
    overlaps = overlap_similarities(proofs)
    figures = replace(way.figures, worst_seam=worst, overlaps=overlaps)
    similarity = figures.overlap_ssim
    numbers = {
        **way.numbers,
        **_seam_numbers(seam_steps(picture, labels)),
        **({} if worst is None else {"seam_excess_worst": worst}),
        **({} if similarity is None else {"overlap_ssim": similarity}),
    }
    return Assessment(
        proofs=proofs,
        labels=labels,
        views=views,
        offsets=offsets,
        picture=picture,
        seams=seams,
        figures=figures,
        numbers=numbers,
    )


def seam_steps(
    picture: ByteImage, labels: LabelMap, counted: BoolArray | None = None
) -> SeamSteps | None:
    """Measure a picture's seams; None where there is none that can be measured."""
    try:
        return measure_seam_steps(picture, signed(labels), counted)
    except DataError:
        return None


def signed(labels: LabelMap) -> Labels:
    """Labels as the metrics take them: -1 where no image covers."""
    result = labels.astype(np.int16)
    result[labels == UNCOVERED] = -1
    return result


def overlap_similarities(proofs: Sequence[Proof | None]) -> dict[Pair, Overlap]:
    """Structural similarity of each two overlapping images, by their indices."""
    shown = [(index, proof) for index, proof in enumerate(proofs) if proof is not None]
    found = {}
    for (first, one), (second, other) in combinations(shown, 2):
        both = one.seen & _from_other(other.seen, other, one.found.box)
        inner = bounding_box(both)
        if inner is None or both.sum() < _MIN_OVERLAP_PX:
            continue
        rows, columns = inner.slices(Box(0, 0, both.shape[1], both.shape[0]))
        window = inner.shifted(one.found.box.left_px, one.found.box.top_px)
        greys = (one.grey[rows, columns], _from_other(other.grey, other, window))
        similarity, area_px = similarity_within(greys[0], greys[1], both[rows, columns])
        if area_px:
            found[first, second] = Overlap(similarity, area_px)
    return found


def _from_other(values: npt.NDArray[ValueT], proof: Proof, window: Box) -> npt.NDArray[ValueT]:
    """What a proof's array holds in a window of the panorama."""
    return cut_out(values, proof.found.box, window, proof.found.panorama_width_px)


def _held_out(
    now_px: FloatArray, before_px: FloatArray, matches: Correspondences
) -> dict[Pair, OverlapError]:
    changes = by_pair((now_px - before_px) ** 2, matches)
    result = {}
    for pair, error in by_pair(now_px, matches).items():
        mean_square = changes[pair].mean_px
        result[pair] = OverlapError(
            error.num_points, error.mean_px, float(np.sqrt(mean_square / error.num_points))
        )
    return result


def _error_numbers(errors: FloatArray) -> dict[str, float]:
    if not len(errors):
        return {"held_out_num": 0.0}
    error = summarise(errors)
    return {
        "held_out_num": float(error.num_points),
        "held_out_mean_px": error.mean_px,
        "held_out_p95_px": error.p95_px,
    }


def _seam_numbers(steps: SeamSteps | None) -> dict[str, float]:
    return {} if steps is None else {"seam_step": steps.ratio, "seam_step_worst": steps.worst}
