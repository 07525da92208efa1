"""How often the verdict on a capture is right: on small captures, half of them faulty.

Sound captures have the errors of calibration, timing and light that every rig has, and parallax;
each fifth comes without a rig. Faults are of six kinds (`faults`). All stages run. What can't be
stitched at all counts as rejected.

- ``verdict_false_good``: share of the faulty captures that are judged ``good``.
- ``verdict_false_rejected``: share of the sound ones that are judged ``rejected``.
- ``verdict_suspect_faulty``, ``verdict_suspect_sound``: share of either that is ``suspect``.

Intervals are Wilson's. Thresholds were set on captures of other seeds (`SETTING_SEEDS`).
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks.parts import FOLDER, code_digest, kept
from benchmarks.restitch.judgements.faults import FAULTS
from benchmarks.restitch.judgements.gate import interval
from benchmarks.restitch.judgements.small_captures import PANORAMA_WIDTH_PX, SEEDS, small_capture
from benchmarks.results_file import Figure
from operators.stage.local import LocalRun
from tasks.core.errors import DataError
from tasks.panorama.config import IngestConfig, MatchConfig, RenderConfig, SolveConfig
from tasks.panorama.manifests import RenderSet
from tasks.panorama.stages.ingest import ingest_captures
from tasks.panorama.stages.match import match_captures
from tasks.panorama.stages.render import render_captures
from tasks.panorama.stages.solve import solve_captures

QUICK_SEEDS = SEEDS[:4]
SETTING_SEEDS = range(10_000, 10_060)
_WITHOUT_RIG = 5  # each fifth of the sound captures
SOUND = "sound"


@dataclass(frozen=True)
class Judged:
    """One capture.

    Attributes:
        kind: Its fault; ``sound`` for none.
        verdict: ``good``, ``suspect`` or ``rejected``.
        doubts: Why.
    """

    kind: str
    verdict: str
    doubts: tuple[str, ...]


def measure(seeds: Sequence[int], folder: Path | None = None) -> dict[str, Figure]:
    """Judge the captures of some seeds; an interrupted run of the same code goes on."""
    folder = folder or FOLDER / "restitch" / "verdicts" / code_digest("restitch")
    judged = []
    for seed in seeds:
        found = kept(folder / f"{seed:05d}.json", partial(judge_one, seed))
        judged.append(Judged(found["kind"], found["verdict"], tuple(found["doubts"])))
        print(f"verdicts: {len(judged)} of {len(seeds)} captures", end="\r", flush=True)
    return figures(judged)


def figures(judged: Sequence[Judged]) -> dict[str, Figure]:
    """Figures of captures that were judged."""
    sound = [each.verdict for each in judged if each.kind == SOUND]
    faulty = [each.verdict for each in judged if each.kind != SOUND]
    shares = {
        "verdict_false_good": (faulty, "good"),
        "verdict_false_rejected": (sound, "rejected"),
        "verdict_suspect_faulty": (faulty, "suspect"),
        "verdict_suspect_sound": (sound, "suspect"),
    }
    found = {
        name: Figure(
            value=verdicts.count(wanted) / max(len(verdicts), 1),
            unit="",
            interval=interval(verdicts.count(wanted), len(verdicts)),
        )
        for name, (verdicts, wanted) in shares.items()
    }
    return found | {"verdict_captures": Figure(value=float(len(judged)), unit="", interval=None)}


def kind_of(seed: int) -> str:
    """Fault of the capture of a seed: none for even ones, the six in turn for the others."""
    return SOUND if seed % 2 == 0 else list(FAULTS)[seed // 2 % len(FAULTS)]


def judge_one(seed: int) -> dict[str, Any]:
    """Spoil the capture of a seed as its kind says, stitch it and say what it is worth."""
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory(prefix="orrery-bench-") as scratch:
        folder = Path(scratch) / "captures" / "one"
        shutil.copytree(small_capture(seed), folder, ignore=shutil.ignore_patterns("truth"))
        kind = kind_of(seed)
        if kind != SOUND:
            other = small_capture(seed - 1)
            FAULTS[kind](folder, other, np.random.default_rng([seed, 0xFA17]))
        elif seed // 2 % _WITHOUT_RIG == 0:
            shutil.rmtree(folder / "sparse")
        try:
            verdict, doubts = _judged(folder.parent, Path(scratch) / "store")
        except DataError as error:
            verdict, doubts = "rejected", [str(error).replace(scratch, "")]
    return {"kind": kind, "verdict": verdict, "doubts": doubts}


def _judged(captures: Path, store: Path) -> tuple[str, list[str]]:
    run = LocalRun(store)
    (group,) = run.run(ingest_captures, config=IngestConfig(captures=str(captures)))
    matches = run.run(match_captures, group, config=MatchConfig())
    fields = run.run(solve_captures, matches, config=SolveConfig())
    config = RenderConfig(width_px=PANORAMA_WIDTH_PX)
    (capture,) = run.read(run.run(render_captures, fields, config=config), RenderSet).captures
    quality = json.loads(run.fetch(capture.quality).read_text("utf-8"))
    return quality["verdict"], quality["doubts"]
