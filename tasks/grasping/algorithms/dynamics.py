"""Physical properties of a scene's objects: nominal, or drawn."""

from __future__ import annotations

import numpy as np

from tasks.core.errors import ConfigError
from tasks.grasping.config import RandomiseConfig
from tasks.grasping.types import Dynamics

FRICTION = 0.8
"""Of objects: wood or plastic on each other, roughly."""
FINGER_FRICTION = 1.0
"""Rubber pads."""
DAMPING = 0.04
"""Bullet's own value."""


def nominal_dynamics(num_objects: int) -> Dynamics:
    """Return the properties of a scene where nothing is drawn."""
    return Dynamics(
        mass_scale=(1.0,) * num_objects,
        friction=(FRICTION,) * num_objects,
        finger_friction=FINGER_FRICTION,
        restitution=(0.0,) * num_objects,
        damping=(DAMPING,) * num_objects,
    )


def draw_dynamics(config: RandomiseConfig, num_objects: int, rng: np.random.Generator) -> Dynamics:
    """Draw the properties of a scene; nominal where dynamics are not to be randomised.

    Mass factors are drawn evenly in the logarithm, so that half and double are as likely.

    Raises:
        ConfigError: The range of friction is empty.
    """
    if config.friction_low > config.friction_high:
        raise ConfigError(
            f"randomise.friction_low: expected at most friction_high ({config.friction_high:g}), "
            f"got {config.friction_low:g}"
        )
    if not config.dynamics:
        return nominal_dynamics(num_objects)
    log_mass = np.log(config.mass_factor)
    friction = (config.friction_low, config.friction_high)
    return Dynamics(
        mass_scale=_tuple(np.exp(rng.uniform(-log_mass, log_mass, num_objects))),
        friction=_tuple(rng.uniform(*friction, num_objects)),
        finger_friction=float(rng.uniform(*friction)),
        restitution=_tuple(rng.uniform(0, config.restitution_high, num_objects)),
        damping=_tuple(rng.uniform(0, config.damping_high, num_objects)),
    )


def _tuple(values: np.ndarray) -> tuple[float, ...]:
    return tuple(float(each) for each in values)
