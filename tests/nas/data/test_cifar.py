from __future__ import annotations

import hashlib
import pickle
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torchvision import datasets

from tasks.core.errors import DataError, ResourceError
from tasks.nas.data.cifar import download_cifar, is_cifar, read_cifar


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small archive in CIFAR-10's layout, whose checksums count as the published ones."""
    base = tmp_path / "cifar-10-batches-py"
    base.mkdir()

    def write(name: str, content: dict[Any, Any]) -> str:
        data = pickle.dumps(content)
        (base / name).write_bytes(data)
        return hashlib.md5(data, usedforsecurity=False).hexdigest()

    def batch(first: int) -> dict[str, Any]:
        pixels = np.full((4, 3072), first, np.uint8)
        pixels[:, 1024:2048] += 1  # green
        return {"data": pixels, "labels": [0, 1, 2, 9]}

    names = [f"data_batch_{k}" for k in range(1, 6)]
    train = [[name, write(name, batch(10 * k))] for k, name in enumerate(names)]
    monkeypatch.setattr(datasets.CIFAR10, "train_list", train)
    monkeypatch.setattr(
        datasets.CIFAR10, "test_list", [["test_batch", write("test_batch", batch(99))]]
    )
    labels = {"label_names": [f"class {k}" for k in range(10)]}
    meta = {"filename": "batches.meta", "key": "label_names", "md5": write("batches.meta", labels)}
    monkeypatch.setattr(datasets.CIFAR10, "meta", meta)
    return tmp_path


def test_an_archive_is_read(archive: Path) -> None:
    for folder in (archive, archive / "cifar-10-batches-py"):
        assert is_cifar(folder, "cifar10")
        raw = read_cifar(folder, "cifar10")
        assert (len(raw.train), len(raw.test)) == (20, 4)
        assert raw.train.pixels.shape == (20, 32, 32, 3)
        np.testing.assert_array_equal(raw.train.pixels[4, 0, 0], [10, 11, 10])
        assert raw.classes[9] == "class 9"
        assert "verified by checksum" in raw.source


def test_a_missing_batch_is_named(archive: Path) -> None:
    (archive / "cifar-10-batches-py" / "data_batch_3").unlink()
    with pytest.raises(DataError, match=r"data_batch_3 is missing: unpack cifar-10-python.tar.gz"):
        read_cifar(archive, "cifar10")


def test_a_wrong_checksum_is_named(archive: Path) -> None:
    path = archive / "cifar-10-batches-py" / "test_batch"
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(DataError, match="test_batch has another checksum"):
        read_cifar(archive, "cifar10")


def test_another_folder_is_refused(tmp_path: Path) -> None:
    assert not is_cifar(tmp_path, "cifar100")
    with pytest.raises(DataError, match="expected the folder 'cifar-100-python'"):
        read_cifar(tmp_path, "cifar100")


def test_without_network_it_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError("no route")

    module = sys.modules[datasets.CIFAR10.__module__]
    monkeypatch.setattr(module, "download_and_extract_archive", fail)
    with pytest.raises(ResourceError, match="no route; set prepare.data"):
        download_cifar(tmp_path / "cache", "cifar10")


def test_what_is_there_is_not_fetched_again(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = sys.modules[datasets.CIFAR10.__module__]
    monkeypatch.delattr(module, "download_and_extract_archive")
    assert read_cifar(download_cifar(archive, "cifar10"), "cifar10").train.labels.shape == (20,)
