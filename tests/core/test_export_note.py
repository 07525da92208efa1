"""The note of an export: what is known for ours, and what goes on with what."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tasks.core.errors import ConfigError
from tasks.core.export_note import NOTE, Note, read_note
from tasks.core.records import FileRef

OWN = Note(maker="a.publish", made_from=("f" * 64,), same={"data": "one"})


def ref(name: str, digit: str) -> FileRef:
    return FileRef(uri=name, sha256=digit * 64, num_bytes=1)


def test_a_note_comes_back_as_it_was_written(tmp_path: Path) -> None:
    note = OWN.holding([ref("b", "1"), ref("a", "2")])
    note.write(tmp_path)
    assert read_note(tmp_path, OWN, "") == note
    assert [each.uri for each in note.files] == ["a", "b"]
    assert [path.name for path in tmp_path.iterdir()] == [NOTE]


def test_without_a_note_there_is_nothing_yet(tmp_path: Path) -> None:
    assert read_note(tmp_path, OWN, "") is OWN
    assert OWN.digests() == {}


def test_what_a_killed_run_may_have_written_is_known_until_one_is_done() -> None:
    note = OWN.holding([ref("a", "1")]).planning([ref("a", "2"), ref("b", "3")])
    note = note.planning([ref("a", "4")])
    assert note.digests() == {"a": {"1" * 64, "2" * 64, "4" * 64}, "b": {"3" * 64}}
    assert note.holding([ref("a", "4")]).digests() == {"a": {"4" * 64}}


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[]", '{"source": "x", "exported": {}}', OWN.model_dump_json().replace("/1", "/2")],
)
def test_a_note_of_something_else_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / NOTE).write_text(text)
    with pytest.raises(ConfigError, match="is not the note of an export; do this"):
        read_note(tmp_path, OWN, "do this")


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"maker": "b.publish"}, "whose maker is 'b.publish', this one's is 'a.publish'"),
        ({"same": {"data": "two"}}, "whose data is 'two', this one's is 'one'; do this"),
        ({"same": {}}, "whose data is None"),
    ],
)
def test_another_export_is_refused(tmp_path: Path, other: dict[str, object], said: str) -> None:
    OWN.model_copy(update=other).write(tmp_path)
    with pytest.raises(ConfigError, match=said):
        read_note(tmp_path, OWN, "do this")


def test_a_full_disk_leaves_the_earlier_note(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    OWN.write(tmp_path)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        OWN.holding([ref("a", "1")]).write(tmp_path)
    assert read_note(tmp_path, OWN, "") == OWN
    assert [path.name for path in tmp_path.iterdir()] == [NOTE]
