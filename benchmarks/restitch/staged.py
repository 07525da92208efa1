"""Restitches a folder of small captures by the pipeline's stages, on workers of Ray."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.restitch.plain_loop import RENDER
from operators.stage.local import LocalRun
from operators.stage.run import run_stage
from tasks.panorama.config import IngestConfig, MatchConfig, SolveConfig
from tasks.panorama.manifests import RenderSet
from tasks.panorama.stages.ingest import ingest_captures
from tasks.panorama.stages.match import match_captures
from tasks.panorama.stages.render import render_captures
from tasks.panorama.stages.solve import solve_captures

_PROFILE = (
    "store_uri: {folder}\nray_address: auto\nreadable: [/]\nwritable: [/]\n"
    "default: {{num_cpus: {num_cpus}}}\n"
)


def restitch_staged(
    folder: Path, executor: Any, num_workers: int, clock: Callable[[], float]
) -> float:
    """Restitch the captures in ``folder / "captures"``.

    Args:
        folder: Also for the store, which is new.
        executor: On a cluster of two CPUs.
        num_workers: One worker is had by letting each capture ask for both CPUs.
        clock: What is measured, in seconds.

    Returns:
        Seconds of the stages from `ingest` to `render`, the start of each apart.

    Raises:
        RuntimeError: A capture was left out.
    """
    profile = folder / "profile.yaml"
    profile.write_text(_PROFILE.format(folder=folder / "store", num_cpus=2.0 / num_workers))
    local, spent = LocalRun(folder / "store", profile=str(profile)), 0.0

    def timed(stage: Callable[..., Any], *inputs: Any, config: Any) -> Any:
        nonlocal spent
        begun: list[float] = []
        request = local.request(stage, *inputs, config=config)
        (ref,) = run_stage(request, executor, on_ready=lambda: begun.append(clock()))
        spent += clock() - begun[0]
        return ref

    captures = folder / "captures"
    group = timed(ingest_captures, config=IngestConfig(captures=str(captures)))
    matches = timed(match_captures, group, config=MatchConfig())
    warps = timed(solve_captures, matches, config=SolveConfig())
    renders = timed(render_captures, warps, config=RENDER)
    found, expected = len(local.read(renders, RenderSet).captures), len(list(captures.iterdir()))
    if found != expected:
        raise RuntimeError(f"expected {expected} captures, got {found}")
    return spent
