from __future__ import annotations

from functools import partial
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tasks.core.digests import file_digest
from tasks.core.errors import ConfigError
from tasks.core.export import Export, export_files
from tasks.core.outside.stored import StoredFolder, is_stored
from tasks.core.records import FileRef
from tasks.panorama.archive.catalogue import CATALOGUE, PUBLISHED, Row
from tasks.panorama.archive.published import MAKER, SETTING, published_files, roll_back_files


class Archive:
    """Nights that publish texts in place of panoramas."""

    def __init__(self, folder: Path, to: str) -> None:
        self.folder, self.to = folder, to
        (folder / "scratch").mkdir()

    def publish(self, run: str, **texts: str) -> None:
        refs, rows = {}, []
        for capture, text in texts.items():
            path = self.folder / f"{capture}-{text}"
            path.write_text(text)
            sha256 = file_digest(path)
            refs[capture] = {
                "panorama.jpg": FileRef(uri=str(path), sha256=sha256, num_bytes=len(text))
            }
            files = (("panorama.jpg", sha256),)
            rows.append(Row(capture, PUBLISHED, version=text, files=files))
        files = partial(published_files, refs, rows, run, self.folder / "scratch")
        export_files(Export(files, MAKER, is_whole=False), self.to, SETTING)

    def roll_back(self, *captures: str, run: str = "") -> list[str]:
        return roll_back_files(self.to, captures, run, self.folder / "scratch")

    def found(self) -> dict[str, str]:
        names = {"a": "a/panorama.jpg", "was a": "a/former/panorama.jpg", "b": "b/panorama.jpg"}
        texts = {short: self.read(name) for short, name in names.items()}
        return {short: text.decode() for short, text in texts.items() if text is not None}

    def read(self, name: str) -> bytes | None:
        if is_stored(self.to):
            return StoredFolder(self.to).read(name)
        path = Path(self.to) / name
        return path.read_bytes() if path.exists() else None


@pytest.fixture
def archive(tmp_path):
    return Archive(tmp_path, str(tmp_path / "out"))


def test_the_former_panorama_is_kept_and_comes_back(archive):
    archive.publish("first", a="v1", b="w1")
    archive.publish("second", a="v2", b="w1")
    assert archive.found() == {"a": "v2", "was a": "v1", "b": "w1"}
    table = pq.read_table(Path(archive.to) / CATALOGUE).to_pylist()
    told = [(each["capture"], each["state"], each["version"], each["run"]) for each in table]
    assert told == [
        ("a", "former", "v1", "first"),
        ("a", "published", "v2", "second"),
        ("b", "published", "w1", "first"),
    ]
    assert archive.roll_back(run="second") == ["a"]
    archive.publish("third", a="v2", b="w1")
    assert archive.found() == {"a": "v1", "was a": "v2", "b": "w1"}, "it stays withdrawn"
    archive.publish("fourth", a="v3")
    assert archive.found() == {"a": "v3", "was a": "v1", "b": "w1"}


def test_an_archive_in_a_store_is_rolled_back_too(tmp_path, bucket):
    archive = Archive(tmp_path, f"{bucket}/out")
    archive.publish("first", a="v1", b="w1")
    archive.publish("second", a="v2")
    assert archive.found() == {"a": "v2", "was a": "v1", "b": "w1"}
    assert archive.roll_back("a") == ["a"]
    assert archive.found() == {"a": "v1", "was a": "v2", "b": "w1"}
    assert archive.roll_back("a") == ["a"]
    assert archive.found() == {"a": "v2", "was a": "v1", "b": "w1"}


def test_a_run_that_was_killed_never_takes_a_new_picture_for_a_former_one(archive, monkeypatch):
    archive.publish("first", a="v1")
    replace = Path.replace

    def dies(self: Path, target: Path) -> Path:
        if target.name == CATALOGUE:
            raise KeyboardInterrupt
        return replace(self, target)

    for act in (lambda: archive.publish("second", a="v2"), lambda: archive.roll_back("a")):
        monkeypatch.setattr(Path, "replace", dies)
        with pytest.raises(KeyboardInterrupt):
            act()
        monkeypatch.setattr(Path, "replace", replace)
        act()
    assert archive.found() == {"a": "v1", "was a": "v2"}


def test_where_there_is_nothing_to_go_back_to_nothing_changes(archive):
    archive.publish("first", a="v1", b="w1")
    archive.publish("second", a="v2")
    before = archive.found()
    for captures, run in ((["b"], ""), (["a", "nowhere"], ""), ([], "first"), ([], "unknown")):
        with pytest.raises(ConfigError, match="expected a former version to go back to"):
            archive.roll_back(*captures, run=run)
    (Path(archive.to) / "a/former/panorama.jpg").write_text("altered by hand")
    with pytest.raises(ConfigError, match="was not exported, or was changed since"):
        archive.roll_back("a")
    (Path(archive.to) / "a/former/panorama.jpg").unlink()
    with pytest.raises(ConfigError, match="is not what was published as version v1"):
        archive.roll_back("a")
    assert archive.found() == {each: before[each] for each in ("a", "b")}
