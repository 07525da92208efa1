"""Stitch a capture in several ways, choose the one to publish, and draw it in full size.

Where the best aligned repair makes overlaps less alike, their matches have misled it. It is then
fitted once more with these overlaps held as the calibration has them, and the gate judges again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from tasks.panorama.algorithms.fit.align import align_images
from tasks.panorama.algorithms.fit.held_overlaps import hold_overlaps
from tasks.panorama.algorithms.place.canvas import Box, columns_of
from tasks.panorama.algorithms.place.source_maps import Maps, automatic_width_px
from tasks.panorama.algorithms.stitch.assess import Assessment, Outline, assess, outline
from tasks.panorama.algorithms.stitch.gate import (
    Decision,
    Figures,
    judge,
    less_alike,
    objections,
)
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
from tasks.panorama.config import GateConfig, RenderConfig, SolveConfig
from tasks.panorama.metrics.misalignment import errors_px
from tasks.panorama.types import (
    UNREPAIRED,
    Alignment,
    BoolArray,
    ByteImage,
    Correspondences,
    Photometry,
    Rig,
)

PROOF_FACTOR = 2  # ways are compared on a panorama this much smaller
_MAX_MISLED_SHARE = 1 / 3  # of the overlaps; others must bear the repair out
REFITTED = "refitted"
"""Name of the way to align a capture that holds overlaps whose matches mislead."""

_Refit = Callable[[Figures, Figures], Outline | None]  # see `refitted`


@dataclass(frozen=True)
class Restitched:
    """A capture, stitched.

    Attributes:
        sources: Its images, evened out.
        outlines: Each way by name, without its picture; `REFITTED` too, if it was fitted.
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
    matches: Correspondences,
    solve: SolveConfig,
    config: RenderConfig,
) -> Restitched:
    """Stitch a capture.

    Args:
        images: One (h, w, 3) BGR image per camera.
        usable: Per image None or (h, w), False on what is masked.
        ways: Alignments by name; `UNREPAIRED` is the calibration as it was given.
        photometry: Gains and falloff.
        matches: All correspondences; the ways were fitted without the held-out ones.
        solve: Settings of the fits.
        config: Size, seams, blend and gate.

    Raises:
        DataError: No image covers anything, or the solver failed at a second fit.
    """
    rig = ways[UNREPAIRED].rig
    width_px = config.width_px or automatic_width_px(rig)
    held_out = matches.select(matches.held_out)
    before_px = errors_px(ways[UNREPAIRED], held_out)
    outlines = {name: outline(name, way, held_out, before_px) for name, way in ways.items()}
    nominal = maps_of(ways[UNREPAIRED], width_px)
    sources = sources_of(images, usable, rig, photometry, nominal)
    refit = partial(refitted, matches, rig, solve, config)
    tried = _try_until_one_passes(outlines, sources, nominal, config, refit)
    repairs = [found.assessment.figures for name, found in tried.items() if name != UNREPAIRED]
    decision = judge(tried[UNREPAIRED].assessment.figures, repairs, config)
    chosen, assessed = tried[decision.published].maps, tried[decision.published].assessment
    reach_px = round(config.seam_reach * width_px)
    labels = routed_labels(chosen, assessed.proofs, reach_px, sources.masked)
    offsets = offsets_of(assessed.views, chosen, labels)
    return Restitched(
        sources=sources,
        outlines=outlines | {name: found.outline for name, found in tried.items()},
        assessments={name: found.assessment for name, found in tried.items()},
        decision=decision,
        nominal=nominal,
        maps=chosen,
        labels=labels,
        panorama=stitch(sources, chosen, labels, config.num_bands, offsets),
        masked_share=last_resort_share(labels, chosen, sources.masked),
    )


def refitted(
    matches: Correspondences,
    rig: Rig,
    solve: SolveConfig,
    gate: GateConfig,
    before: Figures,
    after: Figures,
) -> Outline | None:
    """Fit a capture anew, with overlaps held that the first repair made less alike.

    Args:
        matches: All correspondences.
        rig: The calibration as it was given.
        solve: Settings of the fits.
        gate: Settings of the gate.
        before: Figures of the unrepaired stitch.
        after: Figures of the first repair.

    Returns:
        The second repair; None where no overlap is less alike, where so many are that it is the
        repair that is bad, or where the others have too few held-out correspondences to judge by.

    Raises:
        DataError: A solver failed.
    """
    misled = less_alike(before, after, gate)
    rest = hold_overlaps(matches, misled, rig)
    held_out = rest.select(rest.held_out)
    are_few = 0 < len(misled) <= _MAX_MISLED_SHARE * len(after.overlaps)
    if not are_few or len(held_out) < gate.min_held_out:
        return None
    fitted = align_images(rest, rig, replace(solve, baselines=False))
    before_px = errors_px(fitted.nominal, held_out)
    return replace(outline(REFITTED, fitted.warped, held_out, before_px), held=tuple(misled))


@dataclass(frozen=True)
class _Tried:
    """A way that was stitched small."""

    outline: Outline
    maps: Maps
    assessment: Assessment


def _try_until_one_passes(
    outlines: Mapping[str, Outline],
    sources: Sources,
    nominal: Maps,
    config: RenderConfig,
    refit: _Refit,
) -> dict[str, _Tried]:
    """Stitch ways small, the best aligned repair first, until one may be published."""
    small, small_nominal = (
        reduced_sources(sources, PROOF_FACTOR),
        reduced_maps(nominal, PROOF_FACTOR),
    )
    num_bands = max(0, config.num_bands - 1)
    unrepaired = outlines[UNREPAIRED]
    before = assess(unrepaired, small, small_nominal, small_nominal, num_bands)
    tried = {UNREPAIRED: _Tried(unrepaired, nominal, before)}
    repairs = [way for name, way in outlines.items() if name != UNREPAIRED]
    waiting = deque(sorted(repairs, key=lambda repair: repair.figures.held_out_px or 0.0))
    best = waiting[0] if waiting else None
    while waiting:
        way = waiting.popleft()
        maps = maps_of(way.alignment, sources.panorama_width_px)
        small_maps = reduced_maps(maps, PROOF_FACTOR)
        found = assess(way, small, small_maps, small_nominal, num_bands)
        tried[way.figures.name] = _Tried(way, maps, found)
        if not objections(before.figures, found.figures, config):
            break
        again = refit(before.figures, found.figures) if way is best else None
        if again is not None:
            waiting.appendleft(again)
    return tried


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
