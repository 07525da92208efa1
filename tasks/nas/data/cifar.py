"""CIFAR-10 and CIFAR-100 as their author distributes them, verified by checksum.

A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009. torchvision knows the
archives, their checksums and how to fetch them.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, Literal

import numpy as np

from tasks.core.digests import file_digest
from tasks.core.errors import DataError, ResourceError
from tasks.nas.data.raw_images import LabelledImages, RawImages

_LOG = logging.getLogger(__name__)
_MAX_FILE_BYTES = 200_000_000  # the largest of them, CIFAR-100's, has 155 MB
CifarName = Literal["cifar10", "cifar100"]
_TITLES = {"cifar10": "CIFAR-10", "cifar100": "CIFAR-100"}


def is_cifar(folder: Path, name: CifarName) -> bool:
    """Whether a folder is, or holds, the unpacked archive, or what is left of it."""
    return _root(folder, name) is not None


def read_cifar(folder: Path, name: CifarName) -> RawImages:
    """Read the unpacked archive from a folder.

    Args:
        folder: ``cifar-10-batches-py`` (``cifar-100-python``), or the folder that holds it.
        name: Which of the two.

    Raises:
        DataError: A batch is missing, or its checksum is wrong; names the file.
    """
    root = _root(folder, name)
    kind = _dataset(name)
    if root is None:
        raise DataError(f"{folder}: expected the folder {kind.base_folder!r} in it")
    _check_files(root / kind.base_folder, kind)
    parts = [kind(root, train=is_train) for is_train in (True, False)]
    train, test = (
        LabelledImages(np.ascontiguousarray(part.data), np.array(part.targets, np.int64))
        for part in parts
    )
    title = _TITLES[name]
    return RawImages(name, f"{title}, {len(train):,} + {len(test):,} images, verified by checksum",
                     tuple(parts[0].classes), train, test)  # fmt: skip


def download_cifar(cache: Path, name: CifarName) -> Path:
    """Fetch and unpack the archive, unless it is there.

    Args:
        cache: Folder that keeps it.
        name: Which of the two.

    Returns:
        The folder to give to `read_cifar`.

    Raises:
        ResourceError: There is no network, or what came has another checksum.
    """
    cache.mkdir(parents=True, exist_ok=True)
    try:
        _dataset(name)(cache, train=True, download=True)
    except (OSError, RuntimeError) as error:
        raise ResourceError(
            f"can't fetch {_TITLES[name]} ({_dataset(name).url}): {error}; set prepare.data to a "
            "folder that has it"
        ) from error
    _LOG.info("%s is in %s", _TITLES[name], cache)
    return cache


def _root(folder: Path, name: CifarName) -> Path | None:
    """The folder that torchvision calls the root."""
    base = str(_dataset(name).base_folder)
    if folder.name == base:
        return folder.parent
    return folder if (folder / base).is_dir() else None


def _check_files(base: Path, kind: Any) -> None:
    from torchvision.datasets.utils import check_md5

    meta = kind.meta["filename"], kind.meta["md5"]  # holds the names of the classes
    for name, md5 in [*kind.train_list, *kind.test_list, meta]:
        path = base / name
        if not path.is_file():
            raise DataError(f"{path} is missing: unpack {kind.filename} again")
        if path.stat().st_size > _MAX_FILE_BYTES:
            raise DataError(
                f"{path}: expected at most {_MAX_FILE_BYTES:,} bytes, got "
                f"{path.stat().st_size:,}: unpack {kind.filename} again"
            )
        if not check_md5(path, md5):
            raise DataError(
                f"{path} has another checksum than the published file (MD5 {md5}; its SHA-256 is "
                f"{file_digest(path)}): unpack {kind.filename} again"
            )


def _dataset(name: CifarName) -> Any:
    from torchvision import datasets

    return {"cifar10": datasets.CIFAR10, "cifar100": datasets.CIFAR100}[name]
