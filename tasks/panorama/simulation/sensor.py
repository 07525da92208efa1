"""From what reaches the lens to the 8-bit photo: exposure, vignetting, noise."""

from __future__ import annotations

import numpy as np

from tasks.panorama.simulation.config import SimulationConfig
from tasks.panorama.types import ByteImage, Float32Array, Photometry

# Of the light missing in the corner, the share that the r^2 term takes; the rest is r^4.
_QUADRATIC_SHARE = 2.0 / 3.0


def draw_photometry(settings: SimulationConfig, rng: np.random.Generator) -> Photometry:
    """Draw gains, geometric mean 1 over the images in each channel, and set the vignetting."""
    exposure = rng.uniform(-1.0, 1.0, (settings.num_cameras, 1)) * settings.gain_spread
    colour = rng.uniform(-1.0, 1.0, (settings.num_cameras, 3)) * settings.colour_spread
    gains = (1.0 + exposure) * (1.0 + colour)
    gains /= np.exp(np.log(gains).mean(axis=0))
    loss = settings.vignetting
    return Photometry(gains, (-_QUADRATIC_SHARE * loss, -(1.0 - _QUADRATIC_SHARE) * loss))


def expose(
    colours: Float32Array,
    photometry: Photometry,
    image_index: int,
    noise_grey: float,
    rng: np.random.Generator,
) -> ByteImage:
    """Turn radiance into a photo.

    Args:
        colours: (h, w, 3) float32 BGR radiance, 0..255.
        photometry: Gains and vignetting.
        image_index: Which gains.
        noise_grey: Standard deviation of the noise in grey levels.
        rng: Generator of the noise.
    """
    height_px, width_px = colours.shape[:2]
    factor = _falloff(width_px, height_px, photometry.vignetting)[..., None]
    photo = colours * factor * photometry.gains[image_index].astype(np.float32)
    photo += np.float32(noise_grey) * rng.standard_normal(photo.shape, dtype=np.float32)
    return np.asarray(np.clip(np.rint(photo), 0, 255), np.uint8)


def _falloff(width_px: int, height_px: int, vignetting: tuple[float, float]) -> Float32Array:
    x = np.arange(width_px) - 0.5 * (width_px - 1)
    y = np.arange(height_px) - 0.5 * (height_px - 1)
    half_diagonal = 0.5 * np.hypot(width_px, height_px)
    square = (x[None, :] ** 2 + y[:, None] ** 2) / half_diagonal**2
    k2, k4 = vignetting
    return np.asarray(1.0 + k2 * square + k4 * square**2, np.float32)
