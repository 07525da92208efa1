"""An export into an S3 server: whole, never over what isn't ours, and gone on with after a kill."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

import pytest

from tasks.core.errors import ConfigError, ResourceError, TransientError
from tasks.core.export import Export, export_files
from tasks.core.export_note import NOTE, Earlier, Standing
from tasks.core.outside.stored import StoredFolder

SETTING = "publish.export_to"


class Source:
    """Files of given text that are exported into one folder of a bucket."""

    def __init__(self, folder: Path, uri: str) -> None:
        self.folder, self.uri = folder, uri
        self.out = StoredFolder(uri)

    def export(self, texts: dict[str, str], **other: Any) -> None:
        files = {name: self.folder / uuid.uuid4().hex for name in texts}
        for name, path in files.items():
            path.write_text(texts[name])
        export_files(Export(files, **({"maker": "a.publish"} | other)), self.uri, SETTING)

    def found(self) -> dict[str, str]:
        names = [name for name in self.out.files(99) if name != NOTE]
        return {name: (self.out.read(name) or b"").decode() for name in names}

    def note(self) -> dict[str, Any]:
        return dict(json.loads(self.out.read(NOTE) or b""))


@pytest.fixture
def source(tmp_path: Path, bucket: str) -> Source:
    return Source(tmp_path, f"{bucket}/out/here/")


def test_files_arrive_with_a_note(source: Source) -> None:
    source.export({"a.txt": "A", "b/c d.txt": "C"}, made_from=("x",))
    assert source.found() == {"a.txt": "A", "b/c d.txt": "C"}
    note = source.note()
    assert [each["uri"] for each in note["files"]] == ["a.txt", "b/c d.txt"]
    assert (note["maker"], note["made_from"], note["unfinished"]) == ("a.publish", ["x"], [])


def test_a_second_export_writes_what_is_new_alone(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    source.export({"a": "A", "b": "B", "c": "C"})
    written: list[str] = []
    write = StoredFolder.write

    def noted(self: StoredFolder, name: str, content: Any) -> Any:
        written.append(name)
        return write(self, name, content)

    monkeypatch.setattr(StoredFolder, "write", noted)
    source.export({"a": "A", "b": "new", "d": "D"})
    assert written == [NOTE, "d", "b", NOTE], "new ones first"
    assert source.found() == {"a": "A", "b": "new", "d": "D"}
    source.export({"e": "E"}, is_whole=False)
    assert source.found() == {"a": "A", "b": "new", "d": "D", "e": "E"}
    source.export({"e": "E"})
    assert source.found() == {"e": "E"}


def test_what_stands_there_may_get_another_name(source: Source, tmp_path: Path) -> None:
    def files(standing: Standing) -> dict[str, Any]:
        (tmp_path / "a").write_text(f"{seen}")
        seen.append(standing.read("a"))
        return ({"old/a": Earlier("a")} if "a" in standing.refs else {}) | {"a": tmp_path / "a"}

    seen: list[bytes | None] = []
    for _ in range(3):
        export_files(Export(files, "a.publish", is_whole=False), source.uri, SETTING)
    assert seen == [None, b"[]", b"[None]"]
    assert source.found() == {"old/a": "[None]", "a": f"{seen[:2]}"}


def test_two_files_may_change_places(source: Source) -> None:
    source.export({"a": "A", "b": "B"})
    swapped = {"a": Earlier("b"), "b": Earlier("a")}
    export_files(Export(swapped, "a.publish"), source.uri, SETTING)
    assert source.found() == {"a": "B", "b": "A"}


def test_what_is_not_ours_stays(source: Source) -> None:
    source.out.write("mine", b"mine")
    with pytest.raises(ConfigError, match=f"mine was not exported.*folder of its own.*{SETTING}"):
        source.export({"a": "A"})
    assert source.found() == {"mine": "mine"}
    source.out.remove("mine")
    source.export({"a": "A", "b": "B"})
    source.out.write("a", b"changed by hand")
    source.out.write("beside", b"later")
    with pytest.raises(ConfigError, match=r"/a was not exported, or was changed since"):
        source.export({"a": "new"})
    source.export({"b": "B"})
    assert source.found() == {"a": "changed by hand", "b": "B", "beside": "later"}
    with pytest.raises(ConfigError, match=r"whose maker is 'a.publish', this one's is 'other'"):
        source.export({"b": "B"}, maker="other")
    source.out.write(NOTE, b"{")
    with pytest.raises(ConfigError, match="is not the note of an export"):
        source.export({"b": "B"})


def test_a_killed_export_is_gone_on_with(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    source.export({"a": "A"})
    write = StoredFolder.write

    def dies(self: StoredFolder, name: str, content: Any) -> Any:
        if name == "c":
            raise KeyboardInterrupt
        return write(self, name, content)

    monkeypatch.setattr(StoredFolder, "write", dies)
    with pytest.raises(KeyboardInterrupt):
        source.export({"a": "new", "b": "B", "c": "C"})
    assert source.found() == {"a": "A", "b": "B"}
    monkeypatch.setattr(StoredFolder, "write", write)
    source.export({"a": "new", "b": "B", "c": "C"})
    assert source.found() == {"a": "new", "b": "B", "c": "C"}
    assert source.note()["unfinished"] == []


def test_of_two_at_once_one_goes_on_after_the_other(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = StoredFolder.write

    def meets_another(self: StoredFolder, name: str, content: Any) -> Any:
        told = write(self, name, content)
        if name == "a":
            monkeypatch.setattr(StoredFolder, "write", write)
            source.export({"b": "other"})
        return told

    monkeypatch.setattr(StoredFolder, "write", meets_another)
    with pytest.raises(TransientError, match="another run is writing"):
        source.export({"a": "A"})
    source.export({"a": "A"}, is_whole=False)
    assert source.found() == {"a": "A", "b": "other"}


def test_a_bucket_that_is_not_there_is_named(source: Source) -> None:
    with pytest.raises(ResourceError, match="there is no such bucket"):
        Source(source.folder, f"s3://no{uuid.uuid4().hex}/x").export({"a": "A"})
