"""The baseline of grasping: the diverse-object Kuka environment that ships with PyBullet.

    python -m benchmarks.grasping.baseline [--attempts 30] [--size 64] [--seed 0]

``pybullet_envs.bullet.kuka_diverse_object_gym_env.KukaDiverseObjectEnv`` as it is, with a
policy that draws each action uniformly: one episode is one attempt. Per attempt it loads robot,
table and five objects anew, lets each object fall for 500 steps, servos 7 or 8 commands of up
to 80 steps at 240 Hz with 150 solver iterations, takes a picture with masks before the first
and after each, and closes and lifts for 1000 steps more. Nothing of that is changed or left
out. It is not charged with encoding its pictures, nor with a picture without the arm: ours is.

The environment was written for an old gym, of which it needs names only, and its package
registers all its environments when it is imported. So modules with just these names stand in
for the missing ones; the environment's own code runs unmodified.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from benchmarks.own_process import OwnProcess

MODULE = "pybullet_envs.bullet.kuka_diverse_object_gym_env"


@dataclass(frozen=True)
class Episodes:
    """What episodes of the environment came to.

    Attributes:
        attempts: Episodes run.
        successes: Those that ended with an object in the air.
        pictures: Pictures taken.
    """

    attempts: int
    successes: int
    pictures: int


def run_episodes(seed: int, count: int, size_px: int) -> Episodes:
    """Run episodes with random actions, in the environment of this process."""
    random.seed(seed)  # the environment draws from the two global generators
    np.random.seed(seed)  # noqa: NPY002
    environment, rng = _environment(size_px), np.random.default_rng(seed)
    successes = pictures = 0
    for _ in range(count):
        picture = environment.reset()
        pictures += 1
        reward, is_done = 0, False
        while not is_done:
            picture, reward, is_done, _ = environment.step(rng.uniform(-1, 1, 3))
            pictures += 1
        if picture.shape != (size_px, size_px, 3) or int(picture.max()) == 0:
            raise ValueError(f"expected a picture of {size_px} px, got {picture.shape}")
        successes += int(reward > 0)
    return Episodes(attempts=count, successes=successes, pictures=pictures)


@cache
def _environment(size_px: int) -> Any:
    _stand_in()
    with _quiet():
        module = import_module(MODULE)
        return module.KukaDiverseObjectEnv(width=size_px, height=size_px)


def _stand_in() -> None:
    """Put modules in place of those that the environment imports and that are not there."""
    gym = ModuleType("gym")
    gym.__version__ = "0.10"  # type: ignore[attr-defined]
    gym.Env = object  # type: ignore[attr-defined]
    spaces, utils, seeding = (ModuleType(f"gym{name}") for name in (".spaces", ".utils", ".seed"))
    spaces.Box = spaces.Discrete = lambda *_, **__: None  # type: ignore[attr-defined]
    seeding.np_random = lambda seed: (np.random.default_rng(seed), seed)  # type: ignore[attr-defined]
    gym.spaces, gym.utils, utils.seeding = spaces, utils, seeding  # type: ignore[attr-defined]
    versions = ModuleType("pkg_resources")
    versions.parse_version = lambda text: tuple(map(int, text.split(".")))  # type: ignore[attr-defined]
    for module in (gym, versions):
        sys.modules.setdefault(module.__name__, module)
    sys.modules.setdefault("gym.utils", utils)
    folder = _installed()
    for name, path in (("pybullet_envs", folder), ("pybullet_envs.bullet", folder / "bullet")):
        package = ModuleType(name)
        package.__path__ = [str(path)]
        sys.modules.setdefault(name, package)


def _installed() -> Path:
    spec = find_spec("pybullet_envs")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("pybullet_envs comes with pybullet: pip install pybullet")
    return Path(spec.origin).parent


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep what the imports print off the screen."""
    with Path(os.devnull).open("w") as sink, contextlib.redirect_stdout(sink):
        yield


def main() -> int:
    """Measure the rate alone."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--attempts", type=int, default=30, help="episodes to run")
    parser.add_argument("--size", type=int, default=64, help="width and height of pictures, px")
    parser.add_argument("--seed", type=int, default=0, help="seed of all draws")
    arguments = parser.parse_args()
    with OwnProcess() as process:
        process.call(run_episodes, arguments.seed, 1, arguments.size)
        found = process.call(run_episodes, arguments.seed, arguments.attempts, arguments.size)
    episodes = found.value
    print(
        f"{episodes.attempts / found.cpu_s:.3f} attempts per CPU second "
        f"({episodes.attempts} attempts in {found.cpu_s:.1f} CPU s, {found.wall_s:.1f} s), "
        f"success {episodes.successes / episodes.attempts:.2f}, "
        f"{episodes.pictures / episodes.attempts:.2f} pictures per attempt"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
