from __future__ import annotations

import numpy as np
import pytest

from tasks.core.errors import ArtifactError
from tasks.panorama.algorithms.fit.grid_field import GridField
from tasks.panorama.algorithms.fit.spline import SplineField
from tasks.panorama.kept_files import read_fields, write_fields

RNG = np.random.default_rng(0)
FIELDS = (
    SplineField(RNG.normal(size=(8, 6, 2)), 96, 128),
    None,
    GridField(RNG.normal(size=(5, 4, 2)).astype(np.float32).astype(float), 4.0, (-4.0, -8.0)),
)


def test_fields_come_back(tmp_path) -> None:
    write_fields(tmp_path / "f.npz", FIELDS)
    found = read_fields(tmp_path / "f.npz")
    points = RNG.uniform(-10, 130, (40, 2))
    assert found[1] is None
    for index in (0, 2):
        assert type(found[index]) is type(FIELDS[index])
        np.testing.assert_array_equal(found[index].sample(points), FIELDS[index].sample(points))


def test_same_fields_give_the_same_bytes(tmp_path) -> None:
    for name in ("one", "two"):
        write_fields(tmp_path / name, FIELDS)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


@pytest.mark.parametrize("kept", [0, 10, 300])
def test_a_file_cut_short_is_an_error(tmp_path, kept) -> None:
    path = tmp_path / "f.npz"
    write_fields(path, FIELDS)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(ArtifactError, match="expected warp fields"):
        read_fields(path)


def test_an_unknown_kind_of_field_is_refused(tmp_path) -> None:
    with pytest.raises(TypeError, match="expected a spline or a grid"):
        write_fields(tmp_path / "f.npz", [object()])  # type: ignore[list-item]
