from __future__ import annotations

import pytest

from tasks.core.errors import DataError
from tasks.core.outside.stored import StoredFolder
from tasks.panorama.input import stored_captures
from tasks.panorama.input.stored_captures import StoredCaptures, fetch_capture


@pytest.fixture
def archive(bucket):
    folder = StoredFolder(f"{bucket}/archive")
    for name in ("a/images/1.jpg", "a/images/2.jpg", "b/c/1.jpg", "b/c/2.jpg", "b/c/::.jpg"):
        folder.write(name, name.encode())
    return folder


def test_captures_are_found_by_names_alone(archive, tmp_path, caplog):
    found = StoredCaptures(f"{archive.uri}/").find(tmp_path / "outline")
    assert [(each.item_id, each.path) for each in found] == [
        ("a", f"{archive.uri}/a"),
        ("b-c", f"{archive.uri}/b/c"),
    ]
    assert {path.stat().st_size for path in tmp_path.rglob("*.jpg")} == {0}
    assert "b/c/::.jpg is left out" in caplog.text


def test_a_folder_that_is_a_capture_itself_bears_its_name(archive, tmp_path):
    (item,) = StoredCaptures(f"{archive.uri}/a").find(tmp_path / "outline")
    assert (item.item_id, item.path) == ("a", f"{archive.uri}/a")
    fetch_capture(item, tmp_path / "copy")
    assert (tmp_path / "copy/images/2.jpg").read_bytes() == b"a/images/2.jpg"


def test_what_can_be_no_capture_is_told_by_its_address(archive, tmp_path):
    archive.write("contact_sheet.jpg/images/1.jpg", b"")
    *_, odd = StoredCaptures(archive.uri).find(tmp_path / "outline")
    assert odd.reason.startswith(f"{archive.uri}/contact_sheet.jpg: its name")
    archive.write("else/notes.txt", b"")
    with pytest.raises(DataError, match=f"{archive.uri}/else: expected photos"):
        StoredCaptures(f"{archive.uri}/else").find(tmp_path / "else")


def test_a_fingerprint_changes_with_a_file_alone(archive, tmp_path):
    def prints():
        scratch = tmp_path / str(len(list(tmp_path.iterdir())))
        return [each.fingerprint for each in StoredCaptures(archive.uri).find(scratch)]

    first = prints()
    archive.write("a/images/1.jpg", b"a/images/1.jpg")
    assert prints() == first
    archive.write("a/images/1.jpg", b"A/images/1.jpg")
    assert [one == other for one, other in zip(prints(), first, strict=True)] == [False, True]


def test_what_changed_since_or_is_too_large_is_told(archive, tmp_path, monkeypatch):
    item, _ = StoredCaptures(archive.uri).find(tmp_path / "outline")
    monkeypatch.setattr(stored_captures, "MAX_CAPTURE_BYTES", 20)
    with pytest.raises(DataError, match="a: expected a capture of at most 20 bytes, got 28"):
        fetch_capture(item, tmp_path / "copy")
    archive.write("a/images/3.jpg", b"new")
    with pytest.raises(DataError, match="a was changed after it was found"):
        fetch_capture(item, tmp_path / "copy")
    with pytest.raises(DataError, match="none: expected a folder with captures, found nothing"):
        StoredCaptures(f"{archive.uri}/none")


def test_frames_are_found_by_names_and_the_rig_alone(archive, tmp_path):
    folder = StoredFolder(f"{archive.uri}/rig")
    lines = [f'i w9 h9 f0 v60 r0 p0 y{k} n"cam{k}/1.jpg"' for k in range(2)]
    folder.write("rig.pto", "\n".join(lines).encode())
    for name in ("cam0/1.jpg", "cam0/2.jpg", "cam1/1.jpg", "cam1/2.jpg"):
        folder.write(f"images/{name}", name.encode())
    found = StoredCaptures(f"{archive.uri}/rig").find(tmp_path / "outline")
    assert [(each.item_id, each.frame) for each in found] == [("rig-1", "1"), ("rig-2", "2")]
    fetch_capture(found[1], tmp_path / "copy")
    files = {p.relative_to(tmp_path / "copy").as_posix() for p in (tmp_path / "copy").rglob("*.*")}
    assert files == {"rig.pto", "images/cam0/2.jpg", "images/cam1/2.jpg"}
    folder.write("images/cam1/1.jpg", b"new")
    again = StoredCaptures(f"{archive.uri}/rig").find(tmp_path / "again")
    assert [a.fingerprint == b.fingerprint for a, b in zip(found, again, strict=True)] == [
        False,
        True,
    ]
