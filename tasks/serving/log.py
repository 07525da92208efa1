"""The request log: rows of what was asked and answered, in Parquet files of bounded size and age.

Request and answer are a ``PredictRequest`` and a ``PredictResponse`` of TensorFlow Serving, however
they came, so that any client of it reads and sends them. Of inputs and outputs that are not to be
kept, type and shape stand there alone, which would read as zeros: the row names them.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from tasks.serving.config import PER_MILLE
from tasks.serving.rpc.messages import MESSAGES, parse
from tasks.serving.rpc.tensors import read_tensor, write_tensor
from tasks.serving.types import Answered, Arrays, Question

# Names and types of the columns, as Parquet has them.
COLUMNS: Mapping[str, str] = {
    "asked_s": "float64",
    "model": "string",
    "version": "int64",
    "signature": "string",
    "took_s": "float64",
    "redacted": "string",
    "request": "binary",
    "answer": "binary",
}
PATTERN: Final = "requests-*.parquet"
_MAX_BYTES = 2**31
_MAX_ROWS: Final = 1000
_MAX_GATHERED_BYTES: Final = 16_000_000


@dataclass(frozen=True, slots=True)
class Logged:
    """A row.

    Attributes:
        asked_s: When it was asked, in seconds of Unix time.
        model: Name of the model.
        version: The version that answered.
        signature: What was asked.
        took_s: How long the answer took.
        redacted: Inputs and outputs whose values were left out, with commas between.
        request: A ``PredictRequest``.
        answer: A ``PredictResponse``.
    """

    asked_s: float
    model: str
    version: int
    signature: str
    took_s: float
    redacted: str
    request: bytes
    answer: bytes

    @property
    def is_whole(self) -> bool:
        """Whether all inputs are there, so that it can be asked again."""
        return not self._left_out() & set(parse("PredictRequest", self.request).inputs)

    def inputs(self) -> Arrays:
        """Arrays that were asked."""
        return arrays_of(parse("PredictRequest", self.request).inputs)

    def outputs(self) -> Arrays:
        """Arrays that were answered, but for those left out."""
        found = arrays_of(parse("PredictResponse", self.answer).outputs)
        return {name: array for name, array in found.items() if name not in self._left_out()}

    def _left_out(self) -> set[str]:
        return set(self.redacted.split(","))


def row_of(
    question: Question, answered: Answered, asked_s: float, took_s: float, redact: Collection[str]
) -> Logged:
    """Row of a question and its answer, without values of the names in `redact`."""
    request, answer = MESSAGES["PredictRequest"](), MESSAGES["PredictResponse"]()
    for message in (request, answer):
        message.model_spec.name = question.model
        message.model_spec.version.value = answered.version
        message.model_spec.signature_name = question.signature
    request.output_filter.extend(question.outputs)
    left_out = {*_write(question.arrays, request.inputs, redact)}
    left_out |= {*_write(answered.arrays, answer.outputs, redact)}
    return Logged(
        asked_s,
        question.model,
        answered.version,
        question.signature,
        took_s,
        ",".join(sorted(left_out)),
        request.SerializeToString(),
        answer.SerializeToString(),
    )


class Sample:
    """Rows of a sample of the requests, gathered until they are written.

    Attributes:
        num_lost: Rows that came faster than they were written.
    """

    def __init__(self) -> None:
        """Begin with none."""
        self.num_lost = self._num_bytes = self._share = 0
        self._rows: list[Logged] = []

    def __len__(self) -> int:
        """Rows that are gathered."""
        return len(self._rows)

    @property
    def is_full(self) -> bool:
        """Whether they are enough for a file."""
        return len(self._rows) >= _MAX_ROWS or self._num_bytes > _MAX_GATHERED_BYTES

    def picks(self, share: int) -> bool:
        """Whether the next request is one of the sample: evenly, so many of a thousand."""
        self._share += share
        if self._share < PER_MILLE:
            return False
        self._share -= PER_MILLE
        if self._num_bytes > _MAX_GATHERED_BYTES:
            self.num_lost += 1
            return False
        return True

    def add(self, row: Logged) -> None:
        """Gather a row."""
        self._rows.append(row)
        self._num_bytes += len(row.request) + len(row.answer)

    def take(self) -> list[Logged]:
        """All rows, which are gathered no more."""
        rows, self._rows, self._num_bytes = self._rows, [], 0
        return rows


def write_rows(path: Path, rows: Sequence[Logged]) -> None:
    """Write a file of rows, whole or not at all.

    Raises:
        OSError: It can't be written; nothing is left of it.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = zip(COLUMNS.values(), zip(*map(astuple, rows), strict=True), strict=True)
    arrays = [_column(kind, values) for kind, values in columns]
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    try:
        pq.write_table(pa.table(arrays, [*COLUMNS]), partial, compression="zstd")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _column(kind: str, values: Sequence[Any]) -> Any:
    """A column, made of its bytes: pyarrow's own way imports pandas, and takes 60 MB for it."""
    import pyarrow as pa

    if kind in ("float64", "int64"):
        data = pa.py_buffer(np.array(values, kind))
        return pa.Array.from_buffers(getattr(pa, kind)(), len(values), [None, data])
    texts = [each.encode() if isinstance(each, str) else each for each in values]
    ends = np.cumsum([0, *map(len, texts)], dtype=np.int32)
    data = [None, pa.py_buffer(ends), pa.py_buffer(b"".join(texts))]
    return pa.Array.from_buffers(getattr(pa, kind)(), len(texts), data)


def read_rows(path: Path) -> list[Logged]:
    """Read a file of rows.

    Raises:
        OSError: It can't be read, or is none.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        found = pq.read_table(path, columns=[*COLUMNS]).to_pylist()
    except (pa.ArrowException, KeyError) as error:
        raise OSError(f"{path}: expected a file of the request log: {error}") from error
    return [Logged(**row) for row in found]


def rows_of(places: Sequence[Path], model: str) -> Iterator[Logged]:
    """Rows of files, or of folders of files, of one model or all.

    Raises:
        OSError: A file can't be read, or is none.
    """
    for place in places:
        for path in sorted(place.glob(PATTERN)) if place.is_dir() else [place]:
            yield from (row for row in read_rows(path) if model in ("", row.model))


def prune(folder: Path, max_bytes: int, max_age_s: float) -> None:
    """Remove the oldest files, as many as are too old or too much together."""
    files = sorted(folder.glob("requests-*"), reverse=True)
    left = max_bytes
    for path in files:
        found = path.stat()
        left -= found.st_size
        if left < 0 or time.time() - found.st_mtime > max_age_s:
            path.unlink(missing_ok=True)


def _write(arrays: Arrays, tensors: Any, redact: Collection[str]) -> list[str]:
    """Write tensors; those that are to be left out are named, by their own name or a head's."""
    left_out = []
    for name, array in arrays.items():
        tensor = tensors[name]
        write_tensor(array, tensor)
        if name in redact or name.rpartition("/")[2] in redact:
            tensor.ClearField("tensor_content")
            tensor.ClearField("string_val")
            left_out.append(name)
    return left_out


def arrays_of(tensors: Any) -> Arrays:
    """Arrays of a message's tensors, by name."""
    return {name: read_tensor(each, name, _MAX_BYTES) for name, each in tensors.items()}
