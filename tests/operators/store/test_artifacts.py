"""The store, on a disk, in memory and on an S3 server: whole or not at all."""

from __future__ import annotations

import errno
import os
import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from dask.tokenize import tokenize

from operators.store.artifacts import Draft, StageStore, finished, mark_finished, read_artifact
from operators.store.manifests import Manifest
from operators.store.storage import DRAFTS, MANIFEST, Storage
from tasks.core.digests import digest
from tasks.core.errors import ArtifactError, NotWritableError, ResourceError, TransientError
from tasks.core.records import ArtifactRef, FileRef, Record
from tasks.core.stages import StageSpec

KEY = digest("key")
SPEC = StageSpec(name="test.stage", section="x")
LOOSE = StageSpec(name="test.train", section="x", tolerances=(("score.value", 0.1),))


class Score(Record):
    schema_id = "test.score/1"

    value: float
    file: FileRef | None = None


class Result(Record):
    schema_id = "test.result/1"

    score: Score


def store(storage: Storage, spec: StageSpec = SPEC, key: str = KEY) -> StageStore:
    return StageStore(storage, f"p/{spec.name}/{key}", spec, key, lambda: {"host": "here"})


def names(storage: Storage) -> list[str]:
    """All files of a store, relative to its root."""
    root = storage.path("")
    try:
        return sorted(path.removeprefix(root) for path in storage.fs.find(root.rstrip("/")))
    except FileNotFoundError:
        return []


def write_with_file(storage: Storage, text: str = "hello", value: float = 1.0) -> ArtifactRef:
    draft = Draft(storage, f"p/{SPEC.name}/{KEY}")
    with draft:
        (draft.path / "sub").mkdir()
        (draft.path / "sub/a.txt").write_text(text)
        (draft.path / "not-registered.txt").write_text("x")
        content = Score(value=value, file=draft.add("sub/a.txt"))
        kept = draft.commit(Manifest.of(content, SPEC.name, KEY, {}))
    return ArtifactRef(schema_id=kept.schema_id, uri=draft.folder, sha256=kept.sha256)


def test_write_then_read(storage: Storage) -> None:
    ref = store(storage).write(Score(value=2.0))
    assert ref.uri == f"p/test.stage/{KEY}"
    assert ref.sha256 == digest(Score(value=2.0))
    assert store(storage).read(ref, Score) == Score(value=2.0)
    assert read_artifact(storage, ref).provenance == {"host": "here"}


def test_files_come_with_their_record(storage: Storage) -> None:
    ref = write_with_file(storage)
    file = store(storage).read(ref, Score).file
    assert file is not None
    assert store(storage).fetch(file).read_text() == "hello"
    assert store(storage).fetch(file).name == "a.txt"
    assert len(names(storage)) == 2  # manifest and the registered file


def test_fetch_travels_to_workers_without_the_stage(storage: Storage) -> None:
    file = store(storage).read(write_with_file(storage), Score).file
    assert file is not None
    # The stage's own state, such as this lambda, is neither picklable nor the workers' business.
    fetch = store(storage).fetch
    assert pickle.loads(pickle.dumps(fetch))(file).read_text() == "hello"  # noqa: S301
    assert tokenize(fetch, ensure_deterministic=True) == tokenize(store(storage).fetch)


def test_files_of_the_driver_come_with_its_result(storage: Storage, tmp_path: Path) -> None:
    (tmp_path / "model").write_text("weights")
    target = store(storage)
    ref = target.write(Score(value=1.0, file=target.add(tmp_path / "model", "deep/model.txt")))
    file = target.read(ref, Score).file
    assert target.fetch(file).read_text() == "weights"


def test_what_serves_one_run_alone_is_kept_once(storage: Storage, tmp_path: Path) -> None:
    (tmp_path / "model").write_text("weights")

    def write(run: str, value: float) -> ArtifactRef:
        own = f"p/{SPEC.name}/{digest(run)}"
        target = StageStore(storage, f"p/{SPEC.name}/{KEY}", SPEC, KEY, dict, lambda: own)
        return target.write(Score(value=value, file=target.add(tmp_path / "model", "model.txt")))

    first, again, other = write("one", 1.0), write("two", 1.0), write("three", 2.0)
    assert again == first
    assert other.uri == f"p/{SPEC.name}/{digest('three')}"
    storage.remove(first.uri)
    assert write("four", 1.0).uri == f"p/{SPEC.name}/{digest('four')}", "it was removed"


def test_a_result_may_come_to_be_its_run_s_own_after_a_file_was_added(
    storage: Storage, tmp_path: Path
) -> None:
    (tmp_path / "model").write_text("weights")
    own: list[str] = []
    folder = f"p/{SPEC.name}/{KEY}"
    target = StageStore(storage, folder, SPEC, KEY, dict, lambda: own[0] if own else "")
    file = target.add(tmp_path / "model", "model.txt")
    own.append(f"p/{SPEC.name}/{digest('run')}")
    ref = target.write(Score(value=1.0, file=file))
    kept = target.read(ref, Score).file
    assert kept is not None
    assert (ref.uri, kept.uri.startswith(f"{own[0]}/")) == (own[0], True)
    assert target.fetch(kept).read_text() == "weights"
    assert storage.read(folder) is None


def test_what_is_not_written_is_gone(storage: Storage, tmp_path: Path) -> None:
    (tmp_path / "model").write_text("weights")
    target = store(storage)
    target.add(tmp_path / "model", "model.txt")
    target.close()
    assert names(storage) == []


def test_same_key_same_content_is_adopted(storage: Storage) -> None:
    assert write_with_file(storage) == write_with_file(storage)


def test_same_key_other_content_names_both(storage: Storage) -> None:
    first = write_with_file(storage)
    with pytest.raises(ArtifactError, match=f"kept {first.sha256}, now [0-9a-f]{{64}}"):
        write_with_file(storage, text="other")
    file = store(storage).read(first, Score).file
    assert store(storage).fetch(file).read_text() == "hello"


def test_two_writers_at_once_agree(storage: Storage) -> None:
    with ThreadPoolExecutor(8) as pool:
        refs = list(pool.map(lambda _: write_with_file(storage), range(8)))
    assert len(set(refs)) == 1
    assert store(storage).read(refs[0], Score).value == 1.0
    assert len(names(storage)) == 2


def test_two_writers_at_once_that_differ_leave_one_whole_result(storage: Storage) -> None:
    def attempt(number: int) -> ArtifactRef | None:
        try:
            return write_with_file(storage, text=f"text {number}", value=float(number))
        except ArtifactError:
            return None

    with ThreadPoolExecutor(4) as pool:
        winners = [ref for ref in pool.map(attempt, range(4)) if ref]
    assert len(winners) == 1
    score = store(storage).read(winners[0], Score)
    assert store(storage).fetch(score.file).read_text() == f"text {score.value:.0f}"


def test_cut_short_manifest_is_not_accepted_and_replaced(storage: Storage) -> None:
    ref = store(storage).write(Score(value=1.0))
    path = storage.path(f"{ref.uri}/{MANIFEST}")
    storage.fs.pipe_file(path, storage.fs.cat_file(path)[:-20])
    with pytest.raises(ArtifactError, match="cut short"):
        store(storage).read(ref, Score)
    assert store(storage).write(Score(value=1.0)) == ref
    assert store(storage).read(ref, Score) == Score(value=1.0)


def test_missing_result_is_named(storage: Storage) -> None:
    ref = ArtifactRef(schema_id="test.score/1", uri="p/none", sha256=KEY)
    with pytest.raises(ArtifactError, match="p/none is missing: run its stage again"):
        store(storage).read(ref, Score)


def test_reference_to_other_content_is_refused(storage: Storage) -> None:
    ref = store(storage).write(Score(value=1.0))
    with pytest.raises(ArtifactError, match=r"expected test.score/1 0000"):
        store(storage).read(ref.model_copy(update={"sha256": "0" * 64}), Score)
    with pytest.raises(ArtifactError, match=r"expected test.result/1, got test.score/1"):
        store(storage).read(ref, Result)


def test_altered_file_is_noticed(storage: Storage) -> None:
    file = store(storage).read(write_with_file(storage), Score).file
    storage.fs.pipe_file(storage.path(file.uri), b"HELLO")
    with pytest.raises(ArtifactError, match=f"was altered: expected {file.sha256}"):
        store(storage).fetch(file)


def test_missing_file_is_named(storage: Storage) -> None:
    file = store(storage).read(write_with_file(storage), Score).file
    storage.fs.rm(storage.path(file.uri))
    with pytest.raises(ArtifactError, match=r"a\.txt is missing: restore it"):
        store(storage).fetch(file)


def test_finished_fan_out_is_found_again(storage: Storage) -> None:
    target = store(storage)
    refs = [target.write(Score(value=float(i))) for i in range(3)]
    assert [ref.uri.removeprefix(f"p/test.stage/{KEY}") for ref in refs] == ["", "-1", "-2"]
    folder = f"p/test.stage/{KEY}"
    assert finished(storage, folder) is None
    mark_finished(storage, folder, refs)
    assert finished(storage, folder) == refs


@pytest.mark.parametrize("damage", ["index", "group", "altered"])
def test_damaged_fan_out_is_made_again(storage: Storage, damage: str) -> None:
    target, folder = store(storage), f"p/test.stage/{KEY}"
    refs = [target.write(Score(value=float(i))) for i in range(2)]
    mark_finished(storage, folder, refs)
    if damage == "index":
        storage.fs.pipe_file(storage.path(f"{folder}/result.json"), b'{"refs": [')
    elif damage == "altered":
        storage.fs.pipe_file(storage.path(f"{folder}/result.json"), b'{"refs": [], "sha256": "0"}')
    else:
        storage.fs.rm(storage.path(f"{refs[1].uri}/{MANIFEST}"))
    assert finished(storage, folder) is None


def test_tolerances_decide_what_agrees(storage: Storage) -> None:
    first = store(storage, LOOSE).write(Result(score=Score(value=1.0)))
    assert store(storage, LOOSE).write(Result(score=Score(value=1.09))) == first
    with pytest.raises(ArtifactError, match=r"expected score.value within 0.1 of 1.0, got 1.2"):
        store(storage, LOOSE).write(Result(score=Score(value=1.2)))


def test_unregistered_name_is_refused(tmp_path: Path) -> None:
    with Draft(Storage(str(tmp_path)), "p/s/k") as draft:
        for name in ("none.txt", "../x", MANIFEST):
            with pytest.raises(ArtifactError, match="expected a file"):
                draft.add(name)


@pytest.mark.parametrize(
    ("number", "kind", "message"),
    [
        (errno.ENOSPC, NotWritableError, "no space left.*make prune"),
        (errno.EDQUOT, NotWritableError, "no space left"),
        (errno.EROFS, NotWritableError, "read-only.*store_uri"),
        (errno.EACCES, ResourceError, "no access to"),
        (errno.ETIMEDOUT, TransientError, "a disk or its server failed"),
    ],
)
def test_disk_errors_are_translated_and_nothing_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, kind: type, message: str
) -> None:
    def fail(descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail)
    storage = Storage(str(tmp_path / "store"))
    with pytest.raises(kind, match=message):
        write_with_file(storage)
    assert names(storage) == []
    assert list((tmp_path / "store" / DRAFTS).iterdir()) == []


def test_full_disk_leaves_nothing(tiny_disk: Path, tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(os.urandom(100_000))
    target = store(Storage(str(tiny_disk)))
    with pytest.raises(NotWritableError, match="no space left while writing"):
        target.add(tmp_path / "big", "big.bin")
    target.close()
    assert names(target.storage) == []
    assert target.write(Score(value=1.0)).schema_id == "test.score/1"  # a small one still fits
