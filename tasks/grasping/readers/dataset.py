"""A PyTorch data set over shards that need not fit in memory.

Samples are found by row group: a reader keeps the last few groups it read, and `BlockShuffle`
draws an order in which few groups are needed at once. Torch is loaded when `GraspSamples` is
first named, so that this module is light without it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tasks.core.errors import DataError
from tasks.grasping.data.schema import open_shard
from tasks.grasping.readers.samples import Extra, decode_sample, sample_columns, shards_of

_LIGHT_STEP: Final = "steps.list.element.pose"  # reading it tells how many steps there are
_KEPT_BLOCKS = 8

IntArray = npt.NDArray[np.int64]


class SampleReader:
    """Samples by index; what `GraspSamples` is without torch.

    Args:
        source: Folder of shards, or the shards in order.
        also: What samples hold beside pictures, command and success; see
            `tasks.grasping.readers.samples.EXTRAS`.
        kept_blocks: Row groups that are kept in memory, per worker.

    Raises:
        ArtifactError: A shard is cut short, no Parquet file, or of another schema version.
        DataError: There are no samples, or an attempt stands twice.
        ValueError: There is no such extra.
    """

    def __init__(
        self,
        source: Path | Sequence[Path],
        *,
        also: Collection[Extra] = (),
        kept_blocks: int = _KEPT_BLOCKS,
    ) -> None:
        self._also = tuple(also)
        self._columns = sample_columns(self._also)
        self._shards = shards_of(source)
        self._kept_blocks = kept_blocks
        self._kept: OrderedDict[int, pa.Table] = OrderedDict()
        self._blocks: list[tuple[Path, int]] = []
        steps: list[IntArray] = []
        for path in self._shards:
            groups = _read_groups(path, [_LIGHT_STEP])
            self._blocks += [(path, group) for group in range(len(groups))]
            steps += [pc.list_value_length(each["steps"]).to_numpy() for each in groups]
        if not sum(map(len, steps)):
            raise DataError(f"expected shards with attempts, got {len(self._shards)} without any")
        self._steps = np.concatenate(steps).astype(np.int64)
        self._first_sample = np.concatenate([[0], np.cumsum(self._steps)])
        self._first_attempt = np.concatenate([[0], np.cumsum([len(each) for each in steps])])

    def __len__(self) -> int:
        """Number of samples."""
        return int(self._first_sample[-1])

    def __getitem__(self, index: int) -> dict[str, Any]:
        """Return a sample; see `tasks.grasping.readers.samples.decode_samples`."""
        if not -len(self) <= index < len(self):
            raise IndexError(f"sample {index} of {len(self)}")
        index %= len(self)
        attempt = int(np.searchsorted(self._first_sample, index, "right")) - 1
        block = int(np.searchsorted(self._first_attempt, attempt, "right")) - 1
        row = attempt - int(self._first_attempt[block])
        (values,) = self._block(block).slice(row, 1).to_pylist()
        step = index - int(self._first_sample[attempt])
        return self._shaped(decode_sample(values, step, self._also))

    def values(self, column: str) -> npt.NDArray[Any]:
        """A column of the rows with one value per sample, to choose or weigh samples by.

        Args:
            column: A column that is no list or picture, e.g. ``is_success`` or ``scene_id``.
        """
        parts = [
            group[column].to_numpy()
            for path in self._shards
            for group in _read_groups(path, [column])
        ]
        return np.repeat(np.concatenate(parts), self._steps)

    def blocks(self, indices: IntArray | None = None) -> list[IntArray]:
        """Indices of samples by the row group that holds them; some of them, or all."""
        chosen = np.arange(len(self)) if indices is None else np.sort(indices)
        ends = self._first_sample[self._first_attempt[1:-1]]
        found = np.split(chosen, np.searchsorted(chosen, ends))
        return [block for block in found if len(block)]

    def __getstate__(self) -> dict[str, Any]:
        """A worker begins with nothing in memory."""
        return {**self.__dict__, "_kept": OrderedDict()}

    def _block(self, block: int) -> pa.Table:
        if block in self._kept:
            self._kept.move_to_end(block)
            return self._kept[block]
        path, group = self._blocks[block]
        self._kept[block] = _read_groups(path, self._columns, only=group)[0]
        if len(self._kept) > self._kept_blocks:
            self._kept.popitem(last=False)
        return self._kept[block]

    def _shaped(self, sample: dict[str, npt.NDArray[Any]]) -> dict[str, Any]:
        return sample


class BlockShuffle:
    """An order of samples in which a few row groups are read at a time; a `DataLoader` sampler.

    Row groups come in random order; the samples of a few of them are mixed. Each pass draws
    another order; the seed and the number of the pass decide it.

    Args:
        samples: The data set.
        seed: Seed of all orders.
        mixed_blocks: Row groups whose samples are mixed; the data set keeps as many.
        indices: Only these samples; all if None.
    """

    def __init__(
        self,
        samples: SampleReader,
        seed: int,
        mixed_blocks: int = _KEPT_BLOCKS,
        indices: IntArray | None = None,
    ) -> None:
        self._blocks = samples.blocks(indices)
        self._seed = seed
        self._mixed_blocks = mixed_blocks
        self.epoch = 0

    def __len__(self) -> int:
        """Number of samples of a pass."""
        return sum(map(len, self._blocks))

    def __iter__(self) -> Iterator[int]:
        """Yield the indices of one pass."""
        rng = np.random.default_rng([self._seed, self.epoch])
        self.epoch += 1
        order = rng.permutation(len(self._blocks))
        for first in range(0, len(order), self._mixed_blocks):
            mixed = [self._blocks[block] for block in order[first : first + self._mixed_blocks]]
            yield from rng.permutation(np.concatenate(mixed)).tolist()


def _read_groups(path: Path, columns: list[str], only: int | None = None) -> list[pa.Table]:
    with open_shard(path, columns) as file:
        groups = range(file.num_row_groups) if only is None else (only,)
        # a worker that was forked may not use its parent's threads
        return [file.read_row_group(each, columns, use_threads=False) for each in groups]


if TYPE_CHECKING:
    import torch.utils.data

    class GraspSamples(SampleReader, torch.utils.data.Dataset[dict[str, torch.Tensor]]):
        """See `_grasp_samples`."""


def __getattr__(name: str) -> Any:
    """Make `GraspSamples` when it is first named: making it loads torch."""
    if name != "GraspSamples":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = _grasp_samples()
    return globals()[name]


def _grasp_samples() -> type:
    import torch.utils.data

    class GraspSamples(SampleReader, torch.utils.data.Dataset[dict[str, torch.Tensor]]):
        """Samples of the grasp predictor as tensors, pictures (3, h, w) uint8; texts stay texts."""

        def _shaped(self, sample: dict[str, npt.NDArray[Any]]) -> dict[str, Any]:
            for picture in ("before", "now"):
                sample[picture] = np.ascontiguousarray(np.moveaxis(sample[picture], -1, 0))
            return {name: _tensor(value) for name, value in sample.items()}

    def _tensor(value: npt.NDArray[Any]) -> Any:
        return value.tolist() if value.dtype.kind == "U" else torch.from_numpy(value)

    GraspSamples.__qualname__ = "GraspSamples"  # found by this name when it is unpickled
    return GraspSamples
