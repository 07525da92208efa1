from __future__ import annotations

import shutil

import numpy as np
import pytest

from benchmarks.restitch.judgements.faults import FAULTS
from tasks.panorama.input.photos import read_photo
from tasks.panorama.input.rig_files.colmap import read_rig
from tests.support.panorama.captures import write_capture


@pytest.fixture
def folders(tmp_path):
    sound = write_capture(tmp_path / "sound")
    shutil.copytree(sound, tmp_path / "faulty")
    return sound, tmp_path / "faulty", write_capture(tmp_path / "other", sphere_px=256)


def changed_photos(sound, faulty):
    names = [path.name for path in (sound / "images").iterdir()]
    paths = [(sound / "images" / name, faulty / "images" / name) for name in names]
    return sum(one.read_bytes() != other.read_bytes() for one, other in paths)


@pytest.mark.parametrize(("kind", "photos"), [("swap", 2), ("stale", 1), ("black", 1)])
def test_faults_of_photos(folders, kind, photos):
    sound, faulty, other = folders
    FAULTS[kind](faulty, other, np.random.default_rng(0))
    assert changed_photos(sound, faulty) == photos
    assert len(list((faulty / "images").iterdir())) == 3


@pytest.mark.parametrize(("kind", "cameras"), [("turn", 1), ("lens", 3)])
def test_faults_of_the_rig(folders, kind, cameras):
    sound, faulty, other = folders
    FAULTS[kind](faulty, other, np.random.default_rng(0))
    assert changed_photos(sound, faulty) == 0
    pairs = zip(
        read_rig(sound / "sparse").cameras, read_rig(faulty / "sparse").cameras, strict=True
    )
    differ = [
        one.params != other.params
        or not np.allclose(one.camera_from_rig, other.camera_from_rig, atol=1e-6)
        for one, other in pairs
    ]
    assert sum(differ) == cameras


def test_a_bracket_has_three_exposures_of_each_photo_and_no_rig(folders):
    _, faulty, other = folders
    FAULTS["bracket"](faulty, other, np.random.default_rng(0))
    assert not (faulty / "sparse").exists()
    dark, plain, light = (
        read_photo(faulty / "images" / f"camera1_ev{stops}.jpg").mean()
        for stops in ("-1.5", "+0", "+1.5")
    )
    assert dark < plain < light
    assert len(list((faulty / "images").iterdir())) == 9
