"""Third stage: recalibration, warp fields and photometry from the matches of each capture."""

from __future__ import annotations

import logging
from collections.abc import Mapping

import numpy as np

from tasks.core.config import config_json
from tasks.core.outcomes import split
from tasks.core.ports import ItemFolder, StageContext
from tasks.core.records import ArtifactRef
from tasks.core.stages import StageSpec, stage
from tasks.panorama.algorithms.fit.align import Fitted, align_images
from tasks.panorama.algorithms.fit.warp_shape import mean_bending, measure_warp
from tasks.panorama.config import SolveConfig
from tasks.panorama.input.rig_files.rig_json import write_rig_json
from tasks.panorama.kept_files import (
    KERNEL,
    RECALIBRATED,
    WARPED,
    read_correspondences,
    read_rig,
    write_fields,
    write_photometry,
)
from tasks.panorama.manifests import MatchRecord, MatchSet, WarpRecord, WarpSet
from tasks.panorama.metrics.misalignment import errors_px
from tasks.panorama.types import UNREPAIRED, Alignment, BoolArray, Correspondences, FloatArray

_LOG = logging.getLogger(__name__)
_RIG_FILE, _FIELD_FILE, _LIGHT_FILE = "rig_recalibrated.json", "fields.npz", "photometry.json"
_BASELINE_FILE = "fields_kernel.npz"


@stage(
    StageSpec(
        name="panorama.solve",
        section="solve",
        libraries=("numpy", "scipy", "opencv-python-headless", "pyceres", "pyarrow"),
    )
)
def solve_captures(matches: ArtifactRef, config: SolveConfig, ctx: StageContext) -> ArtifactRef:
    """Fit one warp field per image so that all matches of a panorama align at once."""
    found = ctx.store.read(matches, MatchSet)
    outcomes = ctx.items.map(solve_one, found.captures, config)
    solved, skipped = split(outcomes, config.max_skipped_fraction)
    names = sorted({name for record in solved for name in record.figures})
    ctx.tracker.log_metrics(
        {
            f"mean_{name}": float(np.mean([r.figures[name] for r in solved if name in r.figures]))
            for name in names
        }
    )
    return ctx.store.write(
        WarpSet(
            captures=solved,
            skipped=(*found.skipped, *skipped),
            settings=found.settings | {"solve": config_json(config)},
        )
    )


def solve_one(item: MatchRecord, config: SolveConfig, folder: ItemFolder) -> WarpRecord:
    """Fit one capture.

    Raises:
        DataError: A solver failed.
    """
    rig = read_rig(item.capture, folder.fetch)
    matches = read_correspondences(folder.fetch(item.correspondences))
    fitted = align_images(matches, rig, config)
    by_way_px = {way: errors_px(alignment, matches) for way, alignment in _ways(fitted).items()}
    write_rig_json(folder.path / _RIG_FILE, fitted.recalibrated.rig)
    write_fields(folder.path / _FIELD_FILE, fitted.warped.fields)
    write_photometry(folder.path / _LIGHT_FILE, fitted.photometry)
    if fitted.kernel is not None:
        write_fields(folder.path / _BASELINE_FILE, fitted.kernel.fields)
    warnings = _warnings(fitted, config)
    for warning in warnings:
        _LOG.warning("%s: %s", item.item_id, warning)
    return WarpRecord(
        item_id=item.item_id,
        capture=item.capture,
        correspondences=item.correspondences,
        rig=folder.add(_RIG_FILE),
        fields=folder.add(_FIELD_FILE),
        baseline_fields=folder.add(_BASELINE_FILE) if fitted.kernel is not None else None,
        photometry=folder.add(_LIGHT_FILE),
        flow=item.flow,
        figures=_figures(matches, fitted, by_way_px),
        warnings=warnings,
        settings=config,
    )


def _ways(fitted: Fitted) -> dict[str, Alignment]:
    ways = {
        UNREPAIRED: fitted.nominal,
        RECALIBRATED: fitted.recalibrated,
        WARPED: fitted.warped,
    }
    return ways if fitted.kernel is None else {**ways, KERNEL: fitted.kernel}


def _warnings(fitted: Fitted, config: SolveConfig) -> tuple[str, ...]:
    if fitted.bending == config.bending:
        return ()
    if fitted.bending == 0:
        return ("the warp folds however stiff it is; the images are not warped",)
    return (f"the warp folded; fitted with bending {fitted.bending:g} instead",)


def _figures(
    matches: Correspondences, fitted: Fitted, by_way_px: Mapping[str, FloatArray]
) -> dict[str, float]:
    figures = {}
    for way, errors in by_way_px.items():
        for title, rows in (("held_out", matches.held_out), ("fitted", ~matches.held_out)):
            if rows.any():
                figures[f"{way}_{title}_mean_px"] = _mean(errors, rows)
                p95_px = float(np.percentile(errors[rows], 95))
                figures[f"{way}_{title}_p95_px"] = round(p95_px, 6)
    for way, alignment in ((WARPED, fitted.warped), (KERNEL, fitted.kernel)):
        if alignment is not None:
            cameras = alignment.rig.cameras
            fields = alignment.fields
            shapes = [measure_warp(f, c) for f, c in zip(fields, cameras, strict=True)]
            figures[f"{way}_bending"] = mean_bending(shapes)
            figures[f"{way}_strain_max"] = max(shape.max_strain for shape in shapes)
            figures[f"{way}_displacement_p95_px"] = max(shape.p95_px for shape in shapes)
    return figures


def _mean(errors_px: FloatArray, rows: BoolArray) -> float:
    return round(float(errors_px[rows].mean()), 6)
