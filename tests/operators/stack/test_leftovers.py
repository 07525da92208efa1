"""What nobody uses goes, whatever is in use or young stays, and a line says how much it was."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

import pytest

from operators.owners import owner
from operators.stack import leftovers
from operators.stack.leftovers import clear
from tasks.core.outside.cache import cache_entry

WEEK = timedelta(days=7)


@pytest.fixture
def temporary(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    monkeypatch.setattr(leftovers, "STATE", tmp_path / "state")
    monkeypatch.setenv("ORRERY_CACHE", str(tmp_path / "cache"))
    (tmp_path / "tmp").mkdir()
    return tmp_path / "tmp"


def fill(folder: Path, age: timedelta = timedelta(0)) -> Path:
    folder.mkdir(parents=True)
    (folder / "file").write_bytes(bytes(1_000_000))
    then = time.time() - age.total_seconds()
    for path in (folder / "file", folder):
        os.utime(path, (then, then))
    return folder


def interrupted(*_: object) -> None:
    raise KeyboardInterrupt


def test_scratch_of_a_process_that_has_ended_goes(temporary: Path) -> None:
    ours = fill(temporary / f"orrery-scratch-{owner()}-abc")
    theirs = fill(temporary / ours.name.replace(f"-{os.getpid()}-", "-4194305-"))
    other = fill(temporary / "somebody-elses-4194305-1")
    (temporary / "orrery-a-4194305-link").symlink_to(other)
    said: list[str] = []
    clear(WEEK, said.append, dry_run=True)
    assert theirs.is_dir()
    clear(WEEK, said.append)
    assert said == [
        f"{how} 1 scratch folders of processes that have ended, 1.0 MB"
        for how in ("would remove", "removed")
    ]
    assert (ours.is_dir(), theirs.exists(), other.is_dir()) == (True, False, True)


def test_sessions_of_ray_go_unless_a_process_names_them(temporary: Path) -> None:
    hour = timedelta(hours=1)
    stack = temporary / f"orrery-{os.getuid()}-stack-abc" / "ray"
    used = fill(stack / "session_2", hour)
    young = fill(temporary / "orrery-ray-young")
    dead = [fill(stack / "session_1", hour), fill(temporary / "orrery-ray-dead", hour)]
    (stack / "session_latest").symlink_to(used)
    wait = [sys.executable, "-c", "import time; time.sleep(60)", f"--session-dir={used}"]
    with subprocess.Popen(wait) as raylet:
        clear(WEEK, print)
        assert [path.exists() for path in (used, young, *dead)] == [True, True, False, False]
        raylet.kill()
    clear(WEEK, print)
    assert not used.exists()


def test_copies_go_once_nobody_used_them_for_long(temporary: Path, tmp_path: Path) -> None:
    unused, used, new = (digit * 64 for digit in "abc")
    places = tmp_path / "cache" / "places"
    for name, age in ((unused, 2), (used, 2), (new, 0.5), (".copy-cut-short", 2), ("a-users", 2)):
        fill(places / name, age * WEEK)
    fill(tmp_path / "elsewhere", 2 * WEEK)
    (places / ("d" * 64)).symlink_to(tmp_path / "elsewhere")
    cache_entry("places", used)
    said: list[str] = []
    clear(WEEK, said.append)
    assert said == ["removed 2 copies that were not used for 7 days, 2.0 MB"]
    assert {path.name for path in places.iterdir()} == {used, new, "a-users", "d" * 64}
    assert (tmp_path / "elsewhere" / "file").exists()


def test_a_copy_that_is_cut_short_while_it_goes_is_none_any_more(
    temporary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = fill(tmp_path / "cache" / "places" / ("a" * 64), 2 * WEEK)
    with monkeypatch.context() as patch:
        patch.setattr(leftovers.shutil, "rmtree", interrupted)
        with pytest.raises(KeyboardInterrupt):
            clear(WEEK, print)
    assert not old.exists()
    clear(WEEK, print)
    assert list(old.parent.iterdir()) == []


def test_logs_go_by_their_age(temporary: Path, tmp_path: Path) -> None:
    logs = tmp_path / "state" / "airflow" / "logs"
    old, young = fill(logs / "dag" / "old", 2 * WEEK), fill(logs / "dag" / "young", WEEK / 2)
    fill(tmp_path / "state" / "mlflow", 2 * WEEK)
    said: list[str] = []
    clear(WEEK, said.append)
    assert said == ["removed 1 logs older than 7 days, 1.0 MB"]
    assert not (old / "file").exists()
    assert (young / "file").exists()
    assert (tmp_path / "state" / "mlflow" / "file").exists()
    os.utime(old, (0, 0))
    clear(WEEK, said.append)
    assert not old.exists()


def test_what_goes_meanwhile_stops_nothing(
    temporary: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    logs = fill(tmp_path / "state" / "logs", 2 * WEEK)
    folder = fill(
        temporary / f"orrery-scratch-{owner()}-abc".replace(f"-{os.getpid()}-", "-4194305-")
    )
    lstat = Path.lstat

    def lstat_and_remove(path: Path) -> os.stat_result:
        for each in (logs, folder):  # just before it is looked at
            if path in (each, each / "file"):
                shutil.rmtree(each, ignore_errors=True)
        return lstat(path)

    monkeypatch.setattr(Path, "lstat", lstat_and_remove)
    clear(WEEK, print)
    assert not folder.exists()
    assert not logs.exists()
