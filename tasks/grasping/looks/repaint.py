"""Paint other looks over stored G-buffers, without simulating or rendering again.

Whoever trains draws as many looks of an attempt as wanted: outcome, poses and masks stay.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tasks.grasping.looks.painter import paint
from tasks.grasping.looks.sensor import sense
from tasks.grasping.looks.textures import Textures
from tasks.grasping.types import Attempt, Look, Rendering


def repaint(
    rendering: Rendering, look: Look, textures: Textures, rng: np.random.Generator
) -> Rendering:
    """Paint a look over a stored picture.

    Args:
        rendering: As stored: with depth, and bent by its camera's lens already.
        look: Surfaces, light and sensor.
        textures: What the look's indices refer to.
        rng: Draws the noise.

    Returns:
        The same with another picture.

    Raises:
        ValueError: The rendering was stored without depth.
    """
    rgb = paint(rendering, look, textures, is_distorted=True)
    return replace(rendering, rgb=sense(rgb, look, rendering.camera, rng))


def repaint_attempt(
    attempt: Attempt, look: Look, textures: Textures, rng: np.random.Generator
) -> Attempt:
    """Paint a look over the pictures of all steps of an attempt; see `repaint`."""
    steps = tuple(
        replace(step, rendering=repaint(step.rendering, look, textures, rng))
        for step in attempt.steps
    )
    return replace(attempt, steps=steps)
