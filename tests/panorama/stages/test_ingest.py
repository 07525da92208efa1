from __future__ import annotations

import errno
import os
import shutil
import time

import cv2
import numpy as np
import pytest
from PIL import ExifTags, Image

from operators.stage.local import LocalRun
from tasks.core.errors import ConfigError, DataError, TransientError
from tasks.core.outside.stored import StoredFolder
from tasks.panorama.config import IngestConfig
from tasks.panorama.kept_files import read_images, read_masks, read_rig, truth_folder
from tasks.panorama.manifests import CaptureSet
from tasks.panorama.stages import ingest
from tasks.panorama.stages.ingest import ingest_captures
from tests.support.hostile import captures
from tests.support.hostile.refusals import check_sentence, memory_limit, refused, watching
from tests.support.panorama.captures import small_rig, write_capture
from tests.support.s3 import put_folder


@pytest.fixture
def archive(tmp_path):
    for name in ("first", "second"):
        write_capture(tmp_path / "archive" / name)
    return tmp_path / "archive"


def run_ingest(folder, archive, **settings):
    run = LocalRun(folder / "store")
    refs = run.run(ingest_captures, config=IngestConfig(captures=str(archive), **settings))
    return run, [run.read(ref, CaptureSet) for ref in refs]


def test_captures_can_be_read_back(tmp_path, archive):
    (archive / "first" / "masks").mkdir()
    mask = np.zeros((128, 96), np.uint8)
    mask[:40] = 255
    cv2.imwrite(str(archive / "first" / "masks" / "camera1.png"), mask)
    (archive / "second" / "truth").mkdir()
    (archive / "second" / "truth" / "cameras.json").write_text("{}")
    run, (group,) = run_ingest(tmp_path, archive)
    first, second = group.captures
    assert (first.item_id, second.item_id) == ("first", "second")
    rig = read_rig(first, run.fetch)
    for got, expected in zip(rig.cameras, small_rig().cameras, strict=True):
        assert np.allclose(got.camera_from_rig, expected.camera_from_rig)
    images = read_images(first, run.fetch)
    expected_image = cv2.imread(str(archive / "first" / "images" / "camera2.jpg"))
    assert np.abs(images[2].astype(int) - expected_image).max() <= 3
    none, kept, _ = read_masks(first, run.fetch)
    assert none is None
    assert np.array_equal(kept, mask > 0)
    assert truth_folder(first, run.fetch) is None
    assert truth_folder(second, run.fetch) == archive / "second"
    sheet = cv2.imread(str(run.fetch(first.contact_sheet)))
    assert min(sheet.shape[:2]) > 100


def test_a_disk_that_fails_is_no_capture_s_fault(tmp_path, archive, monkeypatch):
    listed = os.scandir

    def stale(folder):
        if str(folder) == str(archive / "second" / "images"):
            raise OSError(errno.ESTALE, "Stale file handle", str(folder))
        return listed(folder)

    monkeypatch.setattr(os, "scandir", stale)
    with pytest.raises(TransientError, match=r"second/images: a disk or its server failed"):
        run_ingest(tmp_path, archive)


def test_a_bad_capture_is_listed_and_the_rest_goes_on(tmp_path, archive):
    (archive / "empty").mkdir()
    broken = archive / "second" / "images" / "camera0.jpg"
    broken.write_bytes(broken.read_bytes()[:700])
    _, (group,) = run_ingest(tmp_path, archive, max_skipped_fraction=0.7)
    assert [capture.item_id for capture in group.captures] == ["first"]
    reasons = {skipped.item_id: skipped.reason for skipped in group.skipped}
    assert "expected 2 to 100 photos" in reasons["empty"]
    assert "camera0.jpg: expected a whole JPEG" in reasons["second"]


def test_too_many_bad_captures_fail(tmp_path, archive):
    shutil.rmtree(archive / "first" / "images")
    shutil.rmtree(archive / "second" / "images")
    with pytest.raises(DataError, match="2 of 2 items can't be used"):
        run_ingest(tmp_path, archive)


def test_unchanged_captures_are_not_done_again(tmp_path, archive, monkeypatch):
    _, (before,) = run_ingest(tmp_path, archive)
    surveyed = []

    def counting_survey(folder, frame, real=ingest.survey):
        surveyed.append(folder.name)
        return real(folder, frame)

    monkeypatch.setattr(ingest, "survey", counting_survey)
    write_capture(archive / "third")
    # Another setting of the stage, so that its finished result does not serve.
    _, (after,) = run_ingest(tmp_path, archive, max_skipped_fraction=0.4)
    assert surveyed == ["third"]
    assert after.captures[:2] == before.captures


def test_captures_that_are_asked_for_go_on_alone(tmp_path, archive):
    _, (group,) = run_ingest(tmp_path, archive, place="sec*", max_skipped_fraction=0.1)
    assert [capture.item_id for capture in group.captures] == ["second"]
    (capture,) = group.captures
    assert capture.origin.rig == f"colmap-{capture.rig.sha256[:12]}"
    assert (capture.origin.time, capture.origin.position) == (None, None)
    _, (other,) = run_ingest(tmp_path, archive, rig=capture.origin.rig)
    assert [each.item_id for each in other.captures] == ["first", "second"], "one rig took both"


def test_a_local_run_sees_new_and_changed_captures(tmp_path, archive):
    _, (before,) = run_ingest(tmp_path, archive)
    write_capture(archive / "second", sphere_px=480)
    write_capture(archive / "third")
    run, (after,) = run_ingest(tmp_path, archive)
    assert [capture.item_id for capture in after.captures] == ["first", "second", "third"]
    digests = [[each.origin.digest for each in group.captures[:2]] for group in (before, after)]
    assert digests[0][0] == digests[1][0]
    assert digests[0][1] != digests[1][1]
    assert run_ingest(tmp_path, archive)[1] == [after]
    assert len(list(run.folder.glob("local/panorama.ingest/*/manifest.json"))) == 2


def test_groups(tmp_path, archive, monkeypatch):
    write_capture(archive / "third")
    (archive / "x-empty").mkdir()
    run = LocalRun(tmp_path / "store")
    config = IngestConfig(captures=str(archive))
    context = run.context(ingest_captures, config=config)
    monkeypatch.setattr(type(context), "num_groups", property(lambda self: 2), raising=False)
    groups = [run.read(ref, CaptureSet) for ref in ingest_captures(config, context)]
    assert [[c.item_id for c in group.captures] for group in groups] == [
        ["first", "third"],
        ["second"],
    ]
    assert [len(group.skipped) for group in groups] == [1, 0]


def test_what_photos_say_of_their_origin_is_kept(tmp_path, archive):
    path = archive / "first" / "images" / "camera1.jpg"
    exif = Image.Exif()
    exif[ExifTags.Base.Artist] = "Jane"
    with Image.open(path) as image:
        image.save(path, exif=exif)
    _, (group,) = run_ingest(tmp_path, archive)
    first = group.captures[0]
    assert [each.facts.artist for each in first.images] == ["", "Jane", ""]
    assert first.forward_deg == 0


def test_each_frame_of_a_rig_is_a_capture(tmp_path, archive):
    for camera in range(3):
        photo = archive / "second" / "images" / f"camera{camera}.jpg"
        photo.with_suffix("").mkdir()
        shutil.copy(photo, photo.with_suffix("") / "0001.jpg")
        photo.rename(photo.with_suffix("") / "0002.jpg")
    images = archive / "second" / "sparse" / "images.txt"
    images.write_text(images.read_text().replace(".jpg", "/0001.jpg"))
    (archive / "second" / "images" / "camera2" / "0002.jpg").unlink()
    _, (group,) = run_ingest(tmp_path, archive)
    assert [each.item_id for each in group.captures] == ["first", "second-0001"]
    assert [each.name for each in group.captures[1].images] == [f"camera{k}/0001" for k in range(3)]
    (skipped,) = group.skipped
    assert skipped.item_id == "second-0002"
    assert "the photo of camera 'camera2/0002' is missing" in skipped.reason


def test_what_can_not_be_asked_for_is_refused_before_any_capture_is_looked_at(tmp_path):
    with pytest.raises(ConfigError, match=r"ingest\.place"):
        run_ingest(tmp_path, tmp_path / "none", place="52.5,13.4")


@pytest.mark.parametrize("name", ["", "none"])
def test_path_that_holds_no_captures(tmp_path, name):
    path = str(tmp_path / name) if name else ""
    with pytest.raises((ConfigError, DataError), match=r"does not exist|set the param 'captures'"):
        run_ingest(tmp_path, path)


SPOILT = {**captures.PHOTOS, **captures.MASKS, **captures.RIGS, **captures.PROJECTS}


@pytest.fixture(scope="module")
def spoilt(tmp_path_factory):
    """One archive with a good capture and all that are not, ingested at once."""
    folder = tmp_path_factory.mktemp("hostile")
    archive = folder / "archive"
    write_capture(archive / "good")
    for name, spoil in SPOILT.items():
        shutil.copytree(archive / "good", archive / name)
        spoil(archive / name)
    for name, (other, _) in captures.NAMES.items():
        shutil.copytree(archive / "good", archive / f"name: {name}")
        captures.renamed(other)(archive / f"name: {name}")
    for name in ("Room", "room", "a-b", "a"):
        shutil.copytree(archive / "good", archive / name / ("b" if name == "a" else ""))
    shutil.copytree(archive / "good", archive / "x::y")
    for name, target in {"here": ".", "up": "..", "all": "/usr", "again": "good"}.items():
        (archive / name).symlink_to(target, target_is_directory=True)
    begun_s = time.monotonic()
    with memory_limit(), watching() as opened:
        _, (group,) = run_ingest(folder, archive, max_skipped_fraction=1.0)
    assert not [path for path in opened if path.startswith(("/etc", "/usr/share", "/dev"))]
    assert time.monotonic() - begun_s < 30
    return {each.item_id for each in group.captures}, {e.item_id: e.reason for e in group.skipped}


@pytest.mark.hostile
@pytest.mark.parametrize("name", SPOILT)
def test_a_capture_that_means_harm_is_skipped_with_its_reason(spoilt, name):
    check_sentence(spoilt[1][name], f"/{name}")


@pytest.mark.hostile
@pytest.mark.parametrize("name", captures.NAMES)
def test_a_capture_whose_name_can_not_be_a_result_s_is_skipped(spoilt, name):
    check_sentence(spoilt[1][captures.NAMES[name][1]], "its name")


@pytest.mark.hostile
@pytest.mark.parametrize("name", ["Room", "room", "a-b", "a/b"])
def test_captures_that_could_not_be_told_apart_are_skipped(spoilt, name):
    check_sentence(spoilt[1][name], "another folder's capture would be named", "rename")


@pytest.mark.hostile
@pytest.mark.parametrize("name", ["here", "up", "all", "again"])
def test_links_to_folders_are_not_followed(spoilt, name):
    check_sentence(spoilt[1][name], "it is a link to a folder")


def test_the_good_ones_are_taken(spoilt):
    assert spoilt[0] == {"good", "x::y"}


def test_a_capture_named_through_dots_bears_its_folder_s_name(tmp_path, archive):
    _, (group,) = run_ingest(tmp_path, f"{archive}/first/images/..")
    assert [capture.item_id for capture in group.captures] == ["first"]


@pytest.mark.hostile
def test_a_folder_that_is_no_archive_is_refused_before_all_of_it_was_seen(
    tmp_path, archive, monkeypatch
):
    for index in range(50):
        (archive / "deep" / f"{index}").mkdir(parents=True)
    monkeypatch.setattr("tasks.panorama.input.search.MAX_ENTRIES", 40)
    with refused(str(archive), "name the folder that holds the captures alone"):
        run_ingest(tmp_path, archive)


def test_captures_of_a_bucket_are_those_of_the_folder(tmp_path, archive, bucket, monkeypatch):
    monkeypatch.setenv("ORRERY_CACHE", str(tmp_path / "cache"))
    (archive / "first" / "masks").mkdir()
    cv2.imwrite(str(archive / "first/masks/camera1.png"), np.full((128, 96), 255, np.uint8))
    (archive / "third" / "images").mkdir(parents=True)
    (archive / "third" / "images" / "one photo.jpg").write_bytes(b"")
    put_folder(archive, f"{bucket}/my archive")
    _, (disk,) = run_ingest(tmp_path / "disk", archive)
    run, (stored,) = run_ingest(tmp_path / "stored", f"{bucket}/my archive/")

    def facts(group):
        return [
            (c.item_id, [(i.name, i.file.sha256, i.mask and i.mask.sha256) for i in c.images])
            for c in group.captures
        ]

    assert facts(stored) == facts(disk)
    assert stored.captures[0].images[0].file.uri.startswith(f"{bucket}/my archive/first/images/")
    assert stored.captures[0].truth == {}
    for got, expected in zip(
        read_images(stored.captures[0], run.fetch),
        read_images(disk.captures[0], run.fetch),
        strict=True,
    ):
        assert np.array_equal(got, expected)
    (reason,) = (each.reason for each in stored.skipped)
    assert reason.startswith(f"{bucket}/my archive/third/images: expected 2 to 100 photos")
    kept = (tmp_path / "stored" / "store").rglob("*.jpg")
    assert {path.name for path in kept} == {"contact_sheet.jpg"}, "copies are gone"


def test_only_captures_that_changed_in_the_bucket_are_done_again(
    tmp_path, archive, bucket, monkeypatch
):
    put_folder(archive, bucket)
    run_ingest(tmp_path, bucket)
    fetched = []

    def noted(item, target, real=ingest.fetch_capture):
        fetched.append(item.item_id)
        real(item, target)

    monkeypatch.setattr(ingest, "fetch_capture", noted)
    put_folder(archive / "first", f"{bucket}/first")  # written again, the same bytes
    run_ingest(tmp_path, bucket, max_skipped_fraction=0.4)
    assert fetched == []
    StoredFolder(f"{bucket}/second").write("notes.txt", b"rain")
    _, (group,) = run_ingest(tmp_path, bucket, max_skipped_fraction=0.3)
    assert fetched == ["second"]
    assert len(group.captures) == 2
