"""Published Parquet files as a Ray Data set: read, decoded and shuffled by the cluster's workers.

It knows no system: which files, which columns and how rows are decoded is the caller's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.fs
import ray.data

from operators.artifact_store import read_artifact
from operators.storage import Storage
from tasks.core.errors import DataError
from tasks.core.refs import ArtifactRef, FileRef

Decode = Callable[[pa.Table], Mapping[str, npt.NDArray[Any]]]
_BATCH_ROWS = 64


def read_shards(
    shards: Sequence[str | Path],
    *,
    columns: Sequence[str] | None = None,
    decode: Decode | None = None,
    batch_rows: int = _BATCH_ROWS,
    filesystem: Any = None,
) -> ray.data.Dataset:
    """Read Parquet files; Ray must be connected.

    Args:
        shards: Paths that all nodes can read.
        columns: Columns to read; all if None.
        decode: Turns rows into named arrays of one length, which need not be the number of
            rows; a function of a module, since it runs in workers. None leaves the rows as
            they are.
        batch_rows: Rows that are decoded at once.
        filesystem: Where the paths are found, an fsspec file system; the nodes' disks if None.

    Returns:
        The data set; nothing is read before it is used.

    Raises:
        DataError: There are no files.
    """
    if not shards:
        raise DataError("expected Parquet files to read, got none")
    dataset = ray.data.read_parquet(
        [str(path) for path in shards],
        filesystem=filesystem and pa.fs.PyFileSystem(pa.fs.FSSpecHandler(filesystem)),
        partitioning=None,  # folders named a=b are no columns here
    )
    if columns is not None:
        dataset = dataset.select_columns(list(columns))  # only these are read
    if decode is None:
        return dataset
    apply: Any = partial(_decoded, decode)
    return dataset.map_batches(
        apply,
        batch_format="pyarrow",
        batch_size=batch_rows,
        zero_copy_batch=True,
    )


def read_published(
    storage: Storage,
    ref: ArtifactRef,
    *,
    columns: Sequence[str] | None = None,
    decode: Decode | None = None,
    batch_rows: int = _BATCH_ROWS,
) -> ray.data.Dataset:
    """Read all Parquet files that a finished result names, in the order in which it does.

    Args:
        storage: Where the result lies.
        ref: The result.
        columns: See `read_shards`.
        decode: See `read_shards`.
        batch_rows: See `read_shards`.

    Returns:
        The data set.

    Raises:
        ArtifactError: The result is missing or not what the reference promises.
        DataError: It names no Parquet files.
    """
    manifest = read_artifact(storage, ref)
    files = [file for file in _files(manifest.content) if file.uri.endswith(".parquet")]
    if not files:
        raise DataError(f"{storage.uri}/{ref.uri} ({ref.schema_id}) names no Parquet files")
    return read_shards(
        [storage.path(file.uri) for file in files],
        columns=columns,
        decode=decode,
        batch_rows=batch_rows,
        filesystem=None if storage.is_local else storage.fs,
    )


def _files(value: Any) -> Iterator[FileRef]:
    """All references to files in a record's JSON values, in their order."""
    if isinstance(value, Mapping):
        if set(value) == set(FileRef.model_fields):
            yield FileRef(**value)
        else:
            for each in value.values():
                yield from _files(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _files(each)


def _decoded(decode: Decode, rows: pa.Table) -> dict[str, npt.NDArray[Any]]:
    return {name: np.asarray(values) for name, values in decode(rows).items()}
