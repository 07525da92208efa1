from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tasks.core.errors import ArtifactError
from tasks.panorama.kept_files import read_correspondences, write_correspondences
from tasks.panorama.types import Alignment, Correspondences
from tests.support.panorama.matches import matches_under
from tests.support.panorama.rigs import ring_rig


def _matches() -> Correspondences:
    rig = ring_rig(3, 25.0)
    matches = matches_under(Alignment(rig, (None,) * 3), [(0, 1), (1, 2)], 50)
    rng = np.random.default_rng(0)
    count = len(matches)
    return replace(
        matches,
        weights=rng.random(count),
        colours_a=rng.integers(0, 256, (count, 3)).astype(float),
        colours_b=rng.integers(0, 256, (count, 3)).astype(float),
        held_out=rng.random(count) < 0.3,
    )


@pytest.mark.parametrize("count", [None, 0])
def test_everything_comes_back(tmp_path, count) -> None:
    matches = _matches().select(np.arange(len(_matches()))[:count])
    write_correspondences(tmp_path / "c.parquet", matches)
    found = read_correspondences(tmp_path / "c.parquet")
    for name, values in vars(matches).items():
        np.testing.assert_array_equal(getattr(found, name), values)
        assert getattr(found, name).dtype == values.dtype


def test_same_matches_give_the_same_bytes(tmp_path) -> None:
    for name in ("one", "two"):
        write_correspondences(tmp_path / name, _matches())
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_a_file_cut_short_is_an_error(tmp_path) -> None:
    path = tmp_path / "c.parquet"
    write_correspondences(path, _matches())
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(ArtifactError, match="expected correspondences"):
        read_correspondences(path)


def test_a_missing_file_is_an_error(tmp_path) -> None:
    with pytest.raises(ArtifactError, match="expected correspondences"):
        read_correspondences(tmp_path / "none.parquet")
