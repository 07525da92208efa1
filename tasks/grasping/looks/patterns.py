"""Made-up textures that repeat without a seam: abstract patterns, and likenesses of materials.

Each function draws one texture, (side, side, 3), uint8, RGB, from its generator. Whole numbers
of waves and noise made in the frequency domain are what makes the edges meet.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tasks.grasping.types import ByteImage, FloatArray

Pattern = Callable[[np.random.Generator, int], ByteImage]


def clouds(rng: np.random.Generator, side: int) -> ByteImage:
    """Noise of all sizes between random colours."""
    return _ramp(
        _unit(_noise(rng, side, rng.uniform(0.8, 2.2))), _colours(rng, int(rng.integers(2, 5)))
    )


def checks(rng: np.random.Generator, side: int) -> ByteImage:
    """Two-coloured squares or oblongs."""
    u, v = _grid(side)
    across, along = rng.integers(1, 8, 2)
    is_odd = (np.floor(2 * across * u) + np.floor(2 * along * v)) % 2
    return _ramp(is_odd, _colours(rng, 2))


def stripes(rng: np.random.Generator, side: int) -> ByteImage:
    """Bands in any direction, hard or soft."""
    u, v = _grid(side)
    waves = rng.integers(-7, 8, 2)
    waves[np.argmax(np.abs(waves))] += not waves.any()
    wave = np.sin(2 * np.pi * (waves[0] * u + waves[1] * v + rng.uniform()))
    return _ramp(_unit(np.tanh(wave * rng.choice([0.5, 2.0, 20.0]))), _colours(rng, 3))


def dots(rng: np.random.Generator, side: int) -> ByteImage:
    """Discs on a grid."""
    u, v = _grid(side)
    num = rng.integers(2, 10)
    distance = np.hypot((u * num) % 1 - 0.5, (v * num) % 1 - 0.5)
    return _ramp(np.asarray(distance < rng.uniform(0.15, 0.45), np.float64), _colours(rng, 2))


def patches(rng: np.random.Generator, side: int) -> ByteImage:
    """Cells about random points, each of its own colour."""
    u, v = _grid(side)
    num = int(rng.integers(4, 24))
    gap_u, gap_v = (
        np.abs((axis[..., None] - rng.uniform(size=num) + 0.5) % 1 - 0.5) for axis in (u, v)
    )
    nearest = np.argmin(np.hypot(gap_u, gap_v), axis=-1)
    return np.asarray(255 * _colours(rng, num)[nearest], np.uint8)


def camouflage(rng: np.random.Generator, side: int) -> ByteImage:
    """Blobs of three flat colours, of about a third of the side each: edges that mean nothing.

    Dark, middle and light, so that no two of them look alike in grey either. They are cut from
    noise of 2.2 to 3.6 waves a repeat.
    """
    waves = side * np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None])
    spectrum = np.fft.rfft2(rng.standard_normal((side, side)))
    noise = np.fft.irfft2(spectrum * ((waves >= 2.2) & (waves <= 3.6)), s=(side, side))
    levels = np.quantile(noise, [rng.uniform(0.25, 0.4), rng.uniform(0.6, 0.75)])
    greys = rng.permutation([0.15, 0.5, 0.85])[:, None]
    colours = np.clip(greys + rng.uniform(-0.25, 0.25, (3, 3)), 0.02, 0.98)
    return np.asarray(255 * colours[np.digitize(noise, levels)] + 0.5, np.uint8)


def wood(rng: np.random.Generator, side: int) -> ByteImage:
    """Wavy grain along one axis, brown."""
    u, _ = _grid(side)
    bend = _noise(rng, side, 2.2)
    rings = np.sin(2 * np.pi * (rng.integers(3, 12) * u + rng.uniform(0.1, 0.5) * bend))
    fibres = _noise(rng, side, 0.6, stretch=12)
    dark, light = _shades(rng, (0.48, 0.3, 0.16), 0.55, 1.55)
    return _ramp(_unit(rings + 0.7 * fibres), np.stack([dark, light]))


def fabric(rng: np.random.Generator, side: int) -> ByteImage:
    """Threads over and under each other."""
    u, v = _grid(side)
    num = rng.choice([16, 24, 32])
    warp, weft = np.abs(np.sin(np.pi * num * u)), np.abs(np.sin(np.pi * num * v))
    is_warp = (np.floor(num * u) + np.floor(num * v)) % 2 > 0
    weave = np.where(is_warp, warp, 0.85 * weft) + 0.12 * _noise(rng, side, 1.0)
    base = rng.uniform(0.15, 0.85, 3)
    return _ramp(_unit(weave), np.stack(_shades(rng, base, 0.6, 1.15)))


def stone(rng: np.random.Generator, side: int) -> ByteImage:
    """Grey or sandy, mottled and speckled."""
    mottle = _noise(rng, side, 1.5) + 0.6 * _noise(rng, side, 0.2)
    base = np.array([0.55, 0.53, 0.5]) * rng.uniform(0.6, 1.5) * rng.uniform(0.92, 1.08, 3)
    return _ramp(_unit(mottle), np.stack(_shades(rng, base, 0.65, 1.3)))


def marble(rng: np.random.Generator, side: int) -> ByteImage:
    """Light ground with bent veins."""
    u, v = _grid(side)
    waves = rng.integers(1, 4, 2)
    bent = waves[0] * u + waves[1] * v + 0.45 * _noise(rng, side, 1.9)
    veins = np.abs(np.sin(np.pi * bent)) ** 0.4
    return _ramp(_unit(veins), np.stack(_shades(rng, (0.85, 0.84, 0.81), 0.45, 1.1)))


def cardboard(rng: np.random.Generator, side: int) -> ByteImage:
    """Fine fibres with little contrast, beige."""
    fibres = _noise(rng, side, 0.5, stretch=5) + 0.5 * _noise(rng, side, 1.5)
    return _ramp(_unit(fibres), np.stack(_shades(rng, (0.72, 0.56, 0.38), 0.8, 1.15)))


def brushed_metal(rng: np.random.Generator, side: int) -> ByteImage:
    """Long scratches, grey."""
    scratches = _noise(rng, side, 0.3, stretch=40)
    return _ramp(_unit(scratches), np.stack(_shades(rng, (0.66, 0.67, 0.7), 0.75, 1.2)))


ABSTRACT: tuple[Pattern, ...] = (clouds, checks, stripes, dots, patches)
NATURAL: tuple[Pattern, ...] = (wood, fabric, stone, marble, cardboard, brushed_metal)


def _grid(side: int) -> tuple[FloatArray, FloatArray]:
    """Position along both axes, in repeats, (side, side) each."""
    line = (np.arange(side) + 0.5) / side
    u, v = np.meshgrid(line, line)
    return u, v


def _noise(rng: np.random.Generator, side: int, slope: float, stretch: float = 1.0) -> FloatArray:
    """Noise whose amplitude falls with frequency to the power of `slope`; mean 0, deviation 1.

    Grain is `stretch` times longer along the second axis of the picture (v) than along u.
    """
    frequency = np.hypot(np.fft.fftfreq(side)[:, None] * stretch, np.fft.rfftfreq(side)[None])
    frequency[0, 0] = np.inf
    spectrum = np.fft.rfft2(rng.standard_normal((side, side))) * frequency**-slope
    noise = np.fft.irfft2(spectrum, s=(side, side))
    return np.asarray((noise - noise.mean()) / noise.std())


def _unit(values: FloatArray) -> FloatArray:
    """Stretch to [0, 1], with the outermost percent cut off."""
    low, high = np.percentile(values, [1, 99])
    return np.asarray(np.clip((values - low) / max(high - low, 1e-9), 0, 1))


def _colours(rng: np.random.Generator, num: int) -> FloatArray:
    return rng.uniform(0.02, 0.98, (num, 3))


def _shades(
    rng: np.random.Generator,
    base: tuple[float, float, float] | FloatArray,
    dark: float,
    light: float,
) -> tuple[FloatArray, FloatArray]:
    """A darker and a lighter shade of about a colour."""
    colour = np.asarray(base) * rng.uniform(0.88, 1.12, 3)
    return np.clip(colour * dark, 0, 1), np.clip(colour * light, 0, 1)


def _ramp(values: FloatArray, colours: FloatArray) -> ByteImage:
    """Map [0, 1] to colours, (n, 3), evenly spaced."""
    places = np.linspace(0, 1, len(colours))
    channels = [np.interp(values, places, colours[:, k]) for k in range(3)]
    return np.asarray(255 * np.stack(channels, axis=-1) + 0.5, np.uint8)
