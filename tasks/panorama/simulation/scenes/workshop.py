"""The place where scenes are put together: builder, generator, texture raster, shadows, sky."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

from tasks.panorama.simulation.paint.materials import make_material
from tasks.panorama.simulation.paint.textures import Canvas, Colour, draw_colour, rough
from tasks.panorama.simulation.rays.surfaces import GroundLight, SceneBuilder, Sky
from tasks.panorama.types import Float32Array, FloatArray

_MAX_TEXELS = 3.0e6
_TEXELS_PER_PIXEL = 1.1
_LIGHT_MAP_HALF_M = 40.0
_SUN_SHADOW = 0.62
_CONTACT_SHADOW = 0.45


@dataclass
class Workshop:
    """Everything that the scenes share while they are built.

    Attributes:
        rng: Generator of layout and textures.
        focal_px: Largest focal length with which the scene is seen; it sets the texture raster.
        ground_y_m: Height of the ground (y points down).
        builder: Receives the surfaces.
    """

    rng: np.random.Generator
    focal_px: float
    ground_y_m: float
    builder: SceneBuilder = field(default_factory=SceneBuilder)
    _shadows: list[FloatArray] = field(default_factory=list)
    _contacts: list[FloatArray] = field(default_factory=list)

    def canvas(self, width_m: float, height_m: float, distance_m: float) -> Canvas:
        """Return a canvas as fine as a surface needs that is seen from a distance."""
        texels_per_m = _TEXELS_PER_PIXEL * self.focal_px / distance_m
        limit = float(np.sqrt(_MAX_TEXELS / (width_m * height_m)))
        return Canvas(self.rng.spawn(1)[0], width_m, height_m, min(texels_per_m, limit))

    def material(self, canvas: Canvas, picture: Float32Array, *, on_ground: bool = False) -> int:
        """Register a painted canvas as a material."""
        size_m = (canvas.width_m, canvas.height_m)
        return self.builder.material(make_material(picture, size_m, on_ground=on_ground))

    def rough_material(
        self, colour: Colour, distance_m: float, contrast: float = 0.08, size_m: float = 2.0
    ) -> int:
        """Register a blotchy material of one colour."""
        canvas = self.canvas(size_m, size_m, distance_m)
        return self.material(canvas, rough(canvas, colour, contrast, size_m / 3))

    def colour(self, low: float, high: float) -> Colour:
        """Draw a muted colour."""
        return draw_colour(self.rng, low, high)

    def shadow_of_box(
        self, low: tuple[float, float], high: tuple[float, float], top_y_m: float
    ) -> None:
        """Let a box with a footprint (x, z) throw a shadow on the ground."""
        corners = np.array([low, (high[0], low[1]), high, (low[0], high[1])], float)
        self._contacts.append(corners)
        self._throw(corners, 0.0, self.ground_y_m - top_y_m)

    def shadow_of_disc(
        self, centre: tuple[float, float], radius_m: float, foot_y_m: float, top_y_m: float
    ) -> None:
        """Let an upright round body throw a shadow; it may hang above the ground."""
        angles = np.linspace(0.0, 2 * np.pi, 24, endpoint=False)
        ring = np.array(centre) + radius_m * np.column_stack([np.cos(angles), np.sin(angles)])
        if foot_y_m >= self.ground_y_m - 0.05:
            self._contacts.append(ring)
        self._throw(ring, self.ground_y_m - foot_y_m, self.ground_y_m - top_y_m)

    def ground_light(self, *, has_sun: bool = True) -> GroundLight:
        """Paint the shadows that were thrown, as a map of brightness factors."""
        texels_per_m = float(np.clip(0.04 * self.focal_px, 4.0, 20.0))
        size_px = int(2 * _LIGHT_MAP_HALF_M * texels_per_m)
        factors = np.ones((size_px, size_px), np.float32)
        if has_sun:
            _paint(factors, self._shadows, texels_per_m, _SUN_SHADOW)
            blurred = cv2.GaussianBlur(factors, (0, 0), max(0.06 * texels_per_m, 0.6))
            factors = np.asarray(blurred, np.float32)
        contact = np.ones_like(factors)
        _paint(contact, self._contacts, texels_per_m, _CONTACT_SHADOW)
        factors *= cv2.GaussianBlur(contact, (0, 0), max(0.22 * texels_per_m, 0.6))
        return GroundLight(factors, _LIGHT_MAP_HALF_M)

    def sky(self) -> Sky:
        """Paint a pale sky with soft clouds: hardly any texture to match."""
        size_px = int(np.clip(1.0 * self.focal_px, 96, 640))
        canvas = Canvas(self.rng.spawn(1)[0], 8.4, 8.4, size_px / 8.4)
        clouds = canvas.noise(2.2, 0.42)[..., None]
        steps = np.linspace(-4.2, 4.2, clouds.shape[0], dtype=np.float32)
        from_zenith = np.minimum(np.hypot(steps[:, None], steps[None, :]) / 4.0, 1.0)[..., None]
        zenith, horizon = (
            np.array(tone, np.float32) for tone in ((196.0, 166.0, 132.0), (214.0, 208.0, 200.0))
        )
        picture = zenith + from_zenith**0.7 * (horizon - zenith)
        cover = np.clip(0.5 + 0.28 * clouds, 0.0, 1.0)
        picture += 0.45 * cover * (np.array((212.0, 210.0, 208.0), np.float32) - picture)
        return Sky(np.clip(picture, 0.0, 216.0).astype(np.float32))

    def _throw(self, footprint: FloatArray, from_m: float, to_m: float) -> None:
        sun = np.array(self.builder.sun, float)
        per_metre = -sun[[0, 2]] / -sun[1]
        both = np.concatenate([footprint + from_m * per_metre, footprint + to_m * per_metre])
        self._shadows.append(cv2.convexHull(both.astype(np.float32))[:, 0].astype(float))


def _paint(
    factors: Float32Array, outlines: list[FloatArray], texels_per_m: float, factor: float
) -> None:
    # Fractional bits keep coarse maps of small things in place.
    shift = 4
    for outline in outlines:
        texels = (outline + _LIGHT_MAP_HALF_M) * texels_per_m - 0.5
        fixed = np.round(texels * 2**shift).astype(np.int32)
        cv2.fillConvexPoly(factors, fixed, factor, cv2.LINE_8, shift)
