"""The demo: restitch three simulated captures through Airflow, Ray and MLflow.

    python -m benchmarks.demo

A street, a plaza and a room, each 15 photos with exact truth, are simulated and restitched by
the `restitch` DAG as in production. Exit code 1 if a stage failed or a capture got worse.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any, get_args

from rich.console import Console
from rich.table import Table

from operators.headless.run import HeadlessResult, run_headless
from operators.installation import ROOT
from operators.store.artifacts import read_artifact
from operators.store.storage import Storage
from tasks.core.errors import OrreryError
from tasks.panorama.manifests import (
    CaptureSet,
    MatchSet,
    Publication,
    PublishedCapture,
    RenderSet,
    WarpSet,
)
from tasks.panorama.simulation.config import SceneKind, SimulationConfig

FOLDER = ROOT / "artifacts" / "demo"
PANORAMAS = FOLDER / "panoramas"
SEED = 0
PANORAMA_WIDTH_PX = 2048
TABLE_WIDTH = 104  # characters; a table that wraps can't be read

# Figure, title, decimals.
COLUMNS = (
    ("true_mean_px", "mean error, px", 2),
    ("true_p95_px", "p95 error, px", 2),
    ("overlap_ssim", "overlap SSIM", 3),
    ("seam_step", "seam step", 2),
)
# What must not get worse for the demo to succeed; all are errors.
JUDGED = ("true_mean_px", "held_out_mean_px")

Say = Callable[[str], None]


def main() -> int:
    """Run the demo; see the module."""
    begun_s = time.monotonic()
    console = Console(soft_wrap=True)
    console.width = max(console.width, TABLE_WIDTH)

    def say(line: str) -> None:
        console.print(line, markup=False, highlight=False)

    captures = FOLDER / "captures"
    try:
        simulate_all(captures, say)
        result = run_headless("restitch", _conf(captures), on_line=say)
        if result.state != "success":
            say(f"the demo failed; all that was printed stands in {result.log}")
            return 1
        summary = summarise(result)
    except OrreryError as error:
        say(f"the demo failed: {error}")
        return 1
    except KeyboardInterrupt:
        say("interrupted; run it again and it goes on")
        return 130
    summary["seconds"] = round(time.monotonic() - begun_s, 1)
    _write(FOLDER / "summary.json", summary)
    console.print(_table(summary["captures"]))
    _say_where(summary, say)
    return _exit_code(summary, say)


def _conf(captures: Path) -> dict[str, Any]:
    return {
        "captures": str(captures),
        "render.width_px": PANORAMA_WIDTH_PX,
        "publish.export_to": str(PANORAMAS),
    }


def simulate_all(folder: Path, say: Say) -> None:
    """Simulate one small capture of each kind of scene, on all cores; those there are kept."""
    wanted = {folder / f"{scene}-{SEED:04d}": _settings(scene) for scene in get_args(SceneKind)}
    missing = {path: settings for path, settings in wanted.items() if not path.is_dir()}
    if not missing:
        say(f"captures: {folder.relative_to(ROOT)} (simulated before)")
        return
    folder.mkdir(parents=True, exist_ok=True)
    say(f"simulating {len(missing)} captures of 15 photos, with exact truth")
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(os.cpu_count(), mp_context=context) as pool:
        futures = {
            pool.submit(_simulate_one, path, settings): path for path, settings in missing.items()
        }
        for done, future in enumerate(as_completed(futures), start=1):
            future.result()
            say(f"  {done}/{len(missing)}  {futures[future].name}")


def _settings(scene: SceneKind) -> SimulationConfig:
    return SimulationConfig(
        scene=scene,
        seed=SEED,
        width_px=288,
        height_px=384,
        panorama_width_px=PANORAMA_WIDTH_PX,
        depth_maps=False,
    )


def _simulate_one(path: Path, settings: SimulationConfig) -> None:
    import cv2

    from tasks.panorama.simulation.capture import simulate_capture

    cv2.setNumThreads(1)
    simulate_capture(path, settings)


def summarise(result: HeadlessResult) -> dict[str, Any]:
    """Gather figures and places of a finished run, as ``summary.json`` holds them."""
    store = Storage(str(ROOT / "artifacts"))
    publication = _record(store, result, "publish", Publication)
    seconds = _seconds(store, result)
    return {
        "captures": [
            _row(capture, seconds.get(capture.item_id)) for capture in publication.captures
        ],
        "skipped": {each.item_id: each.reason for each in publication.skipped},
        "report": str((PANORAMAS / "report.html").relative_to(ROOT)),
        "mlflow_run_id": result.mlflow_run_id,
        "dag_run_id": result.run_id,
    }


def _row(capture: PublishedCapture, seconds: float | None) -> dict[str, Any]:
    folder = (PANORAMAS / capture.item_id).relative_to(ROOT)
    return {
        "capture": capture.item_id,
        "published": capture.published,
        "reasons": list(capture.reasons),
        "before": capture.before,
        "after": capture.after,
        "seconds": seconds,
        "panorama": str(folder / "panorama.jpg"),
        "before_after": str(folder / "before_after.jpg"),
    }


def _record(store: Storage, result: HeadlessResult, task: str, record_type: Any) -> Any:
    (ref,) = result.results[task]
    return read_artifact(store, ref).record(record_type, ref.uri)


def _seconds(store: Storage, result: HeadlessResult) -> dict[str, float]:
    """Seconds that the stages took for each capture, from when each was made."""
    files = (
        ("ingest", CaptureSet, "rig"),
        ("match", MatchSet, "correspondences"),
        ("solve", WarpSet, "fields"),
        ("render", RenderSet, "panorama"),
    )
    total: dict[str, float] = {}
    for task, record_type, field in files:
        for capture in _record(store, result, task, record_type).captures:
            made = store.read(str(Path(getattr(capture, field).uri).parent))
            spent_s = made.provenance.get("seconds", 0.0) if made else 0.0
            total[capture.item_id] = round(total.get(capture.item_id, 0.0) + spent_s, 2)
    return total


def _table(captures: Sequence[Mapping[str, Any]]) -> Table:
    table = Table(
        title="before -> after; error: misalignment of non-sky overlaps by exact truth, in px of a "
        "panorama 4096 wide"
    )
    table.add_column("capture", no_wrap=True)
    table.add_column("published", no_wrap=True)
    for _, title, _ in COLUMNS:
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("s", justify="right", no_wrap=True)
    for row in captures:
        cells = [
            f"{row['before'][key]:.{decimals}f} -> {row['after'][key]:.{decimals}f}"
            for key, _, decimals in COLUMNS
        ]
        table.add_row(row["capture"], row["published"], *cells, f"{row['seconds']:.1f}")
    return table


def _say_where(summary: Mapping[str, Any], say: Say) -> None:
    for row in summary["captures"]:
        say(f"{row['capture']}: {row['panorama']}, picture {row['before_after']}")
    say(f"report: {summary['report']}, and viewer.html beside it to look around in")
    say(f"MLflow: `make up`, then experiment restitch, run {summary['mlflow_run_id']}")
    say(f"summary: artifacts/demo/summary.json, {summary['seconds']:.0f} s in all")


def _exit_code(summary: Mapping[str, Any], say: Say) -> int:
    """1 if a capture is missing or got worse."""
    failures = [f"{name}: skipped: {reason}" for name, reason in summary["skipped"].items()]
    failures += [
        f"{row['capture']}: {key} rose from {row['before'][key]:.3f} to {row['after'][key]:.3f}"
        for row in summary["captures"]
        for key in JUDGED
        if row["after"][key] > row["before"][key]
    ]
    if len(summary["captures"]) + len(summary["skipped"]) < len(get_args(SceneKind)):
        failures.append("a capture is missing from the publication")
    for failure in failures:
        say(f"FAILED {failure}")
    return int(bool(failures))


def _write(path: Path, summary: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, suffix=".part", delete=False) as part:
        part.write(json.dumps(summary, indent=1) + "\n")
    Path(part.name).replace(path)


if __name__ == "__main__":
    sys.exit(main())
