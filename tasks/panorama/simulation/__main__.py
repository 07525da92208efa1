"""Write simulated captures: ``python -m tasks.panorama.simulation --out DIR``."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import get_args

from pydantic import ValidationError

from tasks.core.errors import OrreryError
from tasks.panorama.simulation.capture import simulate_capture
from tasks.panorama.simulation.config import SceneKind, SimulationConfig

# Option -> setting, where they differ; the others are spelt as the setting.
_OPTIONS = {"width": "width_px", "height": "height_px", "panorama_width": "panorama_width_px"}
_SCENES = get_args(SceneKind)


def main(arguments: Sequence[str] | None = None) -> int:
    """Simulate the captures that the command line asks for; return the exit code."""
    options = _parser().parse_args(arguments)
    scenes = _SCENES if options.scene == "all" else (options.scene,)
    seeds = range(options.seed, options.seed + options.count)
    wanted = [(scene, seed) for scene in scenes for seed in seeds]
    try:
        for number, (scene, seed) in enumerate(wanted, start=1):
            folder = options.out / f"{scene}-{seed:04d}"
            started_s = time.monotonic()
            settings = _settings(options, scene, seed)
            simulate_capture(folder, settings, replace_existing=options.force)
            took_s = time.monotonic() - started_s
            sys.stdout.write(f"[{number}/{len(wanted)}] {folder}  {took_s:.1f} s\n")
            sys.stdout.flush()
    except (OrreryError, ValidationError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tasks.panorama.simulation",
        description="Simulate captures of a camera rosette with exact truth, by ray casting.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--out", type=Path, required=True, help="folder that receives captures")
    parser.add_argument("--scene", choices=(*_SCENES, "all"), default="street", help="kind")
    parser.add_argument("--seed", type=int, default=0, help="seed of the first capture")
    parser.add_argument("--count", type=int, default=1, help="captures per scene")
    parser.add_argument("--force", action="store_true", help="replace captures that exist")
    by_setting = {setting: option for option, setting in _OPTIONS.items()}
    for field in fields(SimulationConfig):
        if field.name in ("scene", "seed", "depth_maps"):
            continue
        info = SimulationConfig.__pydantic_fields__[field.name]  # type: ignore[attr-defined]
        option = by_setting.get(field.name, field.name).replace("_", "-")
        parser.add_argument(
            f"--{option}",
            type=type(info.default),
            default=info.default,
            help=info.description,
            dest=field.name,
        )
    parser.add_argument(
        "--depth-maps",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="whether to write the depth maps",
    )
    return parser


def _settings(options: argparse.Namespace, scene: SceneKind, seed: int) -> SimulationConfig:
    given = {field.name: getattr(options, field.name) for field in fields(SimulationConfig)}
    return SimulationConfig(**{**given, "scene": scene, "seed": seed})


if __name__ == "__main__":
    sys.exit(main())
