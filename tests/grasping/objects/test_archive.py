from __future__ import annotations

import os
import stat
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tasks.core.errors import ConfigError, DataError
from tasks.grasping.objects import archive
from tasks.grasping.objects.archive import pack, unpack
from tasks.grasping.objects.catalogue import catalogue
from tests.support.grasping.object_files import write_box
from tests.support.hostile.refusals import refused


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("ORRERY_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def folder(tmp_path) -> Path:
    write_box(tmp_path / "models", "apple")
    write_box(tmp_path / "models" / "deep", "brick")
    (tmp_path / "models" / "notes.txt").write_text("mine")
    return tmp_path / "models"


def test_models_travel_unchanged(folder, tmp_path):
    unpacked = unpack(pack(folder, tmp_path / "models.zip"))

    def described(root: Path) -> list[tuple]:
        return [(m.object_id, m.split, m.reach_m) for m in catalogue("folder", root)]

    assert described(unpacked) == described(folder)
    assert len(described(unpacked)) == 2
    assert (unpacked / "apple.obj").read_bytes() == (folder / "apple.obj").read_bytes()
    assert not (unpacked / "notes.txt").exists()


def test_equal_folders_give_equal_bytes(folder, tmp_path):
    first = pack(folder, tmp_path / "a.zip").read_bytes()
    for path in folder.rglob("*"):
        os.utime(path, (0, 1_000_000_000))
    assert pack(folder, tmp_path / "b.zip").read_bytes() == first


def test_unpacking_twice_is_once(folder, tmp_path):
    packed = pack(folder, tmp_path / "a.zip")
    first = unpack(packed)
    before = (first / "apple.obj").stat().st_mtime_ns
    assert unpack(packed) == first
    assert (first / "apple.obj").stat().st_mtime_ns == before


def test_many_at_once_unpack_the_same_folder_once(tmp_path, cache):
    for k in range(20):
        write_box(tmp_path / "models", f"box{k}")
    packed = pack(tmp_path / "models", tmp_path / "models.zip")

    with ThreadPoolExecutor(8) as pool:
        folders = set(pool.map(lambda _: unpack(packed), range(16)))

    (folder,) = folders
    assert len(list(folder.iterdir())) == 40
    assert list((cache / "objects").iterdir()) == [folder]


def test_folder_without_models_is_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match="found none"):
        pack(tmp_path / "empty", tmp_path / "a.zip")
    with pytest.raises(ConfigError, match="expected a folder of URDF files"):
        pack(tmp_path / "missing", tmp_path / "a.zip")
    assert not list(tmp_path.glob("*.zip*"))


@pytest.mark.parametrize(
    "name", ["../evil.urdf", "/evil.urdf", "a/../../evil.urdf", "..\\evil.urdf", "C:\\evil.urdf"]
)
def test_paths_out_of_the_folder_are_refused(tmp_path, cache, name):
    path = tmp_path / "evil.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("good.urdf", "<robot/>")
        archive.writestr(name, "<robot/>")

    with pytest.raises(DataError, match="points outside of the folder"):
        unpack(path)

    assert not list(tmp_path.rglob("*.urdf"))
    assert not list((cache / "objects").iterdir())


def test_links_are_refused(tmp_path):
    path = tmp_path / "link.zip"
    entry = zipfile.ZipInfo("link.urdf")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(entry, "/etc/passwd")
    with pytest.raises(DataError, match="no plain file"):
        unpack(path)


def test_zip_that_is_too_large_is_refused(folder, tmp_path, monkeypatch):
    packed = pack(folder, tmp_path / "a.zip")
    monkeypatch.setattr(archive, "MAX_BYTES", 100)
    with pytest.raises(DataError, match="larger than 100 bytes"):
        unpack(packed)


@pytest.mark.parametrize("keep", [0, 10, 0.5, 0.95])
def test_zip_that_is_cut_short_is_refused_and_leaves_nothing(folder, tmp_path, cache, keep):
    data = pack(folder, tmp_path / "a.zip").read_bytes()
    cut = tmp_path / "cut.zip"
    cut.write_bytes(data[: int(keep if keep >= 1 else keep * len(data))])
    with pytest.raises(DataError, match="no whole zip file"):
        unpack(cut)
    assert not list((cache / "objects").iterdir())


def test_zip_with_altered_bytes_is_refused(folder, tmp_path, cache):
    packed = pack(folder, tmp_path / "a.zip")
    data = bytearray(packed.read_bytes())
    data[80:100] = bytes(20)
    packed.write_bytes(data)
    with pytest.raises(DataError, match="no whole zip file"):
        unpack(packed)
    assert not list((cache / "objects").iterdir())


def _patched(place: int, value: bytes):
    """A zip file of one entry, with bytes of its directory's record replaced."""

    def write(path: Path) -> None:
        with zipfile.ZipFile(path, "w") as file:
            file.writestr("a.urdf", "<robot/>")
        data = bytearray(path.read_bytes())
        begin = data.index(b"PK\x01\x02") + place
        data[begin : begin + len(value)] = value
        path.write_bytes(data)

    return write


def _entry(name: str, content: bytes = b"<robot/>", mode: int = 0, kind: int = zipfile.ZIP_STORED):
    def write(path: Path) -> None:
        entry = zipfile.ZipInfo(name)
        entry.external_attr, entry.compress_type = mode << 16, kind
        with zipfile.ZipFile(path, "w") as file:
            file.writestr(entry, content)

    return write


FLAGS, METHOD, SIZE, NAME = 8, 10, 24, 46  # in a record of the directory (APPNOTE 4.3.12)
HOSTILE_ZIPS = {
    "five gigabytes of nothing": _patched(SIZE, b"\xfe\xff\xff\xff"),
    "an encrypted entry": _patched(FLAGS, b"\1\0"),
    "an unknown packing": _patched(METHOD, b"\x63\0"),
    "bad deflate": _patched(METHOD, b"\x08\0"),
    "bad bzip2": _patched(METHOD, b"\x0c\0"),
    "bad lzma": _patched(METHOD, b"\x0e\0"),
    "a name that is no text": _patched(NAME, b"\xff/\xfe"),
    "a name too long": _entry("n" * 5000 + ".urdf"),
    "a deep name": _entry("n/" * 3000 + "a.urdf"),
    "a device": _entry("a.urdf", mode=stat.S_IFCHR | 0o666),
    "a pipe": _entry("a.urdf", mode=stat.S_IFIFO | 0o666),
    "a drive": _entry("C:a.urdf"),
    "a folder above": _entry("a/../../b.urdf"),
}


@pytest.mark.hostile
@pytest.mark.parametrize("kind", HOSTILE_ZIPS)
def test_a_hostile_zip_is_refused_and_leaves_nothing(tmp_path, cache, kind):
    path = tmp_path / "evil.zip"
    HOSTILE_ZIPS[kind](path)
    before = {each for each in tmp_path.rglob("*") if cache not in each.parents and each != cache}
    with refused("evil.zip"):
        unpack(path)
    after = {each for each in tmp_path.rglob("*") if cache not in each.parents and each != cache}
    assert after == before
    assert not list((cache / "objects").iterdir())


@pytest.mark.hostile
def test_links_and_what_is_left_out_are_not_packed(folder, tmp_path):
    (tmp_path / "secret.obj").write_text("v 0 0 0")
    (folder / "far.obj").symlink_to(tmp_path / "secret.obj")
    (folder / "circle").symlink_to(".")
    os.mkfifo(folder / "pipe.stl")
    packed = pack(folder, tmp_path / "models.zip", leave_out={folder / "deep" / "brick.urdf"})
    with zipfile.ZipFile(packed) as file:
        assert file.namelist() == ["apple.obj", "apple.urdf", "deep/brick.obj"]
