"""Small simulated captures, hundreds of them: each is made once and kept."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

from operators.installation import ROOT
from tasks.panorama.simulation.capture import simulate_capture
from tasks.panorama.simulation.config import SceneKind, SimulationConfig

FOLDER = ROOT / "artifacts" / "bench" / "restitch" / "small"
PANORAMA_WIDTH_PX = 768
SEEDS = range(30_000, 30_360)  # of what is measured, so that each capture is made once
_SCENES: tuple[SceneKind, ...] = ("street", "plaza", "room")


def small_capture(seed: int, folder: Path = FOLDER) -> Path:
    """Folder of the capture of a seed: 4 to 6 photos of 192 x 256 px, and its truth."""
    capture = folder / f"{seed:05d}"
    if not capture.is_dir():
        partial = folder / f"{seed:05d}.part"
        shutil.rmtree(partial, ignore_errors=True)
        partial.parent.mkdir(parents=True, exist_ok=True)
        simulate_capture(partial, settings_of(seed))
        partial.rename(capture)
    return capture


def settings_of(seed: int) -> SimulationConfig:
    """What the capture of a seed is: its scene, its rig and the errors of its calibration."""
    rng = np.random.default_rng([seed, 0x5A11])
    return SimulationConfig(
        scene=_SCENES[int(rng.integers(len(_SCENES)))],
        seed=seed,
        num_cameras=int(rng.integers(4, 7)),
        width_px=192,
        height_px=256,
        centre_offset_m=float(rng.uniform(0.02, 0.12)),
        rotation_error_deg=float(np.exp(rng.uniform(np.log(0.08), np.log(0.6)))),
        focal_error=float(rng.uniform(0.001, 0.008)),
        timing_error_s=float(rng.uniform(0.0, 0.006)),
        noise_grey=float(rng.uniform(1.0, 4.0)),
        panorama_width_px=PANORAMA_WIDTH_PX,
        depth_maps=False,
    )
