"""Measures restitching: accuracy on simulated streets, cost, real photos, the demo, judgements.

    python -m benchmarks.restitch [--quick] [--parts gate,…]

Real photos lie in ``$ORRERY_TEST_DATA`` (``../shared/data``). Values are means over the seeds,
intervals the range from the least to the greatest seed.
Every way to align a capture gets the same matches, photometric correction, seams and blend;
the kernel baseline's width and rig are those with least misalignment on a validation seed.
What is measured:

- ``misalignment_*``, ``nominal_mean_px``: angle between the directions that two photos give one
  surface point, non-sky, from true depth, in px of a panorama 4096 wide.
- ``bending_ratio_kernel``: mean squared second derivatives of the warps, kernel's over ours.
- ``gain_error_rms``: relative error of the estimated gains.
- ``seam_step_blended``: luma step across the fixed seams over that beside them; 1: invisible.
- ``psnr_gain_*_db``: PSNR to the ray-traced panorama, ours less theirs.
- ``cpu_s_per_panorama``, ``peak_gb``: a serial run of all stages, start-up apart. The bound on
  it is `RESTITCH_BOUND_MULTIPLE` times the reference kernel that is timed in the same run.
- ``small_capture_overhead``, ``speedup_2_workers``: see the modules `overhead` and `speedup`.
- ``rescan_10k_*``: a night without news over 10,000 known captures; `benchmarks.restitch.rescan`.
- ``real_sets_*``: see the module `real_sets`.
- ``demo_s``: ``make demo`` from its first line to its last, installed.
- ``masked_*``, ``gate_*``, ``verdict_*``: see the modules `masked`, `gate` and `verdicts`.
- ``*_hugin``, ``*_opencv``, ``flat_*``: see `benchmarks.restitch.peers.comparison`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import cv2

from benchmarks import speedup
from benchmarks.bounds import Bounds
from benchmarks.command import Benchmark, Measure, run
from benchmarks.restitch import overhead, real_sets
from benchmarks.restitch import speedup as restitch_speedup
from benchmarks.restitch.judgements import gate, masked, verdicts
from benchmarks.restitch.judgements.small_captures import SEEDS
from benchmarks.restitch.methods import (
    Case,
    KernelChoice,
    Scores,
    align_all,
    choose_kernel,
    gain_error,
    load_case,
    psnr_gains_db,
    score_all,
    spread,
)
from benchmarks.restitch.peers.comparison import measure_peers
from benchmarks.restitch.peers.hugin import is_there
from benchmarks.restitch.pipeline import PipelineCost, copy_bare, measure
from benchmarks.restitch.reference_kernel import RESTITCH_BOUND_MULTIPLE
from benchmarks.restitch.rescan import NUM_CAPTURES, NUM_QUICK, rescan
from benchmarks.results_file import RESULTS_DIR, Figure
from operators.installation import ROOT
from tasks.panorama.config import RestitchConfig
from tasks.panorama.simulation.capture import simulate_capture
from tasks.panorama.simulation.config import SimulationConfig

NAME = "restitch"
FULL_SEEDS, QUICK_SEEDS = (0, 1, 2), (0,)
DATA = Path(os.environ.get("ORRERY_TEST_DATA", ROOT.parent / "shared" / "data")) / "panorama"
CAPTURES = ROOT / "artifacts" / "bench" / "captures"
VALIDATION_SEED = 100
NUM_BANDS = RestitchConfig().render.num_bands

# What must hold: least and greatest allowed value of a figure (every seed where it says so).
BOUNDS: Bounds = {
    "misalignment_mean_px": (0.0, 0.41),
    "misalignment_p95_px": (0.0, 1.65),
    "bending_ratio_kernel": (30.0, float("inf")),
    "gain_error_rms": (0.0, 0.01),
    "seam_step_blended": (0.0, 1.20),
    "sharpness": (0.95, float("inf")),
    "psnr_gain_unrepaired_db": (0.0, float("inf")),
    "cpu_multiple_of_reference": (0.0, RESTITCH_BOUND_MULTIPLE),
    "peak_gb": (0.0, 1.0),
    "small_capture_overhead": (-1.0, 0.05),
    "speedup_2_workers": (1.8, float("inf")),
    "rescan_10k_cpu_s": (0.0, 180.0),
    "rescan_10k_growth_mb": (0.0, 1.0),
    "real_sets_better": (12.0, float("inf")),
    "demo_s": (0.0, 240.0),
    "masked_pixels_published": (0.0, 0.0),
    "masked_pixels_elsewhere": (0.0, 0.0),
    "gate_accuracy": (0.98, 1.0),
    "gate_wrong_publishes": (0.0, 0.0),
    "gate_spoiled_share": (0.3, 0.5),
    "gate_captures": (300.0, float("inf")),
    "verdict_false_good": (0.0, 0.02),
    "verdict_false_rejected": (0.0, 0.02),
    "verdict_suspect_sound": (0.0, 0.1),
    "verdict_suspect_faulty": (0.0, 0.3),
    "verdict_captures": (300.0, float("inf")),
    "flat_step_grey": (0.0, 1.5),
    "flat_sharpness": (0.95, float("inf")),
    "ssim_gain_hugin": (0.0, float("inf")),
    "ssim_gain_opencv": (0.0, float("inf")),
}
# Their value is judged; of the others the whole interval must hold.
BY_VALUE = (
    "misalignment_mean_px",
    "misalignment_p95_px",
    "small_capture_overhead",
    "speedup_2_workers",
    "gate_accuracy",
    "gate_wrong_publishes",
    "verdict_false_good",
    "verdict_false_rejected",
    "verdict_suspect_sound",
    "verdict_suspect_faulty",
    "flat_step_grey",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; exit code 1 where a bound does not hold."""
    cv2.setNumThreads(1)
    benchmark = Benchmark(
        name=NAME,
        description=__doc__ or "",
        parts=PARTS,
        seeds=FULL_SEEDS,
        bounds=BOUNDS,
        quick_bounds=_QUICK_BOUNDS,
        by_value=BY_VALUE,
        earlier=EARLIER,
    )
    return run(benchmark, arguments)


def _settings(seed: int, *, quick: bool) -> SimulationConfig:
    width_px, height_px, panorama_width_px = (384, 512, 2048) if quick else (768, 1024, 4096)
    return SimulationConfig(
        seed=seed,
        width_px=width_px,
        height_px=height_px,
        panorama_width_px=panorama_width_px,
        depth_maps=False,
    )


def _capture(seed: int, *, quick: bool) -> Path:
    """Folder of a simulated street, made once."""
    folder = CAPTURES / f"street-{seed:04d}{'-small' if quick else ''}"
    if not folder.is_dir():
        print(f"simulating {folder.name}", flush=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        simulate_capture(folder, _settings(seed, quick=quick))
    return folder


def _accuracy(quick: bool) -> dict[str, Figure]:
    seeds = QUICK_SEEDS if quick else FULL_SEEDS
    config = RestitchConfig()
    validation = load_case(_capture(VALIDATION_SEED, quick=quick), config)
    choice = choose_kernel(validation)
    rig = "recalibrated" if choice.on_recalibrated else "given"
    print(f"kernel baseline: width {choice.sigma_px:g} px on the {rig} rig", flush=True)
    per_seed = [_one_seed(seed, choice, config, quick=quick) for seed in seeds]
    figures = {}
    for key, unit in _UNITS.items():
        figures[key] = spread([found[key] for found in per_seed], unit)
    return figures


_UNITS = {
    "misalignment_mean_px": "px",
    "misalignment_p95_px": "px",
    "nominal_mean_px": "px",
    "nominal_p95_px": "px",
    "recalibrated_mean_px": "px",
    "kernel_mean_px": "px",
    "kernel_p95_px": "px",
    "bending_ratio_kernel": "",
    "gain_error_rms": "",
    "seam_step_blended": "",
    "seam_step_unrepaired": "",
    "seam_step_kernel": "",
    "sharpness": "",
    "psnr_gain_unrepaired_db": "dB",
    "psnr_gain_recalibrated_db": "dB",
    "psnr_gain_kernel_db": "dB",
}


def _one_seed(
    seed: int, choice: KernelChoice, config: RestitchConfig, *, quick: bool
) -> dict[str, float]:
    case = load_case(_capture(seed, quick=quick), config)
    width_px = _settings(seed, quick=quick).panorama_width_px
    scores = score_all(case, align_all(case, choice), width_px, NUM_BANDS)
    found = _figures_of(case, scores)
    print(f"seed {seed}:", ", ".join(f"{key} {found[key]:.3g}" for key in _UNITS), flush=True)
    return found


def _figures_of(case: Case, scores: dict[str, Scores]) -> dict[str, float]:
    ours, kernel, before = scores["spline"], scores["kernel"], scores["unrepaired"]
    gains = psnr_gains_db(case, scores, "spline")
    return {
        "misalignment_mean_px": ours.misalignment.mean_px,
        "misalignment_p95_px": ours.misalignment.p95_px,
        "nominal_mean_px": before.misalignment.mean_px,
        "nominal_p95_px": before.misalignment.p95_px,
        "recalibrated_mean_px": scores["recalibrated"].misalignment.mean_px,
        "kernel_mean_px": kernel.misalignment.mean_px,
        "kernel_p95_px": kernel.misalignment.p95_px,
        "bending_ratio_kernel": kernel.bending / ours.bending,
        "gain_error_rms": gain_error(case),
        "seam_step_blended": ours.seam_step,
        "seam_step_unrepaired": before.seam_step,
        "seam_step_kernel": kernel.seam_step,
        "sharpness": ours.sharpness,
        "psnr_gain_unrepaired_db": gains["unrepaired"],
        "psnr_gain_recalibrated_db": gains["recalibrated"],
        "psnr_gain_kernel_db": gains["kernel"],
    }


def _cost(quick: bool) -> dict[str, Figure]:
    seeds = QUICK_SEEDS if quick else FULL_SEEDS
    with tempfile.TemporaryDirectory(prefix="orrery-bench-") as scratch:
        return _measure_cost(seeds, Path(scratch), quick=quick)


def _measure_cost(seeds: Sequence[int], scratch: Path, *, quick: bool) -> dict[str, Figure]:
    """Cost of the pipeline on captures as users have them: without truth."""
    costs: list[PipelineCost] = []
    for seed in seeds:
        source = _capture(seed, quick=quick)
        folder = copy_bare(source, scratch / "bare" / str(seed) / source.name)
        store = scratch / f"cost-{seed}"
        store.mkdir()
        costs.append(measure(folder.parent, store, 2048 if quick else 4096))
        _keep_picture(costs[-1], seed, quick=quick)
    multiples = [cost.cpu_s / cost.reference_s for cost in costs]
    return {
        "cpu_s_per_panorama": spread([cost.cpu_s for cost in costs], "s"),
        "cpu_multiple_of_reference": spread(multiples),
        "peak_gb": spread([cost.peak_gb for cost in costs], "GB"),
    }


def _keep_picture(cost: PipelineCost, seed: int, *, quick: bool) -> None:
    """Keep the before/after picture of the first seed for the README."""
    if seed == 0 and not quick:
        RESULTS_DIR.mkdir(exist_ok=True)
        shutil.copyfile(_file(cost, cost.publication.captures[0].before_after.uri), _picture())


def _picture() -> Path:
    return RESULTS_DIR / "restitch.jpg"


def _file(cost: PipelineCost, uri: str) -> Path:
    return Path(cost.store) / uri


def _overhead(quick: bool) -> dict[str, Figure]:
    if quick:
        return overhead.measure(overhead.QUICK_CAPTURES, overhead.QUICK_ROUNDS)
    return overhead.measure(overhead.FULL_CAPTURES, overhead.FULL_ROUNDS)


def _speedup(quick: bool) -> dict[str, Figure]:
    if quick:
        return restitch_speedup.measure(speedup.QUICK_PAIRS, speedup.QUICK_WORK_S)
    return restitch_speedup.measure(speedup.FULL_PAIRS, speedup.FULL_WORK_S)


def _rescan(quick: bool) -> dict[str, Figure]:
    return rescan(NUM_QUICK if quick else NUM_CAPTURES)


def _real(quick: bool) -> dict[str, Figure]:
    sets = real_sets.folders(DATA, quick=quick)
    return real_sets.measure_sets(sets, ROOT / "artifacts" / "bench") if sets else {}


def _demo(quick: bool) -> dict[str, Figure]:  # noqa: ARG001
    """Time the demo, from nothing made to the table on the screen."""
    shutil.rmtree(ROOT / "artifacts" / "demo", ignore_errors=True)
    begun_s = time.monotonic()
    subprocess.run(["make", "demo"], cwd=ROOT, check=True)
    seconds = time.monotonic() - begun_s
    json.loads((ROOT / "artifacts" / "demo" / "summary.json").read_text())
    return {"demo_s": Figure(value=seconds, unit="s", interval=None)}


def _masked(quick: bool) -> dict[str, Figure]:
    return masked.measure(masked.QUICK_SEEDS if quick else masked.SEEDS)


def _gate(quick: bool) -> dict[str, Figure]:
    return gate.measure(gate.QUICK_SEEDS if quick else SEEDS)


def _verdicts(quick: bool) -> dict[str, Figure]:
    return verdicts.measure(verdicts.QUICK_SEEDS if quick else SEEDS)


def _peers(quick: bool) -> dict[str, Figure]:
    if not is_there():
        print("peers left out: Hugin is not installed (Debian: hugin-tools, enblend)")
        return {}
    seeds = QUICK_SEEDS if quick else FULL_SEEDS
    streets = [_capture(seed, quick=quick) for seed in seeds]
    return measure_peers(streets, real_sets.folders(DATA, quick=quick))


PARTS: dict[str, Measure] = {
    "cost": _cost,  # what is timed comes first, while nothing else runs
    "overhead": _overhead,
    "speedup": _speedup,
    "demo": _demo,
    "rescan": _rescan,
    "accuracy": _accuracy,
    "real": _real,
    "peers": _peers,
    "masked": _masked,
    "gate": _gate,
    "verdicts": _verdicts,
}
# Of many captures, or on a machine that must be quiet for long: each may be of its own commit.
EARLIER = ("overhead", "speedup", "rescan", "peers", "masked", "gate", "verdicts")
_QUICK_BOUNDS: Bounds = dict.fromkeys(
    ("real_sets_better", "gate_captures", "gate_spoiled_share", "verdict_captures"),
    (0.0, float("inf")),
)


if __name__ == "__main__":
    sys.exit(main())
