"""Fourth stage: stitch each capture in its ways, judge them, draw the one to publish."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence

import numpy as np

from tasks.core.config import config_json
from tasks.core.errors import ArtifactError, DataError, PassingError
from tasks.core.outcomes import split
from tasks.core.ports import ItemFolder, StageContext
from tasks.core.records import ArtifactRef
from tasks.core.stages import StageSpec, stage
from tasks.panorama.algorithms.stitch.assess import seam_steps
from tasks.panorama.algorithms.stitch.restitch import Restitched, restitch
from tasks.panorama.algorithms.stitch.seams import UNCOVERED
from tasks.panorama.algorithms.stitch.verdict import Worth, worth_of
from tasks.panorama.config import RenderConfig
from tasks.panorama.input.truth import load_truth
from tasks.panorama.kept_files import (
    Fetch,
    read_images,
    read_masks,
    read_solution,
    truth_folder,
)
from tasks.panorama.manifests import CaptureRecord, RenderRecord, RenderSet, WarpRecord, WarpSet
from tasks.panorama.metrics.true_figures import true_fidelity, true_misalignment
from tasks.panorama.pictures.imprint import Imprint, imprint_of
from tasks.panorama.pictures.render_files import (
    before_after,
    worst_crops,
    worst_seams,
    write_before,
    write_panorama,
)
from tasks.panorama.pictures.sphere_view import sphere_view
from tasks.panorama.types import UNREPAIRED

_LOG = logging.getLogger(__name__)
_MAX_SAID = 10  # photos that are left out; all are in quality.json
_FIGURES = ("held_out_mean_px", "seam_step", "seam_excess_worst", "overlap_ssim", "true_mean_px")


@stage(
    StageSpec(
        name="panorama.render",
        section="render",
        libraries=(
            "numpy",
            "scipy",
            "opencv-python-headless",
            "pillow",
            "simplejpeg",
            "pyceres",
        ),
    )
)
def render_captures(warps: ArtifactRef, config: RenderConfig, ctx: StageContext) -> ArtifactRef:
    """Warp, blend and judge all captures of a group."""
    solved = ctx.store.read(warps, WarpSet)
    outcomes = ctx.items.map(render_one, solved.captures, config)
    captures, skipped = split(outcomes, config.max_skipped_fraction)
    ctx.tracker.log_metrics(_means(captures))
    for capture in captures:
        if capture.item_id not in ctx.items.made:
            continue
        name = f"{capture.item_id}/before_after.jpg"
        ctx.tracker.log_figure(ctx.store.fetch(capture.before_after), name)
    return ctx.store.write(
        RenderSet(
            captures=captures,
            skipped=(*solved.skipped, *skipped),
            settings=solved.settings | {"render": config_json(config)},
        )
    )


def render_one(item: WarpRecord, config: RenderConfig, folder: ItemFolder) -> RenderRecord:
    """Stitch one capture and write its pictures.

    Raises:
        PassingError: A photo is gone or has changed.
        DataError: Nothing can be stitched.
    """
    capture = item.capture
    found = _stitched(item, config, folder.fetch)
    figures = _figures(found, capture, folder.fetch)
    published_figures = _published_figures(found)
    warnings = (
        *found.decision.warnings,
        *_held_warnings(found, capture),
        *_masked_warnings(found),
        *_without(capture),
    )
    imprint = _imprint(capture, found)
    write_panorama(folder.path / "panorama.jpg", found, config.jpeg_quality, imprint)
    write_before(folder.path / "before.jpg", found, config.jpeg_quality, imprint)
    worst, photos = worst_seams(found), [image.name for image in capture.images]
    crops = worst_crops(found, worst, capture.item_id, photos, config.num_bands)
    together = before_after(found, capture.item_id, crops)
    worth = _judged(capture, found)
    quality = _quality(capture, found, worth, figures, published_figures, warnings)
    (folder.path / "quality.json").write_text(quality, encoding="utf-8")
    return RenderRecord(
        item_id=item.item_id,
        verdict=worth.verdict,
        doubts=worth.doubts,
        overlaps=worth.overlaps,
        published=found.decision.published,
        is_repaired=found.decision.is_repaired,
        reasons=found.decision.reasons,
        warnings=warnings,
        figures=figures,
        published_figures=published_figures,
        width_px=found.sources.panorama_width_px,
        panorama=folder.add("panorama.jpg"),
        before=folder.add("before.jpg"),
        before_after=folder.add_picture("before_after.jpg", together[..., ::-1]),
        crops=tuple(
            folder.add_picture(f"crop_{index}.jpg", crop[..., ::-1])
            for index, crop in enumerate(crops)
        ),
        quality=folder.add("quality.json"),
        flow=item.flow,
        view=sphere_view(found, photos, worst, folder),
        origin=capture.origin,
    )


def _stitched(item: WarpRecord, config: RenderConfig, fetch: Fetch) -> Restitched:
    solution = read_solution(item, fetch)
    try:
        images = read_images(item.capture, fetch)
    except ArtifactError as error:  # the user's own files, which may change at any time
        raise PassingError(f"{item.item_id}: {error}") from error
    return restitch(
        images,
        read_masks(item.capture, fetch),
        solution.ways,
        solution.photometry,
        solution.matches,
        item.settings,
        config,
    )


def _imprint(capture: CaptureRecord, found: Restitched) -> Imprint:
    facts = [image.facts for image in capture.images]
    rig = found.outlines[UNREPAIRED].alignment.rig
    return imprint_of(facts, rig, capture.forward_deg, capture.item_id)


def _without(capture: CaptureRecord) -> list[str]:
    """What of a capture is not in its panorama, but for what the doubts say, in sentences."""
    doubted = {photo.name for photo in capture.check.photos}
    left_out = [each for each in capture.left_out if each.name not in doubted]
    said = [f"{each.name} is left out: {each.reason}" for each in left_out[:_MAX_SAID]]
    rest = len(left_out) - len(said)
    return [*said, f"{rest} more are left out"] if rest else said


def _figures(
    found: Restitched, capture: CaptureRecord, fetch: Fetch
) -> dict[str, dict[str, float]]:
    """Figures of each way, and those against the truth where it is known."""
    figures = {way: dict(each.numbers) for way, each in found.outlines.items()}
    for way, assessment in found.assessments.items():
        figures[way] |= assessment.numbers
    folder = truth_folder(capture, fetch)
    if folder is not None and not capture.left_out:
        truth = load_truth(folder)
        if len(truth.rig.cameras) != len(capture.images):
            raise DataError(
                f"{folder}/truth: expected {len(capture.images)} cameras, like photos, found "
                f"{len(truth.rig.cameras)}; a real capture has no truth/: rename the folder"
            )
        for way, each in found.outlines.items():
            figures[way] |= true_misalignment(truth, each.alignment)
        for way, assessment in found.assessments.items():
            covered = assessment.labels != UNCOVERED
            figures[way] |= true_fidelity(truth, assessment.picture, covered)
    return figures


def _judged(capture: CaptureRecord, found: Restitched) -> Worth:
    """What the capture and its overlaps are worth as they are published."""
    similarities = found.assessments[found.decision.published].figures.overlaps
    worth = worth_of(capture.check, [image.name for image in capture.images], similarities)
    level = logging.INFO if worth.verdict == "good" else logging.WARNING
    for doubt in worth.doubts:
        _LOG.log(level, "%s: %s: %s", capture.item_id, worth.verdict, doubt)
    return worth


def _published_figures(found: Restitched) -> dict[str, float]:
    """Figures of the published picture, on its own seams."""
    own = seam_steps(found.panorama, found.labels)
    steps = {} if own is None else {"seam_step": own.ratio, "seam_step_worst": own.worst}
    return {**steps, "masked_pixels_published": found.masked_share}


def _held_warnings(found: Restitched, capture: CaptureRecord) -> list[str]:
    return [
        f"{capture.images[a].name} and {capture.images[b].name} are held as the calibration has "
        "them: their matches make them less alike"
        for a, b in found.outlines[found.decision.published].held
    ]


def _masked_warnings(found: Restitched) -> list[str]:
    if not found.masked_share:
        return []
    return [
        f"{found.masked_share:.2%} of the picture is masked in the photo that it comes from, for "
        "no other photo shows it"
    ]


def _quality(
    capture: CaptureRecord,
    found: Restitched,
    worth: Worth,
    figures: dict[str, dict[str, float]],
    published_figures: dict[str, float],
    warnings: Sequence[str],
) -> str:
    """Everything that is known of a result, as JSON."""
    decision = found.decision
    document = {
        "verdict": worth.verdict,
        "doubts": worth.doubts,
        "overlaps": [overlap.model_dump(mode="json") for overlap in worth.overlaps],
        "capture": capture.item_id,
        "num_images": len(capture.images),
        "left_out": {each.name: each.reason for each in capture.left_out},
        "published": decision.published,
        "is_repaired": decision.is_repaired,
        "reasons": decision.reasons,
        "warnings": warnings,
        "figures": figures,
        "published_figures": published_figures,
        "gains_bgr": np.round(found.sources.gains, 5).tolist(),
        "width_px": found.sources.panorama_width_px,
    }
    return json.dumps(document, indent=1, sort_keys=True) + "\n"


def _means(captures: Sequence[RenderRecord]) -> dict[str, float]:
    """Means over the captures, for the tracker."""
    means = {"repaired": float(np.mean([c.is_repaired for c in captures]))} if captures else {}
    for name in _FIGURES:
        for title, ways in (("before", [UNREPAIRED] * len(captures)), ("after", _ways(captures))):
            values = [
                capture.figures[way][name]
                for capture, way in zip(captures, ways, strict=True)
                if name in capture.figures[way]
            ]
            if values:
                means[f"{name}_{title}"] = float(np.mean(values))
    return means


def _ways(captures: Sequence[RenderRecord]) -> list[str]:
    return [capture.published for capture in captures]
