"""Measures what a night without news costs over an archive whose captures are all known.

    python -m benchmarks.restitch.rescan [--captures 10000]

The archive holds copies of one small simulated capture, each with other bytes in a comment of its
photos, so that no two are the same to the pipeline. They are restitched once, which takes more than
an hour for 10,000 and is gone on with where it was cut off; what is made stays in
``artifacts/bench``. Then the same run is made again, in a process of its own, with an export that
stands there:

- ``rescan_…_cpu_s``: CPU seconds of all stages, start-up apart, MLflow and Airflow apart.
- ``rescan_…_growth_mb``: by how much the store and the export are larger than before.
"""

from __future__ import annotations

import argparse
import shutil
from dataclasses import replace
from pathlib import Path

from benchmarks.bounds import print_table
from benchmarks.own_process import OwnProcess
from benchmarks.results_file import Figure
from operators.installation import ROOT
from operators.stage.local import LocalRun
from tasks.panorama.config import IngestConfig, PublishConfig, RestitchConfig
from tasks.panorama.manifests import Publication
from tasks.panorama.simulation.capture import simulate_capture
from tasks.panorama.simulation.config import SimulationConfig
from tasks.panorama.stages.ingest import ingest_captures
from tasks.panorama.stages.match import match_captures
from tasks.panorama.stages.publish import publish_captures
from tasks.panorama.stages.render import render_captures
from tasks.panorama.stages.solve import solve_captures

FOLDER = ROOT / "artifacts" / "bench" / "rescan"
NUM_CAPTURES, NUM_QUICK = 10_000, 50
_SCENE = SimulationConfig(num_cameras=3, width_px=192, height_px=256, depth_maps=False)
_WIDTH_PX, _NUM_BANDS = 256, 2
_COMMENT = b"\xff\xfe"  # a JPEG's marker


def rescan(num_captures: int, folder: Path = FOLDER) -> dict[str, Figure]:
    """Measure a night without news.

    Args:
        num_captures: How many the archive holds.
        folder: Where the archives are kept.

    Raises:
        RuntimeError: The night found other captures than the one before.
    """
    place = folder / str(num_captures)
    _make_archive(place / "captures", num_captures)
    with OwnProcess() as process:
        made = process.call(night, place)
    before = _num_bytes(place)
    with OwnProcess() as process:
        again = process.call(night, place)
    if not made.value == again.value == num_captures:
        raise RuntimeError(f"expected {num_captures} captures, got {made.value}, {again.value}")
    print(f"made or found before: {made.cpu_s:.0f} CPU s; night: {again.wall_s:.0f} s", flush=True)
    name = f"rescan_{num_captures // 1000}k" if num_captures >= 1000 else f"rescan_{num_captures}"
    growth_mb = (_num_bytes(place) - before) / 1e6
    return {
        f"{name}_cpu_s": Figure(value=again.cpu_s, unit="s", interval=None),
        f"{name}_growth_mb": Figure(value=growth_mb, unit="MB", interval=None),
    }


def night(place: Path) -> int:
    """Restitch an archive as a scheduled run does; returns how many captures were published."""
    config = RestitchConfig()
    run = LocalRun(place / "store")
    (group,) = run.run(ingest_captures, config=IngestConfig(captures=str(place / "captures")))
    matches = run.run(match_captures, group, config=config.match)
    warps = run.run(solve_captures, matches, config=config.solve)
    render = replace(config.render, width_px=_WIDTH_PX, num_bands=_NUM_BANDS)
    panoramas = run.run(render_captures, warps, config=render)
    publish = PublishConfig(export_to=str(place / "export"))
    published = run.run(publish_captures, [panoramas], config=publish)
    return len(run.read(published, Publication).captures)


def _make_archive(captures: Path, num_captures: int) -> None:
    """Write the captures that are not there yet; a folder appears whole."""
    source = captures.parent / "source"
    if not source.is_dir():
        simulate_capture(source, _SCENE)
    for index in range(num_captures):
        folder = captures / f"c{index:05d}"
        if folder.is_dir():
            continue
        partial = captures.parent / "partial"
        shutil.rmtree(partial, ignore_errors=True)
        shutil.copytree(source, partial, ignore=shutil.ignore_patterns("truth"))
        for photo in (partial / "images").iterdir():
            photo.write_bytes(_commented(photo.read_bytes(), folder.name))
        captures.mkdir(exist_ok=True)
        partial.rename(folder)


def _commented(jpeg: bytes, text: str) -> bytes:
    comment = text.encode()
    return jpeg[:2] + _COMMENT + (len(comment) + 2).to_bytes(2) + comment + jpeg[2:]


def _num_bytes(place: Path) -> int:
    return sum(path.stat().st_size for path in place.rglob("*") if path.is_file())


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--captures", type=int, default=NUM_CAPTURES, help="how many")
    print_table(rescan(parser.parse_args().captures))


if __name__ == "__main__":
    main()
