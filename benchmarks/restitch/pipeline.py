"""Runs the restitch pipeline's stages in one process, without services, and measures the cost.

    python -m benchmarks.restitch.pipeline CAPTURES --store FOLDER --out FILE

Writes what was published and the CPU seconds and peak memory of the process, start-up apart. Every
stage is the one that production runs; the serial executor takes Ray's place.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from benchmarks.restitch.reference_kernel import ReferenceKernel
from operators.stage.local import LocalRun
from tasks.core.records import ArtifactRef
from tasks.panorama.config import IngestConfig, RestitchConfig
from tasks.panorama.manifests import Publication
from tasks.panorama.stages.ingest import ingest_captures
from tasks.panorama.stages.match import match_captures
from tasks.panorama.stages.publish import publish_captures
from tasks.panorama.stages.render import render_captures
from tasks.panorama.stages.solve import solve_captures


class PipelineCost(BaseModel):
    """What a serial run of the pipeline took, and what it published.

    Attributes:
        cpu_s: User and system seconds of all stages, decoding and encoding included.
        reference_s: Median seconds of the reference kernel, timed between the stages.
        peak_gb: Largest resident memory of the process, in 1e9 bytes.
        publication: The publish stage's record.
        warps: The solve stage's result.
        store: Root of the store that holds the files.
    """

    model_config = ConfigDict(frozen=True)

    cpu_s: float
    reference_s: float
    peak_gb: float
    publication: Publication
    warps: ArtifactRef
    store: str


def copy_bare(capture: Path, place: Path) -> Path:
    """Copy a simulated capture as users have one, without its truth; returns the place."""
    shutil.copytree(capture, place, ignore=shutil.ignore_patterns("truth"))
    return place


def measure(captures: Path, store: Path, width_px: int) -> PipelineCost:
    """Run the pipeline over a folder of captures in a process of its own.

    Args:
        captures: Folder of captures.
        store: New folder for the results.
        width_px: Width of the panoramas; 0 lets each rig decide.

    Raises:
        subprocess.CalledProcessError: A stage failed; its error is on the screen.
    """
    out = store / "cost.json"
    words = [str(captures), "--store", str(store), "--width", str(width_px), "--out", str(out)]
    subprocess.run([sys.executable, "-m", "benchmarks.restitch.pipeline", *words], check=True)
    return PipelineCost.model_validate_json(out.read_bytes())


def _run(captures: Path, store: Path, width_px: int) -> PipelineCost:
    config = RestitchConfig()
    run, kernel, spent = LocalRun(store), ReferenceKernel(), [0.0]

    def timed(stage: Callable[..., Any], *inputs: Any, config: Any) -> Any:
        begun_s = time.process_time()
        result = run.run(stage, *inputs, config=config)
        spent.append(time.process_time() - begun_s)
        kernel.run()
        return result

    (group,) = timed(ingest_captures, config=IngestConfig(captures=str(captures)))
    matches = timed(match_captures, group, config=config.match)
    warps = timed(solve_captures, matches, config=config.solve)
    render = dataclasses.replace(config.render, width_px=width_px)
    panoramas = timed(render_captures, warps, config=render)
    published = timed(publish_captures, [panoramas], config=config.publish)
    return PipelineCost(
        cpu_s=sum(spent),
        reference_s=kernel.median_s,
        peak_gb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9,
        publication=run.read(published, Publication),
        warps=warps,
        store=str(store),
    )


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("captures", type=Path, help="folder of captures")
    parser.add_argument("--store", type=Path, required=True, help="new folder for the results")
    parser.add_argument("--width", type=int, default=0, help="panorama width, px; 0: automatic")
    parser.add_argument("--out", type=Path, required=True, help="JSON file to write")
    arguments = parser.parse_args()
    cost = _run(arguments.captures, arguments.store, arguments.width)
    arguments.out.write_text(json.dumps(cost.model_dump(mode="json"), indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
