"""The machine's cache: where it lies, and that use is seen."""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path

import pytest

from tasks.core.errors import ResourceError
from tasks.core.outside.cache import cache_entry, cache_root, filled

DIGEST = "a" * 64


def test_it_lies_where_the_environment_says_and_is_private(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORRERY_CACHE", str(tmp_path / "here"))
    entry = cache_entry("places", DIGEST)
    assert entry == tmp_path / "here" / "places" / DIGEST
    assert not entry.exists()
    assert stat.S_IMODE(entry.parent.stat().st_mode) == 0o700
    monkeypatch.delenv("ORRERY_CACHE")
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path / "tmp"))
    assert cache_entry("places", DIGEST).is_relative_to(tmp_path / "tmp")


@pytest.mark.parametrize("planted", ["open", "link"])
def test_one_in_which_others_could_put_files_is_not_used(
    planted: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ORRERY_CACHE", raising=False)
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    if planted == "open":
        cache_root().mkdir()
        cache_root().chmod(0o777)
    else:
        (tmp_path / "theirs").mkdir()
        cache_root().symlink_to(tmp_path / "theirs")
    with pytest.raises(ResourceError, match="others could put files there; remove it, or name"):
        cache_entry("places", DIGEST)


def test_who_uses_an_entry_marks_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORRERY_CACHE", str(tmp_path))
    entry = cache_entry("places", DIGEST)
    entry.mkdir()
    os.utime(entry, (0, 0))
    assert cache_entry("places", DIGEST) == entry
    assert time.time() - entry.stat().st_mtime < 60


def test_an_entry_appears_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORRERY_CACHE", str(tmp_path))
    entry = cache_entry("places", DIGEST)

    def stumble(folder: Path) -> None:
        (folder / "half").touch()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), filled(entry) as folder:
        stumble(folder)
    assert not list(entry.parent.iterdir())
    with filled(entry) as folder:
        (folder / "file").write_text("ours")
        assert not entry.exists()
    with filled(entry) as folder:  # another process, which was slower
        (folder / "file").write_text("theirs")
    assert (entry / "file").read_text() == "ours"
    assert list(entry.parent.iterdir()) == [entry]
