from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from tasks.core.errors import DataError
from tasks.panorama.camera.camera import project, rays
from tasks.panorama.camera.overlaps import overlapping_pairs
from tasks.panorama.input.rig_files.hugin import (
    camera_views,
    photo_of,
    read_project,
    read_rig,
    write_rig,
)
from tasks.panorama.types import Rig
from tests.support.hostile.captures import damaged
from tests.support.hostile.refusals import check_sentence
from tests.support.panorama.equirect import to_pixels
from tests.support.panorama.rigs import DISTORTION, make_camera, ring_rig

MODELS = [model for model in DISTORTION if not model.startswith("OPENCV")]
HEADER = '# hugin project file\np f2 w4096 h2048 v360  n"TIFF_m"\nm i0\n'
PLAIN = 'i w600 h800 f0 v50 r0 p0 y0 n"a.jpg"\n'
LENS = "a0.01 b-0.03 c0.02 d12 e-7 g0 t0"
# Where pano_trafo (Hugin 2022.0) puts pixels (0, 0) and (500, 300) on a panorama 4096 px wide.
TRAFO = {
    "i w600 h800 f0 v50 r25 p20 y40": [(2352.4165, 380.4799), (2734.3625, 803.8938)],
    f"i w600 h800 f0 v50 r25 p20 y40 {LENS}": [(2332.354, 382.4594), (2720.4128, 803.5716)],
    f"i w600 h800 f3 v120 r25 p20 y40 {LENS}": [(734.1401, 378.6524), (3001.3707, 847.232)],
    f"i w800 h600 f2 v150 r-25 p-20 y140 {LENS}": [(2602.7792, 892.9518), (3822.577, 1178.3441)],
    f"i w600 h800 f1 v80 r25 p20 y40 {LENS}": [(2117.8932, 188.0347), (2835.9656, 813.1045)],
    "i w600 h800 f1 v80 r25 p20 y40": [(2171.7475, 187.6206), (2858.3825, 814.1398)],
    f"i w600 h800 f4 v120 r25 p20 y40 {LENS}": [(4021.1192, 236.6106), (2998.4068, 827.095)],
    "i w800 h600 f4 v200 r25 p20 y40": [(172.2475, 279.872), (2762.1291, 932.4724)],
    f"i w600 h800 f8 v90 r25 p20 y40 {LENS}": [None, (2857.9116, 820.3078)],
    "i w800 h600 f8 v120 r25 p20 y40": [None, (2635.8786, 861.1388)],
    f"i w600 h800 f10 v120 r25 p20 y40 {LENS}": [(882.1535, 254.1987), (3024.5484, 852.4461)],
    "i w800 h600 f10 v200 r25 p20 y40": [(847.8389, 572.3093), (2842.434, 980.9977)],
    f"i w600 h800 f20 v100 r25 p20 y40 {LENS}": [(676.5203, 467.7603), (2906.0194, 828.2861)],
    "i w800 h600 f20 v170 r25 p20 y40": [None, (2688.5073, 889.9003)],
    f"i w600 h800 f21 v120 r25 p20 y40 {LENS}": [(650.6733, 520.78), (2989.5283, 844.6581)],
    "i w800 h600 f21 v200 r25 p20 y40": [(631.7423, 905.2883), (2733.1417, 915.3983)],
}


def project_file(folder: Path, *lines: str) -> Path:
    path = folder / "capture.pto"
    path.write_text(HEADER + "".join(lines))
    return path


@pytest.mark.parametrize("line", TRAFO)
def test_equals_hugin(tmp_path, line):
    rig = read_rig(project_file(tmp_path, PLAIN, f'{line} n"b.jpg"\n'))
    places = np.array([[0.0, 0], [500, 300]])
    seen = [expected is not None for expected in TRAFO[line]]
    directions = rays(rig.cameras[1], places)
    expected = [each for each in TRAFO[line] if each is not None]
    assert np.abs(to_pixels(directions[seen], 4096) - expected).max() < 1e-3
    back, known = project(rig.cameras[1], directions)
    assert known[seen].all()
    assert np.abs(back - places)[seen].max() < 1e-6
    assert np.abs(back - places)[~np.array(seen)].min(initial=np.inf) > 1, "beyond the lens"


def test_signs(tmp_path):
    right = PLAIN.replace("y0", "y90").replace("a.jpg", "right.jpg")
    up = PLAIN.replace("p0", "p90").replace("a.jpg", "up.jpg")
    centre = np.array([[299.5, 399.5]])
    cameras = read_rig(project_file(tmp_path, PLAIN, right, up)).cameras
    directions = np.concatenate([rays(camera, centre) for camera in cameras])
    assert np.allclose(directions, [[0, 0, 1], [1, 0, 0], [0, -1, 0]], atol=1e-12)


def test_references_paths_and_what_is_ignored(tmp_path, caplog):
    lines = (
        'i w600 h800 f0 v50 Ra0 Eev13.7 r0 p0 y0 a1e-05 b0 c0 Vm5 S0,0,0,0 n"C:\\p\\a.x.jpg"\n',
        'i w=0 h=0 f=0 v=0 r0 p0 y30 TrX0.5 a=0 b=0 c=0 Vm5 n"some folder/b c.jpg"\n',
    )
    with caplog.at_level(logging.WARNING):
        first, second = read_rig(project_file(tmp_path, *lines)).cameras
    assert (first.name, second.name) == ("a.x", "b c")
    assert first.params == second.params
    assert first.params[4] == 1e-05
    assert "translation (TrX, TrY, TrZ) is ignored" in caplog.text


def test_images_that_are_switched_off_are_told_apart(tmp_path):
    names = "abcd"
    lines = [
        PLAIN.replace("a.jpg", f"{name}.jpg").replace("y0", f"y{k}0")
        for k, name in enumerate(names)
    ]
    lines[1] = lines[1].replace("v50", "v=0")
    comments = ["", " disabled", "", ""]
    images = zip(comments, lines, strict=True)
    project = read_project(
        project_file(tmp_path, *(f"#-hugin  cropFactor=1{said}\n{line}" for said, line in images))
    )
    assert project.switched_off == ("b",)
    assert [camera.name for camera in project.rig.cameras] == ["a", "c", "d"]
    only = [f"#-hugin  cropFactor=1 disabled\n{line}" for line in lines[:3]]
    with pytest.raises(DataError, match="switched on: expected 2 to 100 cameras, found 1"):
        read_project(project_file(tmp_path, *only, lines[3]))


def test_masks_and_crops_say_where_a_photo_may_be_used(tmp_path):
    lines = (
        PLAIN.replace("y0", "y0 S100,500,0,800"),
        PLAIN.replace("y0", "y20 v=0").replace("v50", "").replace("a.jpg", "b.jpg"),
        'k i0 t0 p"200 300 300 300 300 400 200 400"\n',
        'k i1 t4 p"400 500 450 500 450 550 400 550"\n',
    )
    project = read_project(project_file(tmp_path, *lines))
    first, second = project.usable("a"), project.usable("b")
    assert first.shape == (800, 600)
    assert not first[:, :100].any()
    assert not first[:, 500:].any()
    assert not first[300:400, 200:300].any()
    assert first[300:400, 310:400].all()
    assert not first[500:550, 400:450].any(), "both have one lens"
    assert second[:490].all()
    assert not second[500:550, 400:450].any()
    unmasked = read_project(project_file(tmp_path, PLAIN, PLAIN.replace("a.jpg", "b.jpg")))
    assert unmasked.usable("a") is None


def lines_of(*names: str) -> list[str]:
    return [PLAIN.replace("y0", f"y{30 * k}").replace("a.jpg", n) for k, n in enumerate(names)]


def test_photos_lie_where_their_folders_end_alike(tmp_path):
    path = project_file(tmp_path, *lines_of("D:\\\\x\\\\cam0\\\\1.jpg", "/y/cam1/1.jpg", "c.jpg"))
    photos = ["cam0/1", "cam1/1", "c"]
    assert [camera.name for camera in read_rig(path, photos).cameras] == photos
    assert camera_views(path, photos) == [(name, name) for name in photos]
    with pytest.raises(DataError, match="'1' is used 2 times"):
        read_rig(path)


def test_a_project_serves_other_frames(tmp_path):
    path = project_file(tmp_path, *lines_of("cam0/1.jpg", "cam1/1.jpg"))
    cameras = read_rig(path, ["cam0/7", "cam1/7"], "7").cameras
    assert [camera.name for camera in cameras] == ["cam0/7", "cam1/7"]


def test_both_circles_of_one_picture(tmp_path):
    half = 'i w1600 h800 f2 v400 r0 p0 y{} a0 b0 c0 d{} e0 S{},{},0,800 n"360.jpg"\n'
    lines = half.format(0, -400, 0, 800), half.format(180, 400, 800, 1600)
    front, back = read_rig(project_file(tmp_path, *lines), ["360"]).cameras
    assert (front.name, back.name) == ("360", "360:2")
    assert [photo_of(name, ["360"]) for name in ("360", "360:2")] == ["360", "360"]
    assert photo_of("360:2", ["360", "360:2"]) == "360:2"
    assert front.params[0] == pytest.approx(800 / np.radians(200))
    middles = [rays(c, np.array([[x, 399.5]])) for c, x in ((front, 399.5), (back, 1199.5))]
    assert np.allclose(np.concatenate(middles), [[0, 0, 1], [0, 0, -1]], atol=1e-12)
    views = camera_views(tmp_path / "capture.pto", ["1", "2"])
    assert views == [("360", "360"), ("360:2", "360")]
    again = read_rig(tmp_path / "capture.pto", ["1", "2"], "2").cameras
    assert [camera.name for camera in again] == ["2", "2:2"]


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(MODELS), st.integers(0, 10_000))
def test_round_trip(tmp_path_factory, model, seed):
    rng = np.random.default_rng(seed)
    cameras = tuple(
        make_camera(model, name=f"c {i}", rotation=Rotation.random(rng=rng).as_matrix())
        for i in range(2)
    )
    path = tmp_path_factory.mktemp("rig") / "rig.pto"
    write_rig(path, Rig(cameras))
    for got, expected in zip(read_rig(path).cameras, cameras, strict=True):
        assert (got.name, got.model) == (expected.name, expected.model)
        assert got.params[4:] == DISTORTION[model]
        assert np.allclose(got.params, expected.params, rtol=1e-12)
        assert np.allclose(got.camera_from_rig, expected.camera_from_rig, atol=1e-9)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (PLAIN.replace("f0", "f7"), "expected lens type 0 .* found f7"),
        (PLAIN.replace("f0", "f8").replace("v50", "v181"), "0 to 180 degrees, found 181"),
        (PLAIN.replace("f0", "f20").replace("v50", "v253"), "0 to 252 degrees, found 253"),
        (PLAIN.replace("v50", "vnan"), "expected a number in 'vnan'|expected .* 'v'"),
        (PLAIN.replace("v50", "v1e999"), "finite number in 'v1e999'"),
        (PLAIN.replace("v50", "v=7"), "a reference to an earlier image in 'v=7'"),
        (PLAIN.replace("v50", ""), "expected parameter 'v', found none"),
        (PLAIN.replace("v50", "v180"), "field of view of 0 to 179 degrees, found 180"),
        (PLAIN.replace("w600", "w0"), "positive size"),
        (PLAIN.replace("y0", "g2"), "expected no shear"),
        (PLAIN.replace('n"a.jpg"', ""), "expected the image's name"),
        (PLAIN.replace("y0", "S1,2,3"), "expected a crop of 4 numbers, found '1,2,3'"),
        (PLAIN.replace("y0", "S0,1e99,0,9"), "expected a crop within the image"),
        (PLAIN + 'k i2 t0 p"0 0 1 1 2 0"\n', "expected a mask as k i<image>.* of one of 2"),
        (PLAIN + 'k i0 t0 p"0 0 1 1 2"\n' * 1001, "at most 1000 masks, found 1001"),
        (PLAIN.replace("a.jpg", "other.jpg"), "'other' is used 2 times"),
        ("", "2 to 100 cameras, found 1"),
    ],
)
def test_bad_projects(tmp_path, line, message):
    first = PLAIN.replace("a.jpg", "other.jpg")
    with pytest.raises(DataError, match=message):
        read_rig(project_file(tmp_path, first, line))


def test_missing_file(tmp_path):
    with pytest.raises(DataError, match="readable Hugin project"):
        read_rig(tmp_path / "none.pto")


def test_opencv_lens_cannot_be_written(tmp_path):
    with pytest.raises(DataError, match="found OPENCV"):
        write_rig(tmp_path / "a.pto", ring_rig(2, 20.0, model="OPENCV"))


@pytest.mark.hostile
@pytest.mark.parametrize("seed", range(20))
def test_a_damaged_project_is_a_rig_or_is_refused_by_its_file(tmp_path, seed):
    rng = np.random.default_rng(seed)
    lines = [f'{line} n"{index}.jpg"\n' for index, line in enumerate(TRAFO)]
    path = project_file(tmp_path, *lines)
    text = path.read_bytes()
    for _ in range(20):
        path.write_bytes(damaged(text, rng))
        try:
            rig = read_rig(path)
            overlapping_pairs(rig, 0.02)
        except DataError as error:
            check_sentence(str(error), str(path))
