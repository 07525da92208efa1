"""Looks whose edges don't follow shape: a target that is hard, and randomisations against it.

The surrogate's looks differ from simulation in colour and contrast, and standardised crops undo
that. `structured_look` differs in structure: textures as large as the objects, prints on the
bin's floor, and a sensor that blurs. `random_structured_look` draws such things anew for each
scene, as `random_look` draws colours, and `cut_look` paints with what was cut from pictures of
the target. All are looks as any other: `tasks.grasping.looks.repaint` paints them over pictures
that were collected with ``camera.g_buffers``.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Final, Literal, get_args

import numpy as np

from tasks.core.seeds import digest64
from tasks.grasping.algorithms.appearance import (
    draw_surface,
    random_look,
    random_look_of,
    surrogate_look,
    triple,
)
from tasks.grasping.looks.structured import parts_of
from tasks.grasping.types import Look, Print, SurfaceLook
from tasks.grasping.workspace import BIN_CENTRE_M

Part = Literal["textures", "prints", "sensor"]
PARTS: Final[tuple[Part, ...]] = get_args(Part)
"""What a structured look is made of."""

_BIN_SEED, _OBJECT_SEED, _PRINT_SEED = 20_180_504, 20_180_505, 20_180_506  # fixed for good
_NUM_PRINTS: Final = 14
_PRINT_AREA_M: Final = 0.30  # side of the square in which the prints' middles lie
_SHAPES: Final[tuple[Literal["bar", "ellipse", "ell"], ...]] = ("bar", "ellipse", "ell")
_RANDOM_SHARE: Final = 0.6  # of randomised looks that have each of the parts

# Lengths of a repeat of camouflage and of pictures.
_BIN_M: Final = ((0.11, 0.17), (0.12, 0.20))
_OBJECT_M: Final = ((0.09, 0.15), (0.07, 0.14))


def structured_look(
    station: int,
    object_ids: Sequence[str],
    num_textures: int,
    rng: np.random.Generator,
    *,
    parts: Collection[Part] = PARTS,
) -> Look:
    """Draw a look of the surrogate's kind, but with structure.

    Two of three stations have a bin and a table of camouflage, the third of photographs, and so
    has each second object, for good. Whatever is left out is as in `surrogate_look`.

    Args:
        station: Index of the station; it decides table, bin, prints, arm, lens and lamp.
        object_ids: Which objects the scene shows; each has one surface, for good.
        num_textures: Textures there are, as `structured_textures` puts them together; the second
            half serve. Without the part ``textures`` any serve.
        rng: Decides light, exposure and motion.
        parts: What the look has; the others are drawn all the same, so that none moves others.
    """
    look = surrogate_look(station, object_ids, num_textures, rng)
    fixed = np.random.default_rng([_BIN_SEED, station])
    if "textures" in parts:
        textures = parts_of(num_textures, "surrogate")
        kind = int(station % 3 == 2)
        background, tray = (_structured(fixed, textures, _BIN_M, kind, 0.85) for _ in range(2))
        objects = tuple(_object_surface(object_id, textures) for object_id in object_ids)
        look = replace(look, background=background, tray=tray, objects=objects)
    if "prints" in parts:
        look = replace(look, prints=_prints(np.random.default_rng([_PRINT_SEED, station])))
    sensed = _sensed(
        look, np.random.default_rng([_BIN_SEED, station, 1]), rng,
        blur_px=(0.5, 0.9), noise=(4, 8), motion_px=(1, 2.5), exposure=0.15,
    )  # fmt: skip
    return sensed if "sensor" in parts else look


def random_structured_look(num_objects: int, num_textures: int, rng: np.random.Generator) -> Look:
    """Draw a look for randomisation that has structure of its own, part by part.

    Each of `PARTS` is there in three of five looks. No photograph serves: camouflage alone, and
    none that a target shows. What is left out is as in `random_look`.

    Args:
        num_objects: Objects in the scene.
        num_textures: Textures there are, as `structured_textures` puts them together; the first
            half serve.
        rng: Decides the look.
    """
    textures = parts_of(num_textures, "randomise")
    look = random_look_of(textures[1], num_objects, rng)
    has = dict(zip(PARTS, rng.uniform(size=len(PARTS)) < _RANDOM_SHARE, strict=True))
    of_textures, of_prints, of_sensor = rng.spawn(3)
    if has["textures"]:
        scales_m = (_BIN_M, _BIN_M, *((_OBJECT_M,) * num_objects))
        background, tray, *objects = (
            _structured(of_textures, textures, scale_m, 0, 0.6) for scale_m in scales_m
        )
        look = replace(look, background=background, tray=tray, objects=tuple(objects))
    if has["prints"]:
        look = replace(look, prints=_prints(of_prints))
    if has["sensor"]:
        look = _sensed(
            look, of_sensor, of_sensor,
            blur_px=(0.3, 1.1), noise=(2, 10), motion_px=(0, 3), exposure=0.25,
        )  # fmt: skip
    return look


def cut_look(
    num_objects: int, num_textures: int, repeat_m: float, rng: np.random.Generator
) -> Look:
    """Draw a look for randomisation that is painted with a target's own textures.

    Args:
        num_objects: Objects in the scene.
        num_textures: Textures there are, as `cut_textures` cuts them; all serve.
        repeat_m: Length of a repeat at true scale, from `true_repeat_m` of the target's camera.
        rng: Decides the look.
    """
    look = random_look(num_objects, 0, rng)

    def surface(low: float, high: float) -> SurfaceLook:
        scale_m = (low * repeat_m, high * repeat_m)
        return draw_surface(rng, range(num_textures), textured=1, scale_m=scale_m, tint_low=0.8)

    background, tray = surface(0.85, 1.15), surface(0.85, 1.15)
    objects = tuple(surface(0.7, 1.2) for _ in range(num_objects))
    return replace(look, background=background, tray=tray, objects=objects)


def _object_surface(object_id: str, textures: tuple[range, range]) -> SurfaceLook:
    rng = np.random.default_rng([_OBJECT_SEED, digest64(object_id)])
    return _structured(rng, textures, _OBJECT_M, int(rng.integers(2)), 0.85)


def _structured(
    rng: np.random.Generator,
    textures: tuple[range, range],
    scales_m: tuple[tuple[float, float], tuple[float, float]],
    kind: int,
    tint_low: float,
) -> SurfaceLook:
    """Draw a surface of camouflage, kind 0, or of a picture, kind 1."""
    return draw_surface(rng, textures[kind], textured=1, scale_m=scales_m[kind], tint_low=tint_low)


def _prints(rng: np.random.Generator) -> tuple[Print, ...]:
    """Draw patches of the objects' sizes on the bin's floor."""
    return tuple(
        Print(
            shape=_SHAPES[int(rng.integers(len(_SHAPES)))],
            centre_m=_pair(BIN_CENTRE_M + _PRINT_AREA_M * rng.uniform(-0.5, 0.5, 2)),
            half_m=_pair(rng.uniform((0.012, 0.02), (0.03, 0.055))),
            turn_rad=float(rng.uniform(0, 2 * np.pi)),
            colours=(triple(rng.uniform(0.05, 0.95, 3)), triple(rng.uniform(0.05, 0.95, 3))),
        )
        for _ in range(_NUM_PRINTS)
    )


def _sensed(
    look: Look,
    fixed: np.random.Generator,
    rng: np.random.Generator,
    *,
    blur_px: tuple[float, float],
    noise: tuple[float, float],
    motion_px: tuple[float, float],
    exposure: float,
) -> Look:
    """Draw a sensor, whose blur and noise are its own, and what varies: motion and exposure."""
    length_px, turn_rad = rng.uniform(*motion_px), rng.uniform(0, 2 * np.pi)
    bright = _MEAN_GAIN * rng.uniform(1 - exposure, 1 + exposure)
    return replace(
        look,
        blur_px=float(fixed.uniform(*blur_px)),
        noise_sigma=float(fixed.uniform(*noise)),
        motion_px=_pair(length_px * np.array([np.cos(turn_rad), np.sin(turn_rad)])),
        gain=triple(bright * np.exp(0.02 * rng.standard_normal(3))),
    )


_MEAN_GAIN: Final = float(np.exp(0.15))  # as of the other looks


def _pair(values: np.ndarray) -> tuple[float, float]:
    return (float(values[0]), float(values[1]))
