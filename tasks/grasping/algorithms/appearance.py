"""Looks: how surfaces, light and sensor of a scene appear.

Two distributions. Randomisation is broad, after J. Tobin et al., "Domain Randomization for
Transferring Deep Neural Networks from Simulation to the Real World", IROS 2017: whatever varies
that much, a network can't rely on. The surrogate's is what a few real stations would show: table,
bin and arm belong to the station, an object's surface to the object, and only light and exposure
change from scene to scene. The two draw from different halves of the textures.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tasks.core.seeds import digest64
from tasks.grasping.looks.textures import half_of
from tasks.grasping.types import Look, SurfaceLook

_STATION_SEED, _OBJECT_SEED = 20_180_501, 20_180_502  # fixed: the surrogate's things never change


def random_look(num_objects: int, num_textures: int, rng: np.random.Generator) -> Look:
    """Draw a look for randomisation.

    Args:
        num_objects: Objects in the scene.
        num_textures: Textures there are in all, of which the first half serve; 0 for none.
        rng: Decides the look.
    """
    return random_look_of(half_of(num_textures, "randomise"), num_objects, rng)


def random_look_of(textures: range, num_objects: int, rng: np.random.Generator) -> Look:
    """Draw a look for randomisation from these textures; see `random_look`."""
    surfaces = [
        draw_surface(rng, textures, textured=share, scale_m=scale_m, tint_low=0.6)
        for share, scale_m in (
            (0.8, (0.08, 0.8)),
            (0.7, (0.05, 0.5)),
            (0.4, (0.05, 0.4)),
            *(((0.6, (0.03, 0.2)),) * num_objects),
        )
    ]
    return Look(
        background=surfaces[0],
        tray=surfaces[1],
        arm=surfaces[2],
        objects=tuple(surfaces[3:]),
        light_direction=_direction(rng, least_elevation_deg=30),
        light_colour=triple(np.clip(1 + 0.08 * rng.standard_normal(3), 0.75, 1.25)),
        ambient=float(rng.uniform(0.25, 0.7)),
        shadow_strength=float(rng.uniform(0, 0.8)),
        noise_sigma=float(rng.uniform(0, 6)),
        blur_px=float(rng.uniform(0, 0.8)),
        gain=_gain(rng, mean=0.2, exposure=0.18, balance=0.05),
    )


def surrogate_look(
    station: int, object_ids: Sequence[str], num_textures: int, rng: np.random.Generator
) -> Look:
    """Draw a look of the surrogate.

    Args:
        station: Index of the station; it decides table, bin, arm, lens and where the lamp hangs.
        object_ids: Which objects the scene shows; each has one surface, for good.
        num_textures: Textures there are in all, of which the second half serve; 0 for none.
        rng: Decides light and exposure.
    """
    textures = half_of(num_textures, "surrogate")
    fixed = np.random.default_rng([_STATION_SEED, station])
    table, tray = (
        draw_surface(fixed, textures, textured=share, scale_m=scale_m, tint_low=0.75)
        for share, scale_m in ((1.0, (0.3, 0.6)), (0.7, (0.15, 0.4)))
    )
    grey = fixed.uniform(0.4, 0.9) * fixed.uniform(0.95, 1.05, 3)
    arm = SurfaceLook(texture=-1, tint=triple(grey), scale_m=1, turn_rad=0, shift=(0, 0))
    lamp = np.array(_direction(fixed, least_elevation_deg=50))
    blur_px, noise_sigma = fixed.uniform(0.3, 0.6), fixed.uniform(1.5, 4.0)
    lamp = lamp + 0.15 * rng.standard_normal(3) * [1, 1, 0]
    return Look(
        background=table,
        tray=tray,
        arm=arm,
        objects=tuple(_object_surface(object_id, textures) for object_id in object_ids),
        light_direction=triple(lamp / np.linalg.norm(lamp)),
        light_colour=triple(np.clip(1 + 0.03 * rng.standard_normal(3), 0.9, 1.1)),
        ambient=float(rng.uniform(0.35, 0.55)),
        shadow_strength=float(rng.uniform(0.35, 0.65)),
        noise_sigma=float(noise_sigma),
        blur_px=float(blur_px),
        gain=_gain(rng, mean=0.15, exposure=0.08, balance=0.02),
    )


def _object_surface(object_id: str, textures: range) -> SurfaceLook:
    rng = np.random.default_rng([_OBJECT_SEED, digest64(object_id)])
    return draw_surface(rng, textures, textured=0.6, scale_m=(0.04, 0.12), tint_low=0.6)


def draw_surface(
    rng: np.random.Generator,
    textures: range,
    *,
    textured: float,
    scale_m: tuple[float, float],
    tint_low: float,
) -> SurfaceLook:
    """Draw a surface; all values are drawn whichever of them count, so that none moves others.

    Args:
        rng: Decides it.
        textures: Those to choose from.
        textured: Share of surfaces that have one; the others are of a plain colour.
        scale_m: Least and greatest length of a repeat.
        tint_low: Least factor on a texture's colours.
    """
    is_textured = rng.uniform() < textured and len(textures) > 0
    texture = textures[int(rng.integers(max(len(textures), 1)))] if len(textures) else -1
    tint, colour = rng.uniform(tint_low, 1, 3), rng.uniform(0.05, 0.95, 3)
    return SurfaceLook(
        texture=texture if is_textured else -1,
        tint=triple(tint if is_textured else colour),
        scale_m=float(np.exp(rng.uniform(*np.log(scale_m)))),
        turn_rad=float(rng.uniform(0, 2 * np.pi)),
        shift=(float(rng.uniform()), float(rng.uniform())),
    )


def _direction(rng: np.random.Generator, least_elevation_deg: float) -> tuple[float, float, float]:
    """Draw a unit vector evenly from the part of the sphere above an elevation."""
    z = rng.uniform(np.sin(np.radians(least_elevation_deg)), 1)
    turn_rad = rng.uniform(0, 2 * np.pi)
    across = np.sqrt(1 - z * z)
    return (float(across * np.cos(turn_rad)), float(across * np.sin(turn_rad)), float(z))


def _gain(
    rng: np.random.Generator, *, mean: float, exposure: float, balance: float
) -> tuple[float, float, float]:
    """Draw a factor for each channel; all deviations are of its logarithm."""
    common = mean + exposure * rng.standard_normal()
    return triple(np.exp(common + balance * rng.standard_normal(3)))


def triple(values: np.ndarray) -> tuple[float, float, float]:
    """Three values as plain numbers, which can be compared and written as JSON."""
    return (float(values[0]), float(values[1]), float(values[2]))
