"""Second stage: dense matches between all overlapping images of each capture."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np

from tasks.core.config import config_json
from tasks.core.errors import ArtifactError, PassingError
from tasks.core.outcomes import split
from tasks.core.ports import ItemFolder, StageContext
from tasks.core.records import ArtifactRef, FileRef
from tasks.core.stages import StageSpec, stage
from tasks.panorama.algorithms.match.matching import MatchedPair, joined, match_pairs
from tasks.panorama.camera.overlaps import overlapping_pairs
from tasks.panorama.config import MatchConfig
from tasks.panorama.kept_files import read_images, read_masks, read_rig, write_correspondences
from tasks.panorama.manifests import (
    CaptureRecord,
    CaptureSet,
    MatchRecord,
    MatchSet,
)
from tasks.panorama.pictures.flow_picture import flow_picture
from tasks.panorama.types import Correspondences

_LOG = logging.getLogger(__name__)
_MATCH_FILE, _FLOW_FILE = "correspondences.parquet", "flow.jpg"
_NUM_PICTURED = 3


@stage(
    StageSpec(
        name="panorama.match",
        section="match",
        libraries=("numpy", "opencv-python-headless", "pillow", "pyarrow", "simplejpeg"),
    )
)
def match_captures(captures: ArtifactRef, config: MatchConfig, ctx: StageContext) -> ArtifactRef:
    """Match all captures of a group."""
    found = ctx.store.read(captures, CaptureSet)
    outcomes = ctx.items.map(match_one, found.captures, config)
    matched, skipped = split(outcomes, config.max_skipped_fraction)
    for name in matched[0].figures if matched else ():
        mean = float(np.mean([record.figures[name] for record in matched]))
        ctx.tracker.log_metrics({f"mean_{name}": mean})
    for record in matched:
        if record.flow is not None and record.item_id in ctx.items.made:
            ctx.tracker.log_figure(ctx.store.fetch(record.flow), f"{record.item_id}/flow.jpg")
    return ctx.store.write(
        MatchSet(
            captures=matched,
            skipped=(*found.skipped, *skipped),
            settings=found.settings | {"match": config_json(config)},
        )
    )


def match_one(item: CaptureRecord, config: MatchConfig, folder: ItemFolder) -> MatchRecord:
    """Match one capture.

    A capture whose overlaps have nothing to hold on to is still passed on: it can be stitched
    as it is.

    Raises:
        PassingError: A photo is gone or has changed.
        DataError: It can't be read.
    """
    rig = read_rig(item, folder.fetch)
    masks = read_masks(item, folder.fetch)
    try:
        images = read_images(item, folder.fetch)
    except ArtifactError as error:  # the user's own files, which may change at any time
        raise PassingError(f"{item.item_id}: {error}") from error
    pairs = overlapping_pairs(rig, config.min_overlap)
    parts: list[Correspondences] = []
    pictured: list[MatchedPair] = []
    for found in match_pairs(images, masks, rig, pairs, config):
        parts.append(found.matches)
        pictured = _strongest([*pictured, found])
    matches = joined(parts)
    if not len(matches):
        _LOG.warning("%s: no overlap has structure to hold on to", item.item_id)
    write_correspondences(folder.path / _MATCH_FILE, matches)
    return MatchRecord(
        item_id=item.item_id,
        capture=item,
        correspondences=folder.add(_MATCH_FILE),
        flow=_draw_flow(pictured, folder) if pictured else None,
        figures={
            "num_matches": float(len(matches)),
            "num_held_out": float(matches.held_out.sum()),
            "num_overlaps": float(len(pairs)),
            "num_overlaps_without_matches": float(len(pairs) - sum(map(bool, parts))),
        },
    )


def _draw_flow(pictured: Sequence[MatchedPair], folder: ItemFolder) -> FileRef:
    picture = flow_picture([found.flow for found in pictured])
    return folder.add_picture(_FLOW_FILE, picture[..., ::-1])


def _strongest(found: Sequence[MatchedPair]) -> list[MatchedPair]:
    """The overlaps with most matches; the others' flow is let go at once, for memory."""
    ranked = sorted(found, key=lambda pair: (-len(pair.matches), pair.pair))
    return ranked[:_NUM_PICTURED]
