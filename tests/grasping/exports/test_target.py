"""The folder of an export: whole or not at all, and never over what is not ours."""

from __future__ import annotations

import errno
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tasks.core import folder_lock
from tasks.core.errors import ConfigError, DataError, NotWritableError, TransientError
from tasks.core.folder_lock import locked
from tasks.grasping.exports.target import NOTE, Written, export_to

ROOT = Path(__file__).resolve().parents[3]


class Writer:
    """Writes files of given text and counts how often it is asked to."""

    def __init__(self, **files: str) -> None:
        self.files = files
        self.calls = 0

    def __call__(self, folder: Path) -> Written:
        self.calls += 1
        for name, text in self.files.items():
            path = folder / name.replace("__", "/")
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        return Written(2, 5)


@pytest.fixture
def shards(tmp_path: Path) -> list[Path]:
    path = tmp_path / "shard.parquet"
    path.write_text("rows")
    return [path]


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_export_appears_with_its_note(tmp_path: Path, shards: list[Path]) -> None:
    exported = export_to(tmp_path / "out/x", "f/1", shards, Writer(a="aa", b__c="ccc"))
    assert (exported.num_attempts, exported.num_frames) == (2, 5)
    assert (exported.num_files, exported.num_bytes) == (2, 5)
    assert names(tmp_path / "out/x") == {"a", "b/c", NOTE}


def test_same_again_is_left_alone_and_other_rows_replace_it(
    tmp_path: Path, shards: list[Path]
) -> None:
    writer, target = Writer(a="1", b="2"), tmp_path / "x"
    first = export_to(target, "f/1", shards, writer)
    assert export_to(target, "f/1", shards, writer) == first
    assert writer.calls == 1
    shards[0].write_text("other rows")
    export_to(target, "f/1", shards, Writer(c="3"))
    assert names(target) == {"c", NOTE}


@pytest.mark.parametrize("change", ["format", "settings", "lost file", "cut note"])
def test_what_is_not_the_same_is_written_again(
    tmp_path: Path, shards: list[Path], change: str
) -> None:
    writer, target = Writer(a="1", b="2"), tmp_path / "x"
    export_to(target, "f/1", shards, writer)
    if change == "lost file":
        (target / "a").unlink()
    if change == "cut note":
        (target / NOTE).write_text('{"source": "')
    settings = {"n": 1} if change == "settings" else None
    export_to(target, "f/2" if change == "format" else "f/1", shards, writer, settings)
    assert writer.calls == 2
    assert names(target) == {"a", "b", NOTE}


def test_foreign_folder_and_file_are_refused(tmp_path: Path, shards: list[Path]) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full/thesis.tex").write_text("years of work")
    with pytest.raises(ConfigError, match=r"expected an empty folder .* as publish\.export_to"):
        export_to(tmp_path / "full", "f/1", shards, Writer(a="1"))
    assert (tmp_path / "full/thesis.tex").read_text() == "years of work"
    (tmp_path / "file").write_text("text")
    with pytest.raises(ConfigError, match="found a file"):
        export_to(tmp_path / "file", "f/1", shards, Writer(a="1"))
    with pytest.raises(DataError, match="got none"):
        export_to(tmp_path / "x", "f/1", [], Writer(a="1"))


def test_files_that_were_put_beside_an_export_are_not_lost(
    tmp_path: Path, shards: list[Path]
) -> None:
    target = tmp_path / "x"
    export_to(target, "f/1", shards, Writer(a="1"))
    (target / "notes.txt").write_text("mine")
    shards[0].write_text("other rows")
    with pytest.raises(ConfigError, match="it has 2 files, and 1 were exported"):
        export_to(target, "f/1", shards, Writer(a="2"))
    assert (target / "notes.txt").read_text() == "mine"


def test_writer_that_fails_leaves_the_earlier_export(tmp_path: Path, shards: list[Path]) -> None:
    def fail(folder: Path) -> Written:
        (folder / "half").write_text("half")
        raise DataError("a bad row")

    target = tmp_path / "x"
    export_to(target, "f/1", shards, Writer(a="1"))
    shards[0].write_text("other rows")
    with pytest.raises(DataError, match="a bad row"):
        export_to(target, "f/1", shards, fail)
    assert names(target) == {"a", NOTE}
    assert {path.name for path in tmp_path.iterdir()} == {"x", "shard.parquet"}
    export_to(target, "f/1", shards, Writer(b="2"))
    assert names(target) == {"b", NOTE}


@pytest.mark.parametrize(
    ("number", "said"),
    [(errno.ENOSPC, "no space left while writing"), (errno.EROFS, "the disk is read-only")],
)
def test_a_full_or_read_only_disk_names_the_setting_and_holds_nothing_of_ours(
    tmp_path: Path, shards: list[Path], number: int, said: str
) -> None:
    def fail(folder: Path) -> Written:
        (folder / "half").write_text("half")
        raise OSError(number, "Disk fault")

    with pytest.raises(NotWritableError, match=rf"{said}.*as publish\.export_to"):
        export_to(tmp_path / "out" / "x", "f/1", shards, fail)
    assert list((tmp_path / "out").iterdir()) == []


def test_second_writer_of_one_export_is_refused(
    tmp_path: Path, shards: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_lock, "LEASE_S", 1.5)
    with (
        locked(tmp_path, "another", ""),
        pytest.raises(TransientError, match=r"another run is writing .*another, process"),
    ):
        export_to(tmp_path / "x", "f/1", shards, Writer(a="1"))
    export_to(tmp_path / "x", "f/1", shards, Writer(a="1"))


def test_kill_between_the_renames_is_undone(tmp_path: Path, shards: list[Path]) -> None:
    target, writer = tmp_path / "x", Writer(a="1")
    export_to(target, "f/1", shards, writer)
    target.rename(tmp_path / ".x.old")
    export_to(target, "f/1", shards, writer)
    assert writer.calls == 1
    assert names(target) == {"a", NOTE}


_KILLED = """
import sys, time
from pathlib import Path
from tasks.grasping.exports.target import Written, export_to
def write(folder):
    (folder / "half").write_text("half")
    print("writing", flush=True)
    time.sleep(60)
export_to(Path(sys.argv[1]) / "x", "f/1", [Path(sys.argv[1]) / "shard.parquet"], write)
"""


def test_killed_export_leaves_nothing_and_is_written_again(
    tmp_path: Path, shards: list[Path]
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", _KILLED, tmp_path], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "writing\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert not (tmp_path / "x").exists()
    time.sleep(0.05)
    export_to(tmp_path / "x", "f/1", shards, Writer(a="1"))
    assert names(tmp_path / "x") == {"a", NOTE}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["shard.parquet", "x"]


NOTES = [
    "[" * 100_000,
    '{"source": 5, "exported": {}}',
    '{"source": "a", "exported": {"num_files": "9"}}',
    '{"source": "a", "exported": []}',
    "7" * 5000,
    "\0" * 200_000,
    "null",
]


@pytest.mark.hostile
@pytest.mark.parametrize("text", NOTES, ids=range(len(NOTES)))
def test_an_odd_note_is_as_good_as_none(tmp_path: Path, shards: list[Path], text: str) -> None:
    target = tmp_path / "x"
    export_to(target, "f/1", shards, Writer(a="1"))
    (target / NOTE).write_text(text)
    export_to(target, "f/1", shards, Writer(b="2"))
    assert names(target) == {"b", NOTE}


@pytest.mark.hostile
@pytest.mark.parametrize("kind", ["old", "partial"])
@pytest.mark.parametrize("is_link", [True, False])
def test_what_stands_in_the_way_leads_nowhere(
    tmp_path: Path, shards: list[Path], kind: str, is_link: bool
) -> None:
    outside, target = tmp_path / "outside", tmp_path / "out" / "x"
    outside.mkdir()
    (outside / "mine").write_text("mine")
    target.parent.mkdir()
    way = target.parent / f".x.{kind}"
    way.symlink_to(outside) if is_link else way.write_text("left")
    export_to(target, "f/1", shards, Writer(a="1"))
    assert names(target) == {"a", NOTE}
    assert names(outside) == {"mine"}
