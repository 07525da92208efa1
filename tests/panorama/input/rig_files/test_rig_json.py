from __future__ import annotations

import numpy as np
import pytest

from tasks.core.errors import ArtifactError
from tasks.panorama.input.rig_files.rig_json import read_rig_json, write_rig_json
from tests.support.panorama.rigs import ring_rig


def test_round_trip_is_exact(tmp_path):
    rig = ring_rig(3, 33.3, model="HUGIN")
    path = tmp_path / "rig.json"
    write_rig_json(path, rig)
    for got, expected in zip(read_rig_json(path).cameras, rig.cameras, strict=True):
        assert (got.name, got.model, got.params) == (expected.name, expected.model, expected.params)
        assert np.array_equal(got.camera_from_rig, expected.camera_from_rig)


@pytest.mark.parametrize("text", ["", "{}", '{"format": "panorama.rig/0"}', "[]"])
def test_other_content(tmp_path, text):
    path = tmp_path / "rig.json"
    path.write_text(text)
    with pytest.raises(ArtifactError, match=r"rig\.json"):
        read_rig_json(path)
