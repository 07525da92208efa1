"""One root of artifacts on every kind of store: files whole or not at all, clear errors."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from botocore.exceptions import ClientError
from s3fs.errors import translate_boto_error

from operators.store.artifacts import finished, read_artifact
from operators.store.storage import MANIFEST, Storage, disk_faults, storage_errors
from tasks.core.errors import DataError, NotWritableError, ResourceError, TransientError
from tasks.core.records import ArtifactRef, FileRef
from tests.support.hostile.refusals import refused


def read(storage: Storage, relative: str) -> bytes:
    return bytes(storage.fs.cat_file(storage.path(relative)))


def test_bytes_and_files_are_written_and_replaced(storage: Storage, tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(b"of a file")
    storage.write("a/b", b"first")
    storage.write("a/b", b"second")
    storage.write("a/c", tmp_path / "source")
    assert read(storage, "a/b") == b"second"
    assert read(storage, "a/c") == b"of a file"


def test_a_file_that_must_be_new_stays_as_who_came_first_wrote_it(storage: Storage) -> None:
    storage.write("a/b", b"first", is_new=True)
    with pytest.raises(FileExistsError):
        storage.write("a/b", b"second", is_new=True)
    assert read(storage, "a/b") == b"first"


def test_a_write_that_fails_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = Storage(str(tmp_path / "store"))
    storage.write("a/b", b"first")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    said = r"no space left while writing .*/a/b, 0\.0 MB needed .*make prune"
    with pytest.raises(NotWritableError, match=said):
        storage.write("a/b", b"second")
    assert read(storage, "a/b") == b"first"
    assert [each.name for each in (tmp_path / "store/a").iterdir()] == ["b"]


def of_numpy(path: Path) -> None:
    np.save(path, np.ones(100_000))


def of_torch(path: Path) -> None:
    import torch

    torch.save(torch.ones(100_000), path)


def of_pyarrow(path: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        parquet.write_table(pa.table({"x": np.random.default_rng(0).random(100_000)}), path)
    except pa.ArrowException as error:
        raise DataError("no table") from error


@pytest.mark.parametrize("write", [of_numpy, of_torch, of_pyarrow])
def test_a_full_disk_is_told_whatever_a_library_says_of_it(
    tiny_disk: Path, write: Callable[[Path], None]
) -> None:
    said = r"no space left while writing it: 0\.\d MB free at .*make prune"
    with pytest.raises(NotWritableError, match=said), disk_faults("it", tiny_disk):
        write(tiny_disk / "file")


def test_a_read_only_disk_is_told(tiny_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(tiny_disk)], check=True)
    with pytest.raises(NotWritableError, match=r"p/x: the disk is read-only .*store_uri"):
        Storage(str(tiny_disk)).write("p/x", b"bytes")


@pytest.mark.parametrize("write", [of_numpy, of_torch, of_pyarrow])
def test_a_read_only_disk_is_told_whatever_a_library_says_of_it(
    tiny_disk: Path, write: Callable[[Path], None]
) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(tiny_disk)], check=True)
    said = "it: the disk is read-only .*make prune"
    with pytest.raises(NotWritableError, match=said), disk_faults("it", tiny_disk):
        write(tiny_disk / "file")


def test_what_is_no_disk_s_fault_stays_what_it_is(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="a bad one"), disk_faults("it", tmp_path):
        raise DataError("a bad one")
    lost = OSError(errno.ESTALE, "Stale file handle")
    said = "it: a disk or its server failed"
    with pytest.raises(TransientError, match=said), disk_faults("it", tmp_path):
        raise DataError("no image") from lost


@pytest.mark.parametrize("code", ["InternalError", "SlowDown", "ServiceUnavailable", "Unheard"])
def test_a_server_that_fails_is_worth_a_retry(code: str) -> None:
    answer = {"Error": {"Code": code, "Message": "later"}}
    with pytest.raises(TransientError, match="later"), storage_errors("s3://bucket/p"):
        raise translate_boto_error(ClientError(answer, "PutObject"))


def test_a_folder_is_removed_whole(storage: Storage) -> None:
    storage.write("a/b/c", b"x")
    storage.write("a/d", b"y")
    storage.remove("a/b")
    assert not storage.fs.exists(storage.path("a/b/c"))
    assert read(storage, "a/d") == b"y"


def test_file_of_the_user_is_fetched_where_it_lies(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(b"abc")
    sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    storage = Storage(str(tmp_path / "store"))
    for uri in (f"{tmp_path}/photo.jpg", f"file://{tmp_path}/photo.jpg"):
        file = FileRef(uri=uri, sha256=sha256, num_bytes=3)
        assert storage.fetch(file) == tmp_path / "photo.jpg"


def test_missing_bucket_is_named(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    storage = Storage("s3://no-such-bucket/root", {"endpoint_url": s3_server})
    with pytest.raises(ResourceError, match=r"no-such-bucket.* does not exist: create the bucket"):
        storage.write("p/x", b"bytes")


def test_unreachable_server_is_worth_a_retry(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    storage = Storage("s3://bucket/root", {"endpoint_url": "http://127.0.0.1:1"})
    monkeypatch.setattr(storage.fs, "retries", 1)
    with pytest.raises(TransientError, match=r"can't reach s3://bucket/root/p/x/manifest\.json"):
        storage.read("p/x")


ODD_PLACES = {
    "above": "../outside",
    "above, later": "a/b/../../../outside",
    "the whole disk": "/",
    "an absolute path": "/etc",
    "another store": "s3://bucket/a",
    "a chain of file systems": "zip://a::file:///outside.zip",
    "a zero byte": "a\0b",
    "a newline": "a\nORRERY_RESULT []",
    "half a character": "a\udcff",
    "a name of 5,000 characters": "n" * 5000,
    "a depth of 3,000": "n/" * 3000,
}


@pytest.mark.hostile
@pytest.mark.parametrize("kind", ODD_PLACES)
def test_a_reference_that_leads_out_is_refused(tmp_path: Path, kind: str) -> None:
    (tmp_path / "outside").mkdir()
    storage = Storage(str(tmp_path / "store"))
    uri = ODD_PLACES[kind]
    ref = ArtifactRef.model_construct(schema_id="a/1", uri=uri, sha256="0" * 64)
    with refused("is no place in the store", outside=tmp_path / "outside"):
        read_artifact(storage, ref)
    with refused("is no place in the store", outside=tmp_path / "outside"):
        storage.write(uri, b"evil")
    with refused("is no place in the store", outside=tmp_path / "outside"):
        storage.remove(uri)
    assert not list((tmp_path / "outside").iterdir())


@pytest.mark.hostile
@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "80 GB", "link to itself"])
def test_what_is_no_file_is_no_result(tmp_path: Path, kind: str) -> None:
    for name in (MANIFEST, "result.json", "data"):
        path = tmp_path / "p/s/k" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if kind == "pipe":
            os.mkfifo(path)
        elif kind == "device":
            path.symlink_to("/dev/zero")
        elif kind == "folder":
            path.mkdir()
        elif kind == "80 GB":
            with path.open("wb") as file:
                file.truncate(80 * 10**9)
        else:
            path.symlink_to(name)
    storage = Storage(str(tmp_path))
    with refused("p/s/k"):
        storage.read("p/s/k")
    with refused("p/s/k/data"):
        storage.fetch(FileRef(uri="p/s/k/data", sha256="0" * 64, num_bytes=9))
    assert finished(storage, "p/s/k") is None, "it is made again"


ODD_RESULTS = ["[" * 100_000, "[]", '{"refs": 5}', '{"refs": [5]}', '{"refs": [{"uri": "../a"}]}',
               '{"refs": [], "sha256": 5}', "NaN", "7" * 5000, "\0"]  # fmt: skip


@pytest.mark.hostile
@pytest.mark.parametrize("text", ODD_RESULTS, ids=range(len(ODD_RESULTS)))
def test_an_odd_result_is_made_again(tmp_path: Path, text: str) -> None:
    storage = Storage(str(tmp_path))
    storage.write("p/s/k/result.json", text.encode())
    assert finished(storage, "p/s/k") is None
