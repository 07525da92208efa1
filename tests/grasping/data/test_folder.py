from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from tasks.core.digests import file_digest
from tasks.core.errors import ConfigError, ResourceError, TransientError
from tasks.core.records import FileRef
from tasks.grasping.data.folder import LOCK, NOTE, copy_dataset, locked

ABOUT = {"row_schema": "grasping.attempts/1", "recipe_digest": "r1", "root_seed": 0}


@pytest.fixture
def sources(tmp_path: Path) -> dict[str, Path]:
    folder = tmp_path / "store"
    folder.mkdir()
    for name in ("a", "b"):
        (folder / name).write_text(f"shard {name}")
    return {f"shards/{name}.parquet": folder / name for name in ("a", "b")}


def copy(folder: Path, sources: dict[str, Path], about: dict[str, Any] = ABOUT) -> None:
    refs = {
        name: FileRef(uri=str(path), sha256=file_digest(path), num_bytes=path.stat().st_size)
        for name, path in sources.items()
    }
    copy_dataset(folder, sources, refs, about)


def held_by(folder: Path, name: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / LOCK).write_text(name)


def files(folder: Path) -> dict[str, str]:
    return {str(p.relative_to(folder)): p.read_text() for p in folder.rglob("*") if p.is_file()}


def test_a_copy_holds_the_files_and_says_what_it_is(
    tmp_path: Path, sources: dict[str, Path]
) -> None:
    copy(tmp_path / "out", sources)
    found = files(tmp_path / "out")
    note = json.loads(found.pop(NOTE))
    assert found == {"shards/a.parquet": "shard a", "shards/b.parquet": "shard b"}
    assert note["row_schema"] == "grasping.attempts/1"
    assert note["files"].keys() == found.keys()


def test_the_same_again_writes_nothing_and_a_grown_one_replaces_what_changed(
    tmp_path: Path, sources: dict[str, Path]
) -> None:
    out = tmp_path / "out"
    copy(out, sources)
    kept = (out / "shards/a.parquet").stat().st_mtime_ns
    sources["shards/b.parquet"].write_text("a longer shard b")
    (tmp_path / "store/c").write_text("shard c")
    copy(out, sources | {"shards/c.parquet": tmp_path / "store/c"})
    assert (out / "shards/a.parquet").stat().st_mtime_ns == kept
    assert files(out)["shards/b.parquet"] == "a longer shard b"
    copy(out, sources)
    assert not (out / "shards/c.parquet").exists(), "it was ours and is no more part of the data"


@pytest.mark.parametrize("name", ["notes.txt", "shards/mine.parquet", ".hidden"])
def test_files_of_others_stay(tmp_path: Path, sources: dict[str, Path], name: str) -> None:
    mine = tmp_path / "out" / name
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    copy(tmp_path / "out", sources)
    copy(tmp_path / "out", {k: v for k, v in sources.items() if k.endswith("a.parquet")})
    assert mine.read_text() == "mine"


@pytest.mark.parametrize("when", ["before", "changed later"])
def test_a_file_of_others_in_our_place_is_refused(
    tmp_path: Path, sources: dict[str, Path], when: str
) -> None:
    out = tmp_path / "out"
    if when == "changed later":
        copy(out, sources)
    (out / "shards").mkdir(parents=True, exist_ok=True)
    (out / "shards/b.parquet").write_text("mine")
    before = files(out)
    with pytest.raises(ConfigError, match=r"b\.parquet is not a file that this pipeline wrote"):
        copy(out, sources)
    assert files(out) == before


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"row_schema": "grasping.attempts/0"}, "schema version 'grasping.attempts/0'"),
        ({"recipe_digest": "r0"}, "of the recipe 'r0'"),
        ({"root_seed": 1}, "of the root seed 1"),
    ],
)
def test_a_folder_with_another_data_set_is_refused(
    tmp_path: Path, sources: dict[str, Path], change: dict[str, Any], said: str
) -> None:
    out = tmp_path / "out"
    copy(out, sources, ABOUT | change)
    before = files(out)
    sources["shards/a.parquet"].write_text("other")
    with pytest.raises(ConfigError, match=said):
        copy(out, sources)
    assert files(out) == before


@pytest.mark.parametrize("text", ["{}", "no JSON", '{"files": 3}', "[]"])
def test_a_note_of_something_else_is_refused(
    tmp_path: Path, sources: dict[str, Path], text: str
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / NOTE).write_text(text)
    with pytest.raises(ConfigError, match="not the note of a data set"):
        copy(tmp_path / "out", sources)


def test_a_folder_that_another_run_writes_is_refused(
    tmp_path: Path, sources: dict[str, Path]
) -> None:
    with subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys, time; from pathlib import Path; "
            "from tasks.grasping.data.folder import locked\n"
            "with locked(Path(sys.argv[1])): print('locked', flush=True); time.sleep(60)",
            str(tmp_path / "out"),
        ],
        stdout=subprocess.PIPE,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"locked\n"
        with pytest.raises(TransientError, match=rf"another run is writing .*{other.pid}"):
            copy(tmp_path / "out", sources)
        other.kill()
        other.wait()
    copy(tmp_path / "out", sources)
    assert (tmp_path / "out" / NOTE).exists()
    assert not (tmp_path / "out" / LOCK).exists(), "the dead run's lock is taken over and released"


def test_whether_a_lock_is_stale_depends_on_machine_and_age(tmp_path: Path) -> None:
    begun_s = psutil.Process().create_time()
    alive = f"{socket.gethostname()} {os.getpid()} {begun_s:.2f} x"
    reborn = f"{socket.gethostname()} {os.getpid()} {begun_s - 5:.2f} x"
    for name, age_s, is_stale in (
        (alive, 9999, False),
        (reborn, 0, True),
        (f"{socket.gethostname()} 99999999 1.0 x", 0, True),
        ("elsewhere 1 1.0 x", 60, False),
        ("elsewhere 1 1.0 x", 1000, True),
        ("", 60, False),
    ):
        held_by(tmp_path, name)
        os.utime(tmp_path / LOCK, (time.time() - age_s,) * 2)
        if is_stale:
            with locked(tmp_path):
                assert (tmp_path / LOCK).read_text() != name
        else:
            with pytest.raises(TransientError), locked(tmp_path):
                pass
            assert (tmp_path / LOCK).read_text() == name
            (tmp_path / LOCK).unlink()


def test_what_a_killed_copy_left_is_removed(tmp_path: Path, sources: dict[str, Path]) -> None:
    left = tmp_path / "out/shards/.orrery-incoming-123"
    left.parent.mkdir(parents=True)
    left.write_text("half a sh")
    copy(tmp_path / "out", sources)
    assert not left.exists()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, sources: dict[str, Path]) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ResourceError, match=r"can't write .*file/out"):
        copy(tmp_path / "file/out", sources)
