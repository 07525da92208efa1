"""Stitch a capture in several ways, choose the one to publish, and draw it in full size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tasks.panorama.algorithms.place.canvas import Box, columns_of
from tasks.panorama.algorithms.place.source_maps import Maps, automatic_width_px
from tasks.panorama.algorithms.stitch.assess import Assessment, Outline, assess, outline
from tasks.panorama.algorithms.stitch.gate import Decision, judge, objections
from tasks.panorama.algorithms.stitch.masks import kept_out, last_resort_share
from tasks.panorama.algorithms.stitch.seam_routing import routed_labels
from tasks.panorama.algorithms.stitch.seams import UNCOVERED, LabelMap, fixed_labels
from tasks.panorama.algorithms.stitch.stitch import (
    Sources,
    maps_of,
    offsets_of,
    reduced_maps,
    reduced_sources,
    sources_of,
    stitch,
)
from tasks.panorama.config import RenderConfig
from tasks.panorama.metrics.misalignment import errors_px
from tasks.panorama.types import (
    UNREPAIRED,
    Alignment,
    BoolArray,
    ByteImage,
    Correspondences,
    Photometry,
)

PROOF_FACTOR = 2  # ways are compared on a panorama this much smaller


@dataclass(frozen=True)
class Restitched:
    """A capture, stitched.

    Attributes:
        sources: Its images, evened out.
        outlines: Each way by name, without its picture.
        assessments: The ways that were stitched to be judged, on a panorama smaller by
            `PROOF_FACTOR`.
        decision: Which way is published.
        nominal: Where the unrepaired way puts the images, full size.
        maps: Where the published way puts them.
        labels: Partition of the published panorama, its seams routed.
        panorama: The published panorama, (width / 2, width, 3).
        masked_share: Share of its covered pixels that show what a mask excludes, for no other
            image shows them.
    """

    sources: Sources
    outlines: Mapping[str, Outline]
    assessments: Mapping[str, Assessment]
    decision: Decision
    nominal: Maps
    maps: Maps
    labels: LabelMap
    panorama: ByteImage
    masked_share: float


def restitch(
    images: Sequence[ByteImage],
    usable: Sequence[BoolArray | None],
    ways: Mapping[str, Alignment],
    photometry: Photometry,
    held_out: Correspondences,
    config: RenderConfig,
) -> Restitched:
    """Stitch a capture.

    Args:
        images: One (h, w, 3) BGR image per camera.
        usable: Per image None or (h, w), False on what is masked.
        ways: Alignments by name; `UNREPAIRED` is the calibration as it was given.
        photometry: Gains and falloff.
        held_out: Correspondences that no fit has seen.
        config: Size, seams, blend and gate.

    Raises:
        DataError: No image covers anything.
    """
    rig = ways[UNREPAIRED].rig
    width_px = config.width_px or automatic_width_px(rig)
    before_px = errors_px(ways[UNREPAIRED], held_out)
    outlines = {name: outline(name, way, held_out, before_px) for name, way in ways.items()}
    nominal = maps_of(ways[UNREPAIRED], width_px)
    sources = sources_of(images, usable, rig, photometry, nominal)
    maps, assessments = _assess_until_one_passes(outlines, sources, nominal, config)
    repairs = [found.figures for name, found in assessments.items() if name != UNREPAIRED]
    decision = judge(assessments[UNREPAIRED].figures, repairs, config)
    chosen = maps[decision.published]
    reach_px = round(config.seam_reach * width_px)
    assessed = assessments[decision.published]
    labels = routed_labels(chosen, assessed.proofs, reach_px, sources.masked)
    offsets = offsets_of(assessed.views, chosen, labels)
    return Restitched(
        sources=sources,
        outlines=outlines,
        assessments=assessments,
        decision=decision,
        nominal=nominal,
        maps=chosen,
        labels=labels,
        panorama=stitch(sources, chosen, labels, config.num_bands, offsets),
        masked_share=last_resort_share(labels, chosen, sources.masked),
    )


def _assess_until_one_passes(
    outlines: Mapping[str, Outline], sources: Sources, nominal: Maps, config: RenderConfig
) -> tuple[dict[str, Maps], dict[str, Assessment]]:
    """Stitch ways small, the best aligned repair first, until one may be published."""
    small, small_nominal = (
        reduced_sources(sources, PROOF_FACTOR),
        reduced_maps(nominal, PROOF_FACTOR),
    )
    num_bands = max(0, config.num_bands - 1)
    maps = {UNREPAIRED: nominal}
    found = {
        UNREPAIRED: assess(outlines[UNREPAIRED], small, small_nominal, small_nominal, num_bands)
    }
    repairs = [way for name, way in outlines.items() if name != UNREPAIRED]
    for way in sorted(repairs, key=lambda repair: repair.figures.held_out_px or 0.0):
        name = way.figures.name
        maps[name] = maps_of(way.alignment, sources.panorama_width_px)
        small_maps = reduced_maps(maps[name], PROOF_FACTOR)
        found[name] = assess(way, small, small_maps, small_nominal, num_bands)
        if not objections(found[UNREPAIRED].figures, found[name].figures, config):
            break
    return maps, found


def unrepaired_windows(
    found: Restitched, windows: Sequence[Box], num_bands: int
) -> list[ByteImage]:
    """Stitch windows of the unrepaired panorama, on its fixed seams, in full size.

    Args:
        found: The capture, stitched.
        windows: Which parts, unrolled.
        num_bands: Of the blend.

    Returns:
        (window height, window width, 3) each, as the whole panorama shows it.
    """
    sources, maps = found.sources, found.nominal
    labels = kept_out(fixed_labels(maps), maps, sources.masked)
    small = found.assessments[UNREPAIRED].offsets
    offsets = {index: each.enlarged(PROOF_FACTOR) for index, each in small.items()}
    pictures = []
    for window in windows:
        needed = window.grown(4 * 2**num_bands)
        rows = slice(max(0, needed.top_px), needed.bottom_px)
        columns = np.unique(columns_of(needed, labels.shape[1]))
        part = np.full_like(labels, UNCOVERED)
        part[rows, columns] = labels[rows, columns]
        picture = stitch(sources, maps, part, num_bands, offsets)
        seen = picture[window.top_px : window.bottom_px]
        pictures.append(np.ascontiguousarray(seen[:, columns_of(window, labels.shape[1])]))
    return pictures
