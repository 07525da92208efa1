from __future__ import annotations

import stat
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from tasks.core.errors import DataError
from tasks.grasping.objects import archive
from tasks.grasping.objects.archive import IndexEntry, pack, read_index, unpack
from tests.support.hostile.refusals import refused


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("ORRERY_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


ENTRY = IndexEntry("folder/apple", "00000/object.urdf", "ab" * 32, 0.03)
FILES = {"object.urdf": b"<robot/>" * 9, "collision.obj": b"v 0 0 0\n" * 40}


def write_zip(path: Path, count: int = 1) -> Path:
    objects = [
        (replace(ENTRY, object_id=f"folder/{k}", urdf=f"{k:05d}/object.urdf"), FILES)
        for k in range(count)
    ]
    return pack(path, objects)


def test_models_travel_unchanged(tmp_path):
    unpacked = unpack(pack(tmp_path / "models.zip", [(ENTRY, FILES)]))
    assert read_index(unpacked) == [ENTRY]
    found = {p.relative_to(unpacked).as_posix(): p.read_bytes() for p in unpacked.rglob("*.*")}
    assert found.pop("objects.json")
    assert found == {f"00000/{name}": content for name, content in FILES.items()}


def test_equal_objects_give_equal_bytes(tmp_path):
    first, second = (write_zip(tmp_path / name, 3).read_bytes() for name in ("a.zip", "b.zip"))
    assert first == second


def test_a_damaged_index_is_refused(tmp_path):
    for content in ("", "{", '[{"object_id": "a"}]', "[1]", "1"):
        (tmp_path / "objects.json").write_text(content)
        with pytest.raises(DataError, match=r"expected the index .* plan again"):
            read_index(tmp_path)


def test_unpacking_twice_is_once(tmp_path):
    packed = write_zip(tmp_path / "a.zip")
    first = unpack(packed)
    before = (first / ENTRY.urdf).stat().st_mtime_ns
    assert unpack(packed) == first
    assert (first / ENTRY.urdf).stat().st_mtime_ns == before


def test_many_at_once_unpack_the_same_folder_once(tmp_path, cache):
    packed = write_zip(tmp_path / "models.zip", 20)

    with ThreadPoolExecutor(8) as pool:
        folders = set(pool.map(lambda _: unpack(packed), range(16)))

    (folder,) = folders
    assert len(list(folder.iterdir())) == 21
    assert list((cache / "objects").iterdir()) == [folder]


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


def test_zip_that_is_too_large_is_refused(tmp_path, monkeypatch):
    packed = write_zip(tmp_path / "a.zip")
    monkeypatch.setattr(archive, "MAX_BYTES", 100)
    with pytest.raises(DataError, match="larger than 100 bytes"):
        unpack(packed)


@pytest.mark.parametrize("keep", [0, 10, 0.5, 0.95])
def test_zip_that_is_cut_short_is_refused_and_leaves_nothing(tmp_path, cache, keep):
    data = write_zip(tmp_path / "a.zip").read_bytes()
    cut = tmp_path / "cut.zip"
    cut.write_bytes(data[: int(keep if keep >= 1 else keep * len(data))])
    with pytest.raises(DataError, match="no whole zip file"):
        unpack(cut)
    assert not list((cache / "objects").iterdir())


def test_zip_with_altered_bytes_is_refused(tmp_path, cache):
    packed = write_zip(tmp_path / "a.zip")
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
