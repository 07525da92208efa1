from __future__ import annotations

import numpy as np
import pytest

from tasks.core.errors import ArtifactError
from tasks.panorama.kept_files import read_photometry, write_photometry
from tasks.panorama.types import Photometry


def test_photometry_comes_back_exactly(tmp_path) -> None:
    photometry = Photometry(np.random.default_rng(0).normal(1, 0.1, (4, 3)), (-0.3, 0.1))
    write_photometry(tmp_path / "p.json", photometry)
    found = read_photometry(tmp_path / "p.json")
    np.testing.assert_array_equal(found.gains, photometry.gains)
    assert found.vignetting == photometry.vignetting


@pytest.mark.parametrize("text", ["", "{}", '{"gains_bgr": [[1, 1]], "vignetting_k2_k4": [0, 0]}'])
def test_a_damaged_file_is_an_error(tmp_path, text) -> None:
    (tmp_path / "p.json").write_text(text)
    with pytest.raises(ArtifactError, match="expected gains and falloff"):
        read_photometry(tmp_path / "p.json")
