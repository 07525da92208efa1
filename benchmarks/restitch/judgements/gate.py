"""How often the gate decides as the truth would: on small captures, many of them spoiled.

Of each capture the gate sees the unrepaired stitch and a repair, the spline fields as the pipeline
fits them; where it refuses that one for overlaps that became less alike, also the second fit that
the pipeline then makes. Of half of the captures the repairs are spoiled in one of four ways, the
second as the first, so much that it hurts most of them. The truth is the sign of the gain in PSNR
to the ray-traced panorama, of the repair that is published or else the best one refused; gains
below 0.1 dB either way are left out.

- ``gate_accuracy``: mean of the shares of helpful repairs that are published and of harmful ones
  that are not, at the pipeline's settings, which were frozen on other seeds.
- ``gate_wrong_publishes``: harmful repairs that are published, with the Wilson interval of their
  number.
- ``gate_refused_good``: share of the helpful repairs that are not published.
- ``gate_spoiled_share``: share of harmful repairs among those that count.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from scipy.spatial.transform import Rotation

from benchmarks.parts import FOLDER, code_digest, kept
from benchmarks.restitch.judgements.small_captures import PANORAMA_WIDTH_PX, SEEDS, small_capture
from benchmarks.results_file import Figure
from tasks.panorama.algorithms.fit.align import align_images
from tasks.panorama.algorithms.fit.held_overlaps import hold_overlaps
from tasks.panorama.algorithms.fit.spline import SplineField
from tasks.panorama.algorithms.match.matching import match_images
from tasks.panorama.algorithms.place.source_maps import Maps
from tasks.panorama.algorithms.stitch.assess import Assessment, assess, outline
from tasks.panorama.algorithms.stitch.gate import Figures, OverlapError, objections
from tasks.panorama.algorithms.stitch.restitch import REFITTED, refitted
from tasks.panorama.algorithms.stitch.seams import UNCOVERED
from tasks.panorama.algorithms.stitch.stitch import Sources, maps_of, sources_of
from tasks.panorama.algorithms.stitch.verdict import Overlap
from tasks.panorama.camera.overlaps import overlapping_pairs
from tasks.panorama.config import GateConfig, RestitchConfig
from tasks.panorama.input.photos import read_photo
from tasks.panorama.input.rig_files.colmap import read_rig
from tasks.panorama.input.truth import load_truth
from tasks.panorama.metrics.misalignment import errors_px
from tasks.panorama.metrics.true_figures import true_fidelity
from tasks.panorama.types import UNREPAIRED, Alignment, Correspondences, Truth
from tasks.report.estimates import wilson

QUICK_SEEDS = SEEDS[:4]
SETTING_SEEDS = range(10_000, 12_400)  # of which the settings were frozen on some
_WITHIN_CHANCE_DB = 0.1
_NUM_BANDS = 4
_DRAWS = 0x6A7E  # tells these random draws from others of a seed


@dataclass(frozen=True)
class Repair:
    """One repair of a capture.

    Attributes:
        figures: What the gate sees of it.
        gain_db: PSNR to the ray-traced panorama, less the unrepaired stitch's.
    """

    figures: Figures
    gain_db: float


@dataclass(frozen=True)
class Trial:
    """What the gate saw of one capture, and the truth.

    Attributes:
        kind: How the repairs were spoiled; ``none`` where they were not.
        before: Figures of the unrepaired stitch.
        repairs: The first, and the second where there was one.
    """

    kind: str
    before: Figures
    repairs: tuple[Repair, ...]

    def published(self, config: GateConfig) -> Repair | None:
        """The repair that the gate lets pass, if any."""
        passed = (r for r in self.repairs if not objections(self.before, r.figures, config))
        return next(passed, None)


def measure(seeds: Sequence[int], folder: Path | None = None) -> dict[str, Figure]:
    """Measure the gate on captures; an interrupted run of the same code goes on."""
    folder = folder or FOLDER / "restitch" / "gate" / code_digest("restitch")
    trials = []
    for seed in seeds:
        trials.append(read_trial(kept(folder / f"{seed:05d}.json", partial(try_one, seed))))
        print(f"gate: {len(trials)} of {len(seeds)} captures", end="\r", flush=True)
    return figures(trials, RestitchConfig().render)


def figures(trials: Sequence[Trial], config: GateConfig) -> dict[str, Figure]:
    """Figures of recorded trials at some settings of the gate."""
    published = [trial.published(config) for trial in trials]
    gains_db = [
        max(each.gain_db for each in trial.repairs) if passed is None else passed.gain_db
        for trial, passed in zip(trials, published, strict=True)
    ]
    decided = list(zip(gains_db, [passed is not None for passed in published], strict=True))
    good = [is_published for gain_db, is_published in decided if gain_db >= _WITHIN_CHANCE_DB]
    bad = [is_published for gain_db, is_published in decided if gain_db <= -_WITHIN_CHANCE_DB]
    counted = len(good) + len(bad)
    refused, wrong = len(good) - sum(good), sum(bad)
    shares = [1 - refused / max(len(good), 1), 1 - wrong / max(len(bad), 1)]
    lows, highs = zip(
        interval(sum(good), len(good)), interval(len(bad) - wrong, len(bad)), strict=True
    )
    low, high = (len(bad) * end for end in interval(wrong, len(bad)))
    return {
        "gate_accuracy": Figure(
            value=float(np.mean(shares)),
            unit="",
            interval=(float(np.mean(lows)), float(np.mean(highs))),
        ),
        "gate_wrong_publishes": Figure(value=float(wrong), unit="", interval=(low, high)),
        "gate_refused_good": Figure(
            value=refused / max(len(good), 1), unit="", interval=interval(refused, len(good))
        ),
        "gate_spoiled_share": Figure(value=len(bad) / max(counted, 1), unit="", interval=None),
        "gate_captures": Figure(value=float(counted), unit="", interval=None),
    }


def interval(number: int, of: int) -> tuple[float, float]:
    """95 % interval of a share; all that a share can be where nothing was counted."""
    return wilson(number, of) if of else (0.0, 1.0)


def try_one(seed: int) -> dict[str, Any]:
    """Repair the capture of a seed, spoil the repairs of every other, and measure all pictures."""
    cv2.setNumThreads(1)
    folder, config = small_capture(seed), RestitchConfig()
    rig, truth = read_rig(folder / "sparse"), load_truth(folder)
    images = [read_photo(folder / "images" / f"{c.name}.jpg") for c in rig.cameras]
    none = [None] * len(images)
    pairs = overlapping_pairs(rig, config.match.min_overlap)
    matches = match_images(images, none, rig, pairs, config.match)
    spoil = partial(_spoiled, kind=kind_of(seed), seed=seed)
    if kind_of(seed) == "misled":
        matches = _misled(matches, np.random.default_rng([seed, _DRAWS]))
    fitted = align_images(matches, rig, config.solve)
    nominal = maps_of(fitted.nominal, PANORAMA_WIDTH_PX)
    sources = sources_of(images, none, rig, fitted.photometry, nominal)
    stitched = partial(_stitched, sources, fitted.nominal, nominal)
    before = stitched(UNREPAIRED, fitted.nominal, matches)
    repairs = [stitched("warped", spoil(fitted.warped), matches)]
    judged = (before.figures, repairs[0].figures)
    again = refitted(matches, rig, config.solve, config.render, *judged)
    if again is not None:
        rest = hold_overlaps(matches, again.held, rig)
        repairs.append(stitched(REFITTED, spoil(again.alignment), rest))
    before_db = _psnr_db(truth, before)
    return {
        "kind": kind_of(seed),
        "before": as_json(before.figures),
        "repairs": [[as_json(r.figures), _psnr_db(truth, r) - before_db] for r in repairs],
    }


def _stitched(
    sources: Sources,
    unrepaired: Alignment,
    nominal: Maps,
    name: str,
    way: Alignment,
    matches: Correspondences,
) -> Assessment:
    held_out = matches.select(matches.held_out)
    outlined = outline(name, way, held_out, errors_px(unrepaired, held_out))
    return assess(outlined, sources, maps_of(way, PANORAMA_WIDTH_PX), nominal, _NUM_BANDS)


def read_trial(found: Mapping[str, Any]) -> Trial:
    """A trial as `try_one` keeps it."""
    repairs = tuple(Repair(_from_json(figures), gain_db) for figures, gain_db in found["repairs"])
    return Trial(found["kind"], _from_json(found["before"]), repairs)


def _psnr_db(truth: Truth, way: Assessment) -> float:
    return true_fidelity(truth, way.picture, way.labels != UNCOVERED)["psnr_db"]


def as_json(found: Figures) -> dict[str, Any]:
    """Figures as JSON, which `read_trial` reads."""
    by_pair = {
        name: [[*pair, *asdict(each).values()] for pair, each in getattr(found, name).items()]
        for name in ("held_out", "overlaps")
    }
    return {**asdict(found), **by_pair}


def _from_json(found: Mapping[str, Any]) -> Figures:
    held_out = {(a, b): OverlapError(*error) for a, b, *error in found["held_out"]}
    overlaps = {(a, b): Overlap(*each) for a, b, *each in found["overlaps"]}
    return Figures(**{**found, "held_out": held_out, "overlaps": overlaps})


def kind_of(seed: int) -> str:
    """How the repair of a seed is spoiled: even ones not at all, others in the ways in turn."""
    return "none" if seed % 2 == 0 else _KINDS[seed // 2 % len(_KINDS)]


def _spoiled(way: Alignment, kind: str, seed: int) -> Alignment:
    """A repair as it is offered: that of one seed is always spoiled alike."""
    if kind not in _SPOILERS:
        return way
    return _SPOILERS[kind](way, np.random.default_rng([seed, _DRAWS]))


def _turned(way: Alignment, rng: np.random.Generator) -> Alignment:
    """Each camera turns by 1.5 to 5 degrees."""
    cameras = []
    for camera in way.rig.cameras:
        turn = rng.normal(size=3)
        turn *= np.radians(rng.uniform(1.5, 5.0)) / np.linalg.norm(turn)
        rotation = Rotation.from_rotvec(turn).as_matrix() @ camera.camera_from_rig
        cameras.append(replace(camera, camera_from_rig=rotation))
    return Alignment(replace(way.rig, cameras=tuple(cameras)), way.fields)


def _zoomed(way: Alignment, rng: np.random.Generator) -> Alignment:
    """All focal lengths are off by 5 to 15 %."""
    factor = 1 + rng.choice([-1, 1]) * np.exp(rng.uniform(np.log(0.05), np.log(0.15)))
    cameras = [
        replace(c, params=(c.params[0] * factor, c.params[1] * factor, *c.params[2:]))
        for c in way.rig.cameras
    ]
    return Alignment(replace(way.rig, cameras=tuple(cameras)), way.fields)


def _wavy(way: Alignment, rng: np.random.Generator) -> Alignment:
    """Each field gets bumps of 4 to 12 px."""
    height_px = float(np.exp(rng.uniform(np.log(4.0), np.log(12.0))))
    fields = [
        replace(f, control_px=f.control_px + height_px * rng.normal(size=f.control_px.shape))
        if isinstance(f, SplineField)
        else f
        for f in way.fields
    ]
    return Alignment(way.rig, tuple(fields))


def _misled(matches: Correspondences, rng: np.random.Generator) -> Correspondences:
    """All matches of one overlap are off by one vector of 8 to 24 px, as by a pattern."""
    pairs = np.unique(np.column_stack([matches.image_a, matches.image_b]), axis=0)
    a, b = pairs[int(rng.integers(len(pairs)))]
    angle, length_px = rng.uniform(0, 2 * np.pi), np.exp(rng.uniform(np.log(8), np.log(24)))
    off = (matches.image_a == a) & (matches.image_b == b)
    vector_px = length_px * np.array([np.cos(angle), np.sin(angle)])
    return replace(matches, points_b_px=matches.points_b_px + np.outer(off, vector_px))


_SPOILERS: dict[str, Callable[[Alignment, np.random.Generator], Alignment]] = {
    "turned": _turned,
    "zoomed": _zoomed,
    "wavy": _wavy,
}
_KINDS = (*_SPOILERS, "misled")
