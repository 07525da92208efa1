"""A folder's files, and what in it can't be used."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tasks.core.errors import DataError
from tasks.intake.folders import files_below


@pytest.mark.hostile
def test_files_of_a_folder_are_listed_and_odd_ones_are_named(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    (folder / "deep" / ".git").mkdir(parents=True)
    for name in ("__MACOSX", "@eaDir", "$RECYCLE.BIN"):
        (folder / name).mkdir()
    clutter = ["._b.txt", "deep/Thumbs.db", "Desktop.ini", "__MACOSX/b.txt"]
    clutter += ["@eaDir/b.txt", "$RECYCLE.BIN/b.txt"]
    for name in ("b.txt", "deep/a.txt", ".hidden", "deep/.git/config", *clutter):
        (folder / name).write_text("text")
    (tmp_path / "secret").write_text("secret")
    (folder / "inside").symlink_to(folder / "b.txt")
    (folder / "out").symlink_to(tmp_path / "secret")
    (folder / "circle").symlink_to(".")
    (folder / "gone").symlink_to("nowhere")
    os.mkfifo(folder / "pipe")
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff")).write_text("text")

    files, odd = files_below(folder)

    assert files == [folder / name for name in ("b.txt", "deep/a.txt", "inside")]
    assert {each.item_id: each.reason.partition(";")[0] for each in odd} == {
        "out": "it is a link out of the folder",
        "circle": "it is a link to a folder, which isn't followed",
        "gone": "it is no plain file",
        "pipe": "it is no plain file",
        "\\udcff": "its name is no UTF-8",
    }


@pytest.mark.hostile
def test_a_folder_that_is_a_whole_disk_is_refused(tmp_path: Path) -> None:
    for number in range(5):
        (tmp_path / str(number)).write_text("")
    with pytest.raises(DataError, match="at most 4 files and folders, found more"):
        files_below(tmp_path, max_entries=4)
    with pytest.raises(DataError, match="expected a folder, can't read it"):
        files_below(tmp_path / "gone")
