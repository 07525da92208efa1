from __future__ import annotations

import numpy as np
import pytest

from tasks.core.errors import ConfigError
from tasks.grasping.algorithms.dynamics import draw_dynamics, nominal_dynamics
from tasks.grasping.config import RandomiseConfig

NUM = 2000


def test_nothing_is_drawn_unless_dynamics_are_randomised():
    drawn = draw_dynamics(RandomiseConfig(), 3, np.random.default_rng(0))

    assert drawn == nominal_dynamics(3)
    assert drawn.mass_scale == (1.0, 1.0, 1.0)
    assert drawn.restitution == (0.0, 0.0, 0.0)


def test_draws_fill_their_ranges():
    config = RandomiseConfig(
        dynamics=True,
        mass_factor=3.0,
        friction_low=0.4,
        friction_high=0.9,
        restitution_high=0.3,
        damping_high=0.1,
    )
    drawn = draw_dynamics(config, NUM, np.random.default_rng(0))

    for values, low, high in (
        (np.log(drawn.mass_scale), -np.log(3), np.log(3)),
        (drawn.friction, 0.4, 0.9),
        (drawn.restitution, 0.0, 0.3),
        (drawn.damping, 0.0, 0.1),
    ):
        assert len(values) == NUM
        assert low <= min(values) < low + 0.02 * (high - low)
        assert high >= max(values) > high - 0.02 * (high - low)
        assert np.mean(values) == pytest.approx((low + high) / 2, abs=0.05 * (high - low))
    assert 0.4 <= drawn.finger_friction <= 0.9


def test_empty_range_is_refused_by_name():
    config = RandomiseConfig(friction_low=1.0, friction_high=0.5)
    with pytest.raises(ConfigError, match=r"friction_low: expected at most friction_high \(0.5\)"):
        draw_dynamics(config, 2, np.random.default_rng(0))
