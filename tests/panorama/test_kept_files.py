"""A capture's matches, warp fields and photometry come back from disk as they were."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from tasks.core.errors import ArtifactError
from tasks.core.records import FileRef
from tasks.panorama.algorithms.fit.grid_field import GridField
from tasks.panorama.algorithms.fit.spline import SplineField
from tasks.panorama.check_records import CaptureCheck
from tasks.panorama.kept_files import (
    read_correspondences,
    read_fields,
    read_images,
    read_photometry,
    write_correspondences,
    write_fields,
    write_photometry,
)
from tasks.panorama.manifests import CaptureRecord, ImageRecord
from tasks.panorama.photo_records import Origin
from tasks.panorama.types import Alignment, Correspondences, Photometry
from tests.support.panorama.matches import matches_under
from tests.support.panorama.rigs import ring_rig

RNG = np.random.default_rng(0)
FIELDS = (
    SplineField(RNG.normal(size=(8, 6, 2)), 96, 128),
    None,
    GridField(RNG.normal(size=(5, 4, 2)).astype(np.float32).astype(float), 4.0, (-4.0, -8.0)),
)


def _capture(folder: Path) -> CaptureRecord:
    images = []
    for index, orientation in enumerate((1, 6, 1)):
        path = folder / f"{index}.png"
        assert cv2.imwrite(str(path), RNG.integers(0, 256, (6, 8, 3), np.uint8))
        size_px = (8, 6) if orientation == 1 else (6, 8)
        images.append(
            ImageRecord(
                name=str(index),
                file=FileRef(uri=str(path), sha256="0" * 64, num_bytes=1),
                orientation=orientation,
                width_px=size_px[0],
                height_px=size_px[1],
                mask=None,
            )
        )
    none = FileRef(uri="none", sha256="0" * 64, num_bytes=0)
    return CaptureRecord(
        item_id="a",
        images=tuple(images),
        rig=none,
        left_out=(),
        contact_sheet=none,
        truth={},
        check=CaptureCheck(rig="good", rig_fault="", photos=(), overlaps=()),
        origin=Origin(digest="0" * 64, rig="photos", time=None, position=None),
    )


@pytest.mark.parametrize("is_large", [False, True])
def test_photos_stay_in_memory_while_they_are_small(tmp_path, monkeypatch, is_large) -> None:
    """Large ones are let go: whoever asks twice has them decoded twice."""
    monkeypatch.setattr("tasks.panorama.kept_files.MAX_KEPT_BYTES", 431 if is_large else 432)
    photos = read_images(_capture(tmp_path), lambda file: Path(file.uri))
    assert [photo.shape for photo in photos] == [(6, 8, 3), (8, 6, 3), (6, 8, 3)]
    assert np.array_equal(photos[1], np.rot90(cv2.imread(str(tmp_path / "1.png")), -1))
    assert (photos[0] is photos[0]) != is_large
    assert [np.array_equal(a, b) for a, b in zip(photos[1:], photos[-2:], strict=True)] == [
        True
    ] * 2
    with pytest.raises(IndexError):
        photos[3]


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
def test_correspondences_come_back(tmp_path, count) -> None:
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


def test_correspondences_cut_short_are_an_error(tmp_path) -> None:
    path = tmp_path / "c.parquet"
    write_correspondences(path, _matches())
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(ArtifactError, match="expected correspondences"):
        read_correspondences(path)


def test_missing_correspondences_are_an_error(tmp_path) -> None:
    with pytest.raises(ArtifactError, match="expected correspondences"):
        read_correspondences(tmp_path / "none.parquet")


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
def test_fields_cut_short_are_an_error(tmp_path, kept) -> None:
    path = tmp_path / "f.npz"
    write_fields(path, FIELDS)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(ArtifactError, match="expected warp fields"):
        read_fields(path)


def test_an_unknown_kind_of_field_is_refused(tmp_path) -> None:
    with pytest.raises(TypeError, match="expected a spline or a grid"):
        write_fields(tmp_path / "f.npz", [object()])  # type: ignore[list-item]


def test_photometry_comes_back_exactly(tmp_path) -> None:
    photometry = Photometry(np.random.default_rng(0).normal(1, 0.1, (4, 3)), (-0.3, 0.1))
    write_photometry(tmp_path / "p.json", photometry)
    found = read_photometry(tmp_path / "p.json")
    np.testing.assert_array_equal(found.gains, photometry.gains)
    assert found.vignetting == photometry.vignetting


@pytest.mark.parametrize("text", ["", "{}", '{"gains_bgr": [[1, 1]], "vignetting_k2_k4": [0, 0]}'])
def test_damaged_photometry_is_an_error(tmp_path, text) -> None:
    (tmp_path / "p.json").write_text(text)
    with pytest.raises(ArtifactError, match="expected gains and falloff"):
        read_photometry(tmp_path / "p.json")
