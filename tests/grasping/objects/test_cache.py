from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor

import pytest

from tasks.grasping.objects.archive import pack, unpack
from tasks.grasping.objects.cache import cache_folder, write_once
from tests.support.grasping.object_files import write_box


def test_cache_lies_where_the_environment_says_and_is_private(tmp_path, monkeypatch):
    monkeypatch.setenv("ORRERY_CACHE", str(tmp_path / "here"))
    folder = cache_folder("a", "b")
    assert folder == tmp_path / "here" / "a" / "b"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    monkeypatch.delenv("ORRERY_CACHE")
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path / "tmp"))
    assert cache_folder("a").is_relative_to(tmp_path / "tmp")


def test_what_was_written_stays(tmp_path):
    path = tmp_path / "a.txt"
    write_once(path, "first")
    write_once(path, "second")
    assert path.read_text() == "first"
    assert list(tmp_path.iterdir()) == [path]


def test_write_that_fails_leaves_nothing(tmp_path):
    with pytest.raises(UnicodeEncodeError):
        write_once(tmp_path / "a.txt", "\ud800")
    assert not list(tmp_path.iterdir())


def test_many_at_once_unpack_the_same_folder_once(tmp_path, monkeypatch):
    monkeypatch.setenv("ORRERY_CACHE", str(tmp_path / "cache"))
    for k in range(20):
        write_box(tmp_path / "models", f"box{k}")
    packed = pack(tmp_path / "models", tmp_path / "models.zip")

    with ThreadPoolExecutor(8) as pool:
        folders = set(pool.map(lambda _: unpack(packed), range(16)))

    (folder,) = folders
    assert len(list(folder.iterdir())) == 40
    assert list((tmp_path / "cache" / "objects").iterdir()) == [folder]
