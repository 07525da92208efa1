"""Other looks of simulated attempts, painted over their G-buffers: what is trained on besides.

Legend: h, w height and width of a picture.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, Protocol, get_args

import numpy as np

from tasks.core.seeds import digest64
from tasks.grasping.algorithms.appearance import random_look
from tasks.grasping.algorithms.structured import cut_look, random_structured_look
from tasks.grasping.looks.cuttings import cut_textures, true_repeat_m
from tasks.grasping.looks.repaint import repaint
from tasks.grasping.looks.structured import structured_textures
from tasks.grasping.looks.textures import Textures, generated_textures
from tasks.grasping.types import ByteImage, Camera, Look, Rendering
from tasks.grasping.workspace import MAX_OBJECTS

LookName = Literal["plain", "random", "structured", "cut"]
LOOKS: Final[tuple[LookName, ...]] = get_args(LookName)
"""``plain``: as it was collected. ``random``: `random_look`. ``structured``:
`random_structured_look`. ``cut``: painted with textures that were cut from the target's
unlabelled pictures (`cut_look`)."""
_NUM_TEXTURES: Final = 200


class Painter(Protocol):
    """Paints one kind of look."""

    def __call__(self, rendering: Rendering, scene_id: str, variant: int) -> ByteImage:
        """Paint a picture, (h, w, 3); scene and variant decide the look."""


@dataclass(frozen=True)
class Cuttings:
    """What is cut out of a target's pictures.

    Attributes:
        stations: What the target's stations are called.
        textures: Of each station.
        repeat_m: Length of a repeat at true scale, of each.
    """

    stations: tuple[str, ...]
    textures: tuple[Textures, ...]
    repeat_m: tuple[float, ...]

    @classmethod
    def of(
        cls, pictures: Mapping[str, Sequence[ByteImage]], cameras: Mapping[str, Camera], seed: int
    ) -> Cuttings:
        """Cut textures out of unlabelled pictures without the arm, station by station.

        Raises:
            DataError: Pictures are too small to cut from.
        """
        stations = tuple(sorted(pictures))
        rngs = [np.random.default_rng([seed, number]) for number in range(len(stations))]
        cut = (cut_textures(pictures[k], rng) for k, rng in zip(stations, rngs, strict=True))
        return cls(stations, tuple(cut), tuple(true_repeat_m(cameras[k]) for k in stations))

    def painted_like(self, scene_ids: Sequence[str], variant: int) -> list[str]:
        """The station with whose textures a look of each scene is painted."""
        num = len(self.stations)
        return [self.stations[_station_of(scene_id, variant, num)] for scene_id in scene_ids]

    def save(self, path: Path) -> None:
        """Write to an ``.npz`` file."""
        arrays: dict[str, Any] = {
            "repeat_m": np.array(self.repeat_m),
            "stations": np.array(self.stations),
        }
        arrays |= {f"station_{k}": each.images for k, each in enumerate(self.textures)}
        np.savez(path, **arrays)

    @classmethod
    def load(cls, path: Path) -> Cuttings:
        """Read what `save` wrote."""
        with np.load(path) as found:
            repeat_m, names = (tuple(found[name].tolist()) for name in ("repeat_m", "stations"))
            images = [found[f"station_{k}"] for k in range(len(repeat_m))]
        return cls(names, tuple(Textures(each) for each in images), repeat_m)


@dataclass(frozen=True)
class _Drawn:
    """Paints looks that are drawn for each scene."""

    name: LookName
    seed: int
    textures: tuple[Textures, ...]
    repeat_m: tuple[float, ...] = ()

    def __call__(self, rendering: Rendering, scene_id: str, variant: int) -> ByteImage:
        rng = np.random.default_rng([self.seed, digest64(f"{self.name}/{scene_id}/{variant}")])
        station = _station_of(scene_id, variant, len(self.textures))
        textures = self.textures[station]
        look = self._look(textures.num, station, rng)
        return repaint(rendering, look, textures, rng).rgb

    def _look(self, num_textures: int, station: int, rng: np.random.Generator) -> Look:
        if self.name == "cut":
            return cut_look(MAX_OBJECTS, num_textures, self.repeat_m[station], rng)
        draw = random_look if self.name == "random" else random_structured_look
        return draw(MAX_OBJECTS, num_textures, rng)


def painter(name: LookName, seed: int, cuttings: Cuttings | None = None) -> Painter:
    """What paints a kind of look.

    Args:
        name: The kind.
        seed: Decides textures and looks.
        cuttings: What `cut` is painted with; None without a target.

    Raises:
        ValueError: ``cut`` was asked for without cuttings.
    """
    if name == "plain":
        return _plain
    if name == "cut":
        if cuttings is None:
            raise ValueError("the look 'cut' needs what was cut from a target")
        return _Drawn(name, seed, cuttings.textures, cuttings.repeat_m)
    if name == "structured":
        return _Drawn(name, seed, (structured_textures(seed=seed + 1),))
    generated = generated_textures(np.random.default_rng(seed), _NUM_TEXTURES)
    return _Drawn(name, seed, (generated,))


def _station_of(scene_id: str, variant: int, num_stations: int) -> int:
    """Looks of a scene go round the stations."""
    return (digest64(scene_id) + variant) % num_stations


def _plain(rendering: Rendering, scene_id: str, variant: int) -> ByteImage:  # noqa: ARG001
    return rendering.rgb
