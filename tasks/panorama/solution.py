"""A capture's fits on disk: what the solve stage writes and later stages read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tasks.core.errors import ArtifactError
from tasks.panorama.capture_files import Fetch, read_rig
from tasks.panorama.correspondence_file import read_correspondences
from tasks.panorama.field_file import read_fields
from tasks.panorama.manifests import WarpRecord
from tasks.panorama.rig_files.rig_json import read_rig_json
from tasks.panorama.types import Alignment, Correspondences, Photometry

UNREPAIRED, RECALIBRATED, WARPED, KERNEL = "unrepaired", "recalibrated", "warped", "kernel"


@dataclass(frozen=True)
class Solution:
    """What is known about a capture once it is solved.

    Attributes:
        ways: Alignments by name: as it was given, recalibrated, and warped.
        baselines: Further ones that serve only to compare; empty unless asked for.
        photometry: Gains and falloff.
        held_out: Matches that no fit has seen.
    """

    ways: Mapping[str, Alignment]
    baselines: Mapping[str, Alignment]
    photometry: Photometry
    held_out: Correspondences


def read_solution(record: WarpRecord, fetch: Fetch) -> Solution:
    """Read a capture's fits.

    Args:
        record: What the solve stage wrote.
        fetch: Gives a local path of a file: ``folder.fetch`` or ``ctx.store.fetch``.

    Raises:
        ArtifactError: A file is missing or damaged.
    """
    nominal = read_rig(record.capture, fetch)
    refined = read_rig_json(fetch(record.rig))
    none = (None,) * len(nominal.cameras)
    ways = {
        UNREPAIRED: Alignment(nominal, none),
        RECALIBRATED: Alignment(refined, none),
        WARPED: Alignment(refined, read_fields(fetch(record.fields))),
    }
    baselines = {}
    if record.baseline_fields is not None:
        baselines[KERNEL] = Alignment(refined, read_fields(fetch(record.baseline_fields)))
    matches = read_correspondences(fetch(record.correspondences))
    return Solution(
        ways=ways,
        baselines=baselines,
        photometry=read_photometry(fetch(record.photometry)),
        held_out=matches.select(matches.held_out),
    )


def write_photometry(path: Path, photometry: Photometry) -> None:
    """Write gains and falloff as JSON."""
    content = {
        "gains_bgr": photometry.gains.tolist(),
        "vignetting_k2_k4": list(photometry.vignetting),
    }
    path.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def read_photometry(path: Path) -> Photometry:
    """Read what `write_photometry` wrote.

    Raises:
        ArtifactError: The file holds no photometry.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        k2, k4 = (float(value) for value in content["vignetting_k2_k4"])
        gains = np.array(content["gains_bgr"], np.float64).reshape(-1, 3)
        return Photometry(gains, (k2, k4))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ArtifactError(
            f"{path}: expected gains and falloff written by this program: {error}."
        ) from error
