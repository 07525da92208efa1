"""Ours beside Hugin's chain and OpenCV's Stitcher, on the same photos in the same run.

Simulated streets come with a calibration, which ours and Hugin start from; real sets come
without. Every capture is kept once it was compared, so that an interrupted run goes on.

- ``cpu_ratio_X``: X's CPU seconds over ours, simulated streets; ``peak_gb_X``: its memory.
- ``ssim_gain_X``: structural similarity to the ray-traced panorama, non-sky, covered by both,
  ours less X's, each turned to it by the one rotation that fits best.
- ``misalignment_hugin_px``: see ``misalignment_mean_px``.
- ``flat_step_grey``, ``flat_step_grey_hugin``: mean over captures of the luma step across seams
  where both photos are flat (`measure_flat_step`), streets and real sets on which at least
  200 such places were found for both.
- ``flat_sharpness``: least sharpness beside our seams on them.
- ``real_held_out_ratio_hugin``: held-out error of Hugin's cameras over that of ours, geometric
  mean over the real sets on which Hugin's chain ended.
- ``real_failed_X``: real sets on which X gave no panorama of all photos.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from benchmarks.own_process import OwnProcess
from benchmarks.parts import FOLDER, code_digest, kept
from benchmarks.restitch.peers.facing import facing
from benchmarks.restitch.peers.figures import PEERS, Found, figures
from benchmarks.restitch.peers.hugin import (
    CLIPPED_GREY,
    DARK_GREY,
    PeerFailedError,
    read_hugin,
    run_hugin,
)
from benchmarks.restitch.peers.opencv_stitcher import read_stitched, run_stitcher
from benchmarks.restitch.pipeline import PipelineCost, copy_bare, measure
from benchmarks.results_file import Figure
from operators.stage.local import LocalRun
from tasks.core.errors import DataError
from tasks.panorama.algorithms.place.canvas import Box
from tasks.panorama.algorithms.place.source_maps import border_distance, focal_of
from tasks.panorama.algorithms.place.warp import prefiltered, warp
from tasks.panorama.algorithms.stitch.assess import signed
from tasks.panorama.algorithms.stitch.flat_step import Layer, measure_flat_step
from tasks.panorama.algorithms.stitch.restitch import Restitched, restitch
from tasks.panorama.algorithms.stitch.seams import UNCOVERED
from tasks.panorama.algorithms.stitch.stitch import stitch
from tasks.panorama.config import RenderConfig
from tasks.panorama.input.truth import load_truth
from tasks.panorama.kept_files import Solution, read_images, read_masks, read_solution
from tasks.panorama.manifests import WarpSet
from tasks.panorama.metrics.misalignment import errors_px, measure_misalignment
from tasks.panorama.metrics.seam_step import luma_of, measure_seam_steps, seam_sharpness
from tasks.panorama.metrics.similarity import similarity_within
from tasks.panorama.types import (
    UNREPAIRED,
    Alignment,
    BoolArray,
    ByteImage,
    Float32Array,
    IntArray,
    Rig,
)

_LOST_SHARE = 0.05  # of a pixel's weight that may come from where a photo holds no detail
_ENDINGS = (".jpg", ".png")


def measure_peers(
    streets: Sequence[Path], real: Sequence[Path], folder: Path | None = None
) -> dict[str, Figure]:
    """Compare on simulated streets and on real sets; what each gave is printed.

    Args:
        streets: Folders of simulated captures, with truth.
        real: Folders of photos.
        folder: Where each capture's comparison is kept.
    """
    folder = folder or FOLDER / "restitch" / "peers" / code_digest("restitch")
    found: dict[str, list[Found]] = {"streets": [], "real": []}
    for kind, sources in (("streets", streets), ("real", real)):
        for source in sources:
            one = kept(folder / f"{source.name}.json", partial(compare, source))
            print(f"{source.name}: {_said(one)}", flush=True)
            found[kind].append(one)
    return figures(found["streets"], found["real"])


def compare(source: Path) -> dict[str, Any]:
    """Stitch the photos of a capture in all ways: figures of each, or why it failed."""
    with tempfile.TemporaryDirectory(prefix="orrery-peers-") as scratch:
        return _Comparison(source, Path(scratch)).run()


class _Comparison:
    """One capture, its stitches and its truth."""

    def __init__(self, source: Path, scratch: Path) -> None:
        bare = copy_bare(source, scratch / "captures" / source.name)
        self._scratch = scratch
        self._truth = load_truth(source) if (source / "truth").is_dir() else None
        width_px = 0
        if self._truth is not None and self._truth.panorama is not None:
            width_px = self._truth.panorama.shape[1]
        store = scratch / "store"
        store.mkdir()
        self._cost = measure(bare.parent, store, width_px)
        self._ours, self._solution, self._images = _stitched(self._cost, width_px)
        photos = {p.stem: p for p in sorted(bare.rglob("*")) if p.suffix.lower() in _ENDINGS}
        self._photos = [photos[name] for name in _names(self._rig)]

    def run(self) -> dict[str, Any]:
        ours = {
            "cpu_s": self._cost.cpu_s,
            "peak_gb": self._cost.peak_gb,
            "published": self._ours.decision.published,
            "sharpness": _sharpness(self._ours),
            **_light(self._ours.panorama, signed(self._ours.labels), self._layer),
            **self._placement(self._ours.outlines[self._ours.decision.published].alignment),
        }
        found: dict[str, Any] = {"ours": ours, "num_photos": len(self._photos)}
        for name, way in (("hugin", self._hugin), ("opencv", self._opencv)):
            folder = self._scratch / name
            folder.mkdir()
            try:
                found[name] = way(folder)
            except PeerFailedError as error:
                found[name] = {"failed": str(error)}
            shutil.rmtree(folder)
        return found

    @property
    def _rig(self) -> Rig:
        return self._solution.ways[UNREPAIRED].rig

    def _hugin(self, folder: Path) -> dict[str, Any]:
        rig = None if self._truth is None else self._rig
        width_px = self._ours.sources.panorama_width_px
        with OwnProcess() as process:
            timed = process.call(run_hugin, self._photos, rig, width_px, folder)
        made = read_hugin(folder)
        none = (None,) * len(made.rig.cameras)
        return {
            "cpu_s": timed.cpu_s,
            "peak_gb": timed.value,
            "num_used": len(made.rig.cameras),
            **_light(made.picture, made.labels, made.layer),
            **self._placement(Alignment(_in_order(made.rig, _names(self._rig)), none)),
            **self._fidelity(made.picture, made.labels >= 0),
        }

    def _opencv(self, folder: Path) -> dict[str, Any]:
        with OwnProcess() as process:
            timed = process.call(run_stitcher, self._photos, folder)
        peak_gb, num_used = timed.value
        picture, covered = read_stitched(folder, self._ours.sources.panorama_width_px)
        return {
            "cpu_s": timed.cpu_s,
            "peak_gb": peak_gb,
            "num_used": num_used,
            **self._fidelity(picture, covered),
        }

    def _placement(self, alignment: Alignment) -> dict[str, float]:
        """How far apart an alignment puts what two photos show."""
        matches = self._solution.matches
        held_out = matches.select(matches.held_out)
        found = {"held_out_px": float(errors_px(alignment, held_out).mean())}
        if self._truth is not None:
            points = self._truth.points
            found["misalignment_px"] = measure_misalignment(
                alignment, points, ~points.is_sky
            ).mean_px
        return found

    def _fidelity(self, picture: ByteImage, covered: BoolArray) -> dict[str, float]:
        """Similarity of a peer's panorama and of ours to the true one, where both show it."""
        truth = self._truth
        if truth is None or truth.panorama is None or truth.panorama_is_sky is None:
            return {}
        theirs = facing(picture, covered, truth.panorama)
        ours = facing(self._ours.panorama, self._ours.labels != UNCOVERED, truth.panorama)
        counted = theirs[1] & ours[1] & ~truth.panorama_is_sky
        return {
            "ssim": _similarity(theirs[0], truth.panorama, counted),
            "ssim_ours": _similarity(ours[0], truth.panorama, counted),
            "counted_share": float(counted.mean()),
        }

    def _layer(self, image: int, box: Box) -> tuple[Float32Array, BoolArray]:
        """One of our photos at the pixels of a box; see `measure_flat_step`."""
        pixels, found = self._images[image], self._ours.maps[image]
        if found is None:
            raise ValueError(f"image {image} covers nothing")
        lost = (pixels.max(axis=2) >= CLIPPED_GREY) | (pixels.min(axis=2) <= DARK_GREY)
        focal_px = focal_of(self._rig.cameras[image])
        width_px = self._ours.sources.panorama_width_px
        lost_here = warp(prefiltered(lost.astype(np.float32), focal_px, width_px), found, box)
        shown = (border_distance(found, box) > 0) & (lost_here < _LOST_SHARE)
        return warp(self._ours.sources.colours[image], found, box), np.asarray(shown, np.bool_)


def _stitched(
    cost: PipelineCost, width_px: int
) -> tuple[Restitched, Solution, Sequence[ByteImage]]:
    """What the pipeline published of a store's only capture, with its layers."""
    run = LocalRun(Path(cost.store))
    (record,) = run.read(cost.warps, WarpSet).captures
    solution = read_solution(record, run.fetch)
    images = read_images(record.capture, run.fetch)
    found = restitch(
        images,
        read_masks(record.capture, run.fetch),
        solution.ways,
        solution.photometry,
        solution.matches,
        record.settings,
        RenderConfig(width_px=width_px),
    )
    return found, solution, images


def _names(rig: Rig) -> list[str]:
    """File names of a rig's photos, without folder and ending."""
    return [PurePosixPath(camera.name).name for camera in rig.cameras]


def _in_order(rig: Rig, names: Sequence[str]) -> Rig:
    cameras = {camera.name: camera for camera in rig.cameras}
    return Rig(tuple(cameras[name] for name in names))


def _light(picture: ByteImage, labels: IntArray, layer: Layer) -> dict[str, Any]:
    """Steps across the seams of a picture, flat ones apart."""
    flat = measure_flat_step(picture, labels, layer)
    found: dict[str, Any] = {"flat_places": flat.num_points, "seam_step": None}
    if flat.num_points:
        found["flat_step"] = flat.mean_grey
    with contextlib.suppress(DataError):  # no seam
        found["seam_step"] = measure_seam_steps(picture, labels).ratio
    return found


def _sharpness(ours: Restitched) -> float | None:
    """Sharpness beside the seams; None without any."""
    hard = stitch(ours.sources, ours.maps, ours.labels, 0)
    try:
        return seam_sharpness(ours.panorama, hard, signed(ours.labels))
    except DataError:
        return None


def _similarity(picture: ByteImage, truth: ByteImage, counted: BoolArray) -> float:
    return similarity_within(luma_of(truth), luma_of(picture), counted)[0]


def _said(found: Found) -> str:
    """One line a way."""
    lines = []
    for name in ("ours", *PEERS):
        values = found[name]
        shown = [
            f"{key} {value:.3g}" if isinstance(value, float) else f"{key} {value}"
            for key, value in values.items()
        ]
        lines.append(f"\n  {name}: {', '.join(shown)}")
    return f"{found['num_photos']} photos{''.join(lines)}"
