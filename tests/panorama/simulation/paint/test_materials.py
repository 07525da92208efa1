"""Texture lookups at all scales."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.panorama.simulation.paint.materials import make_material, sample


def _at(material, s_m, t_m, footprint_m):
    values = (
        np.atleast_1d(v).astype(np.float32) for v in np.broadcast_arrays(s_m, t_m, footprint_m)
    )
    return sample(material, *values)


def _ramp() -> np.ndarray:
    across = np.linspace(0.0, 252.0, 64, dtype=np.float32)
    return np.stack(
        [
            np.broadcast_to(across, (64, 64)),
            np.broadcast_to(across[:, None], (64, 64)),
            np.full((64, 64), 50.0, np.float32),
        ],
        axis=-1,
    )


def test_a_ramp_is_read_where_it_lies():
    material = make_material(_ramp(), (2.0, 2.0))
    # Texel k of 64 has the value 4 k and its centre at (k + 0.5) / 32 m.
    s, t = (10.5 + 0.25) / 32, (40.5 + 0.5) / 32
    assert _at(material, s, t, 0.0)[0] == pytest.approx([41.0, 162.0, 50.0], abs=0.6)


@pytest.mark.parametrize("footprint_m", [0.0, 0.05, 0.1, 0.23, 0.4, 1.0, 9.0])
def test_scale_does_not_move_a_ramp(footprint_m):
    material = make_material(_ramp(), (2.0, 2.0))
    assert _at(material, 1.0, 1.0, footprint_m)[0] == pytest.approx([126.0, 126.0, 50.0], abs=2.0)


def test_a_large_footprint_sees_the_mean():
    rng = np.random.default_rng(0)
    picture = rng.uniform(0.0, 255.0, (128, 256, 3)).astype(np.float32)
    material = make_material(picture, (4.0, 2.0))
    far = _at(material, 1.3, 0.7, 100.0)[0]
    assert far == pytest.approx(picture.mean(axis=(0, 1)), abs=12.0)
    near = _at(material, rng.uniform(0, 4, 200), 1.0, 0.0)
    assert near.std() > 4 * _at(material, rng.uniform(0, 4, 200), 1.0, 0.25).std()


def test_the_texture_goes_on_mirrored():
    material = make_material(_ramp(), (2.0, 2.0))
    places = np.linspace(0.05, 1.95, 20)
    inside = _at(material, places, 0.5, 0.03)
    for beyond in (-places, 4.0 - places, 4.0 + places):
        assert np.abs(_at(material, beyond, 0.5, 0.03) - inside).max() < 0.6


def test_many_points_at_once():
    material = make_material(_ramp(), (2.0, 2.0))
    places = np.random.default_rng(1).uniform(0.0, 2.0, 5000)
    together = _at(material, places, 1.0, 0.1)
    alone = np.concatenate([_at(material, place, 1.0, 0.1) for place in places[::500]])
    assert np.array_equal(together[::500], alone)
