"""The one way into a user's folder: whole, by one run at a time, never over what isn't ours."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tasks.core import export, folder_lock
from tasks.core.digests import file_digest
from tasks.core.errors import (
    ConfigError,
    DataError,
    NotWritableError,
    ResourceError,
    TransientError,
)
from tasks.core.export import Export, export_files
from tasks.core.export_note import NOTE, Earlier, Standing
from tasks.core.files import PARTIAL
from tasks.core.folder_lock import HOLDER, LOCK
from tasks.core.records import FileRef
from tests.support.hostile.refusals import refused

ROOT = Path(__file__).resolve().parents[2]
SETTING = "publish.export_to"


class Source:
    """Files of given text that are exported into one folder."""

    def __init__(self, folder: Path) -> None:
        self.store, self.out = folder / "store", folder / "out"
        self.store.mkdir()

    def export(self, texts: dict[str, str], **other: Any) -> None:
        export_files(
            Export(self.files(texts), **({"maker": "a.publish"} | other)), self.to, SETTING
        )

    def files(self, texts: dict[str, str]) -> dict[str, Path]:
        number = len(list(self.store.iterdir()))
        paths = {name: self.store / str(number + n) for n, name in enumerate(texts)}
        for name, path in paths.items():
            path.write_text(texts[name])
        return paths

    @property
    def to(self) -> str:
        return str(self.out)

    def found(self) -> dict[str, str]:
        """All that stands in the folder but the note."""
        paths = [path for path in self.out.rglob("*") if path.is_file() and path.name != NOTE]
        return {path.relative_to(self.out).as_posix(): path.read_text() for path in paths}

    def note(self) -> dict[str, Any]:
        return json.loads((self.out / NOTE).read_text())


@pytest.fixture
def source(tmp_path: Path) -> Source:
    return Source(tmp_path)


def test_an_export_holds_its_files_and_says_what_they_are(source: Source) -> None:
    source.export({"a.txt": "one", "b/c.txt": "three"}, made_from=("f" * 64,), same={"seed": 3})
    assert source.found() == {"a.txt": "one", "b/c.txt": "three"}
    note = source.note()
    assert (note["maker"], note["made_from"], note["same"]) == (
        "a.publish",
        ["f" * 64],
        {"seed": 3},
    )
    assert [(each["uri"], each["num_bytes"]) for each in note["files"]] == [
        ("a.txt", 3),
        ("b/c.txt", 5),
    ]
    assert note["unfinished"] == []


def test_the_same_again_copies_nothing_and_a_grown_one_what_is_new(source: Source) -> None:
    source.export({"a": "1", "b": "2"})
    kept = (source.out / "a").stat()
    source.export({"a": "1", "b": "2"})
    source.export({"a": "1", "b": "two", "c": "3"})
    assert (source.out / "a").stat().st_ino == kept.st_ino
    assert source.found() == {"a": "1", "b": "two", "c": "3"}


@pytest.mark.parametrize("is_whole", [True, False])
def test_what_is_no_longer_exported_goes_only_where_the_folder_is_whole(
    source: Source, is_whole: bool
) -> None:
    source.export({"a": "1", "b": "2"}, is_whole=is_whole)
    source.export({"a": "one"}, is_whole=is_whole)
    assert source.found() == ({"a": "one"} if is_whole else {"a": "one", "b": "2"})
    source.export({"a": "one", "b": "two"}, is_whole=is_whole)
    assert source.found() == {"a": "one", "b": "two"}, "it was known for ours all the time"


def test_what_is_no_longer_exported_stays_where_the_user_changed_it(source: Source) -> None:
    source.export({"a": "1", "b": "2"})
    (source.out / "b").write_text("my remarks")
    source.export({"a": "1"})
    assert source.found() == {"a": "1", "b": "my remarks"}


@pytest.mark.parametrize("name", ["notes.txt", "b/mine.txt", ".hidden", "d/e/f"])
def test_files_that_were_put_beside_an_export_stay(source: Source, name: str) -> None:
    source.export({"a": "1", "b/c": "2"})
    (source.out / name).parent.mkdir(parents=True, exist_ok=True)
    (source.out / name).write_text("mine")
    source.export({"a": "one", "b/d": "2"})
    assert source.found() == {"a": "one", "b/d": "2", name: "mine"}


@pytest.mark.parametrize("name", ["thesis.tex", "deep/er/thesis.tex", "a"])
def test_a_folder_with_other_things_is_refused(source: Source, name: str) -> None:
    (source.out / name).parent.mkdir(parents=True)
    (source.out / name).write_text("years of work")
    said = rf"out/{name} was not exported.* choose another folder as publish\.export_to"
    with pytest.raises(ConfigError, match=said):
        source.export({"a": "1"})
    assert source.found() == {name: "years of work"}
    assert not (source.out / NOTE).exists()


def test_hidden_files_and_empty_folders_are_no_other_things(source: Source) -> None:
    (source.out / "lost+found").mkdir(parents=True)
    (source.out / ".DS_Store").write_text("x")
    source.export({"a": "1"})
    assert source.found() == {"a": "1", ".DS_Store": "x"}


def test_a_file_that_was_changed_after_it_was_exported_is_not_overwritten(source: Source) -> None:
    source.export({"a": "1", "b": "2"})
    (source.out / "b").write_text("corrected by hand")
    before = source.found()
    with pytest.raises(ConfigError, match=r"out/b was not exported, or was changed since.* move"):
        source.export({"a": "one", "b": "two", "c": "3"})
    assert source.found() == before
    (source.out / "b").rename(source.out / "b.mine")
    source.export({"a": "one", "b": "two"})
    assert source.found() == {"a": "one", "b": "two", "b.mine": "corrected by hand"}


def test_what_stands_there_as_noted_is_not_read_again(
    source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = source.files({"a": "1", "b": "2"})
    refs = {n: FileRef(uri=str(p), sha256=file_digest(p), num_bytes=1) for n, p in files.items()}
    fetched: list[str] = []

    def fetch(file: FileRef) -> Path:
        fetched.append(file.uri)
        return Path(file.uri)

    read: list[Path] = []
    monkeypatch.setattr(export, "_SETTLED_S", -1.0)
    monkeypatch.setattr(
        export, "file_digest", lambda path: (read.append(path), file_digest(path))[1]
    )
    for _ in range(2):
        export_files(Export(refs, "a.publish", fetch=fetch), source.to, SETTING)
    assert (fetched, read) == ([str(files["a"]), str(files["b"])], [])
    (source.out / "b").write_text("3")
    with pytest.raises(ConfigError, match="out/b was not exported, or was changed since"):
        export_files(Export({"b": tmp_path / "store/0"}, "a.publish"), source.to, SETTING)


def test_files_may_depend_on_what_stands_there_and_take_its_place(source: Source) -> None:
    def files(standing: Standing) -> dict[str, Any]:
        seen.append(standing.read("list"))
        kept = {"old/a": Earlier("a")} if "a" in standing.refs else {}
        return kept | source.files({"a": f"{len(seen)}", "list": f"{seen}"})

    seen: list[bytes | None] = []
    for _ in range(3):
        export_files(Export(files, "a.publish", is_whole=False), source.to, SETTING)
    assert source.found() == {"old/a": "2", "a": "3", "list": f"{seen}"}
    assert seen == [None, b"[None]", f"{seen[:2]}".encode()]
    (source.out / "list").write_text("changed")
    with pytest.raises(ConfigError, match="list was changed after it was exported"):
        export_files(Export(files, "a.publish", is_whole=False), source.to, SETTING)


def test_two_files_may_change_places(source: Source) -> None:
    source.export({"a": "1", "b": "22"})
    export_files(Export({"a": Earlier("b"), "b": Earlier("a")}, "a.publish"), source.to, SETTING)
    assert source.found() == {"a": "22", "b": "1"}


def test_files_that_replace_others_do_so_in_their_order(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    source.export({"a": "1", "b": "2", "c": "3"})
    placed: list[str] = []
    replace = Path.replace

    def noted(self: Path, target: Path) -> Path:
        placed.append(target.name)
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", noted)
    source.export({"c": "x", "new": "n", "a": "y", "b": "z"})
    assert [name for name in placed if name != NOTE] == ["new", "c", "a", "b"]


def test_a_file_that_was_removed_is_written_again(source: Source) -> None:
    source.export({"a": "1", "b": "2"})
    (source.out / "b").unlink()
    source.export({"a": "1", "b": "2"})
    assert source.found() == {"a": "1", "b": "2"}


@pytest.mark.parametrize("kind", ["folder", "broken link", "file for a folder"])
def test_what_stands_in_the_way_is_named(source: Source, kind: str) -> None:
    source.export({"z": "1"})
    if kind == "folder":
        (source.out / "a").mkdir()
    elif kind == "broken link":
        (source.out / "a").symlink_to("nowhere")
    else:
        (source.out / "a").write_text("mine")
    name = "a/b" if kind == "file for a folder" else "a"
    with pytest.raises(ConfigError, match="out/a was not exported"):
        source.export({"z": "1", name: "2"})
    assert os.path.lexists(source.out / "a")


@pytest.mark.parametrize(
    "name", ["../a", "a/../../b", "/etc/a", "", ".", "a//b", "./a", ".a", NOTE, LOCK, HOLDER]
)
def test_names_that_lead_elsewhere_are_refused(source: Source, name: str) -> None:
    files = {name: source.files({"x": "1"})["x"]}
    with pytest.raises(DataError, match="can't export a file as"):
        export_files(Export(files, "a.publish"), source.to, SETTING)
    assert not source.out.exists()


@pytest.mark.parametrize("other", [{"maker": "b.publish"}, {"same": {"data": "two"}}])
def test_another_export_is_refused_and_nothing_changes(
    source: Source, other: dict[str, Any]
) -> None:
    source.export({"a": "1"}, same={"data": "one"})
    before = source.found(), source.note()
    with pytest.raises(ConfigError, match=r"out holds an export whose .*Nothing was changed"):
        source.export({"b": "2"}, **{"same": {"data": "one"}, **other})
    assert (source.found(), source.note()) == before


def test_one_of_two_runs_is_told_and_goes_on_later(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_lock, "LEASE_S", 1.5)
    copying, goes_on, copy = threading.Event(), threading.Event(), shutil.copyfile

    def slow(*paths: Path) -> None:
        copying.set()
        assert goes_on.wait(30)
        copy(*paths)

    first, both = source.files({"a": "1"}), source.files({"a": "1", "b": "22"})
    monkeypatch.setattr(shutil, "copyfile", slow)
    args = (Export(first, "a.publish"), source.to, SETTING)
    thread = threading.Thread(target=export_files, args=args)
    thread.start()
    try:
        assert copying.wait(30)
        with pytest.raises(TransientError, match=r"another run is writing .*a\.publish, process"):
            export_files(Export(both, "a.publish"), source.to, SETTING)
    finally:
        goes_on.set()
        thread.join()
    assert source.found() == {"a": "1"}
    export_files(Export(both, "a.publish"), source.to, SETTING)
    assert source.found() == {"a": "1", "b": "22"}


def test_a_run_that_waits_goes_on_with_what_the_other_wrote(source: Source) -> None:
    files = [source.files({"a": "1", name: name * 9}) for name in "bc"]
    threads = [
        threading.Thread(
            target=export_files,
            args=(Export(each, "a.publish", is_whole=False), source.to, SETTING),
        )
        for each in files
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert source.found() == {"a": "1", "b": "b" * 9, "c": "c" * 9}


KILLED = """
import json, shutil, sys, time
from pathlib import Path
from tasks.core.export import Export, export_files
copied, copy = [], shutil.copyfile
def slow(source, target):
    if len(copied) == int(sys.argv[3]):
        Path(target).write_text("half a f")
        print("copying", flush=True)
        time.sleep(60)
    copied.append(copy(source, target))
shutil.copyfile = slow
files = {name: Path(path) for name, path in json.loads(sys.argv[2]).items()}
export_files(Export(files, "a.publish", is_whole=False), sys.argv[1], "publish.export_to")
"""


def kill_while_copying(source: Source, texts: dict[str, str], num_copied: int) -> None:
    files = {name: str(path) for name, path in source.files(texts).items()}
    command = [sys.executable, "-c", KILLED, source.to, json.dumps(files), str(num_copied)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"copying\n"
        process.send_signal(signal.SIGKILL)


@pytest.mark.parametrize("num_copied", [0, 1, 2])
def test_a_kill_leaves_the_earlier_export_and_the_next_run_goes_on(
    source: Source, num_copied: int
) -> None:
    before = {"b": "2", "z": "26"}
    after = {"b": "two", "c": "three", "z": "26", "y": "thirty"}
    source.export(before, is_whole=False)
    kill_while_copying(source, after, num_copied)
    found = source.found()
    assert before.items() <= found.items(), "what replaces is copied last, and renamed at the end"
    new = [name for name in ("c", "y") if name in found]
    assert len(new) == num_copied
    kept = {name: (source.out / name).stat().st_ino for name in ("z", *new)}
    source.export(after, is_whole=False)
    assert source.found() == after
    assert kept == {name: (source.out / name).stat().st_ino for name in kept}


def test_what_a_killed_first_run_left_is_known_for_ours(source: Source) -> None:
    kill_while_copying(source, {"a": "1", "b": "2"}, 1)
    source.export({"b": "two"}, is_whole=False)
    source.export({"a": "one", "b": "two"}, is_whole=False)
    assert source.found() == {"a": "one", "b": "two"}


def test_a_run_that_loses_its_lock_stops_before_it_replaces_anything(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    num_calls = [0]

    @contextmanager
    def lost_after_two_files(*args: object) -> Iterator[Callable[[], None]]:
        def check() -> None:
            num_calls[0] += 1
            if num_calls[0] > 2:
                raise TransientError("lost")

        yield check

    before = {"a": "1", "b": "2"}
    source.export(before)
    monkeypatch.setattr(export, "locked", lost_after_two_files)
    for texts in ({"a": "one", "b": "two"}, {"c": "3", "d": "4", "e": "5"}):
        num_calls[0] = 0
        with pytest.raises(TransientError, match="lost"):
            source.export(texts)
        assert before.items() <= source.found().items()
    assert source.found() == before | {"c": "3", "d": "4"}, "new ones were not in the way"


def test_a_full_disk_leaves_what_was_there(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = shutil.copyfile

    def full(path: Path, target: Path) -> None:
        copy(path, target)
        if path.read_text() == "a large file":
            raise OSError(28, "No space left on device", str(path), None, str(target))

    source.export({"a": "1", "b": "2"})
    before = source.found()
    monkeypatch.setattr(shutil, "copyfile", full)
    said = rf"no space left while writing {source.out}: .* free space as publish\.export_to"
    with pytest.raises(NotWritableError, match=said):
        source.export({"a": "one", "b": "a large file"})
    assert source.found() == before
    assert not list(source.out.rglob(f"{PARTIAL}*"))
    monkeypatch.undo()
    source.export({"a": "one", "b": "a large file"})
    assert source.found() == {"a": "one", "b": "a large file"}


@pytest.mark.parametrize(
    ("number", "kind", "said"),
    [
        (30, NotWritableError, "the disk is read-only .*Read-only file system"),
        (13, ResourceError, "could not export .*Permission denied"),
    ],
)
def test_a_folder_that_may_only_be_read_is_told(
    source: Source, monkeypatch: pytest.MonkeyPatch, number: int, kind: type, said: str
) -> None:
    def refuse(path: Path, *args: object, **kwargs: object) -> None:
        raise OSError(number, os.strerror(number), str(path))

    files = source.files({"a": "one"})
    source.export({"a": "1"})
    before = source.found()
    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(kind, match=rf"{said}.*publish\.export_to"):
        export_files(Export(files, "a.publish"), source.to, SETTING)
    monkeypatch.undo()
    assert source.found() == before


def test_a_path_that_is_a_file_is_told(source: Source) -> None:
    source.out.write_text("a file")
    with pytest.raises(ResourceError, match=r"out: could not export .*it is no folder"):
        source.export({"a": "1"})
    assert source.out.read_text() == "a file"


def test_a_home_folder_is_found(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(source.out))
    export_files(Export(source.files({"a": "1"}), "a.publish"), "~/here", SETTING)
    assert (source.out / "here/a").read_text() == "1"


def plant(source: Source, kind: str) -> None:
    """Leave something in the target that leads elsewhere, or stands for what it isn't."""
    out, elsewhere = source.out, source.store.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "a").write_text("mine")
    (elsewhere / ".partial-x").write_text("mine")
    source.export({"c": "ours"})
    if kind == "a link to a folder":
        (out / "a").symlink_to(elsewhere, target_is_directory=True)
    elif kind == "a link to a file":
        (out / "a").mkdir()
        (out / "a" / "b").symlink_to(elsewhere / "a")
    elif kind == "a file of ours behind a link":
        (out / "c").unlink()
        (out / "c").symlink_to(elsewhere / "a")
    elif kind == "a pipe":
        (out / "a").mkdir()
        os.mkfifo(out / "a" / "b")
    elif kind == "an endless note":
        (out / NOTE).unlink()
        (out / NOTE).symlink_to("/dev/zero")
    elif kind == "a deep note":
        (out / NOTE).write_text("[" * 100_000)
    else:
        note = json.loads((out / NOTE).read_text())
        files = note["unfinished" if kind == "a plan that leads out" else "files"]
        files.append({"uri": LEADING_OUT[kind], "sha256": file_digest(elsewhere / "a")})
        files[-1]["num_bytes"] = 4
        (out / NOTE).write_text(json.dumps(note))


LEADING_OUT = {
    "a note that leads out": "../elsewhere/a",
    "a plan that leads out": "../elsewhere/a",
    "a note that leads in and out": "x/../../elsewhere/a",
    "a note of the whole system": "/etc/hostname",
    "a note of itself": NOTE,
}


@pytest.mark.hostile
@pytest.mark.parametrize(
    "kind",
    [
        *LEADING_OUT,
        *("a link to a folder", "a link to a file", "a file of ours behind a link", "a pipe"),
        *("an endless note", "a deep note"),
    ],
)
def test_nothing_in_the_target_leads_an_export_elsewhere(source: Source, kind: str) -> None:
    plant(source, kind)
    elsewhere = source.store.parent / "elsewhere"
    with refused(SETTING, str(source.out)):
        source.export({"a/b": "new", "c": "newer"})
    assert {p.name: p.read_text() for p in elsewhere.iterdir()} == {
        "a": "mine",
        ".partial-x": "mine",
    }


@pytest.mark.hostile
@pytest.mark.parametrize("is_whole", [True, False])
def test_what_was_exported_is_not_removed_where_a_link_leads_to_it(
    source: Source, tmp_path: Path, is_whole: bool
) -> None:
    source.export({"a/b/c": "mine now", "d": "1"})
    (source.out / "a").rename(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "b" / f"{PARTIAL}x").write_text("mine")
    (source.out / "a").symlink_to(tmp_path / "elsewhere")
    source.export({"d": "2"}, is_whole=is_whole)
    assert (tmp_path / "elsewhere" / "b" / "c").read_text() == "mine now"
    assert (tmp_path / "elsewhere" / "b" / f"{PARTIAL}x").read_text() == "mine"
    assert (source.out / "d").read_text() == "2"


@pytest.mark.hostile
@pytest.mark.parametrize("name", [LOCK, HOLDER, NOTE])
def test_files_of_an_export_s_own_are_not_written_through_a_link(source: Source, name: str) -> None:
    elsewhere = source.store.parent / "elsewhere"
    elsewhere.write_text("mine")
    source.out.mkdir()
    (source.out / name).symlink_to(elsewhere)
    with suppress(ConfigError, TransientError):
        source.export({"a": "ours"})
    assert elsewhere.read_text() == "mine"


@pytest.mark.hostile
@pytest.mark.parametrize(
    "name",
    ["../x", "/x", "a/../../x", "", ".", "..", "a//b", "./a", ".hidden", "a/.hidden", NOTE, "a/"],
)
def test_no_item_s_name_leads_out(source: Source, name: str) -> None:
    with refused("can't export a file as"):
        source.export({name: "x"})
    assert not source.out.exists()


def test_the_target_itself_may_be_a_link(source: Source, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    source.out.symlink_to(tmp_path / "real")
    source.export({"a/b": "x"})
    assert (tmp_path / "real" / "a" / "b").read_text() == "x"
