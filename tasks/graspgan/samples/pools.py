"""Samples to train from, and batches of them.

Legend: n samples, b of a batch, v variants, p pictures, s side of a crop.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from tasks.graspgan.samples.crops import mirrored
from tasks.learning.parallel import share

ByteArray = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Pool:
    """Samples with what is known of them.

    Attributes:
        pictures: Looks of the same samples, v arrays (n, s, s, 3 p), uint8; a draw takes one.
        motion: (n, m) float32; see `tasks.graspgan.samples.crops.motion_numbers`.
        station: Which camera, (n,), int64.
        success: Whether the grasp succeeded, (n,), float32; None where nobody knows.
        classes: Semantic classes of each picture, (n, s, s, p), uint8; None where nobody knows.
        heights_m: What is seen without the arm lies so high above the bin's floor, (n, s, s),
            float16; None where nobody knows.
        painted: Of each look, the target's station whose textures the samples show, (n,), int64;
            None where they show no station's.
        mirrors: Whether a mirrored sample is one of the same outcome: a crop, no whole picture.
    """

    pictures: tuple[ByteArray, ...]
    motion: npt.NDArray[np.float32]
    station: npt.NDArray[np.int64]
    success: npt.NDArray[np.float32] | None = None
    classes: ByteArray | None = None
    heights_m: npt.NDArray[np.float16] | None = None
    painted: tuple[npt.NDArray[np.int64], ...] | None = None
    mirrors: bool = True

    def __len__(self) -> int:
        """Number of samples."""
        return len(self.motion)

    def taken(self, chosen: npt.NDArray[np.int64]) -> Pool:
        """Some of the samples."""
        return Pool(
            tuple(each[chosen] for each in self.pictures),
            self.motion[chosen],
            self.station[chosen],
            None if self.success is None else self.success[chosen],
            None if self.classes is None else self.classes[chosen],
            None if self.heights_m is None else self.heights_m[chosen],
            None if self.painted is None else tuple(each[chosen] for each in self.painted),
            self.mirrors,
        )

    @property
    def without_labels(self) -> Pool:
        """The pool as whoever has pictures alone knows it: no outcome, no masks."""
        return Pool(self.pictures, self.motion, self.station, mirrors=self.mirrors)


@dataclass(frozen=True)
class Batch:
    """Samples as networks take them.

    Attributes:
        pictures: (b, 3 p, s, s), grey values from -1 to 1.
        motion: (b, m).
        station: (b,), int64.
        success: (b,), or None.
        classes: (b, p, s, s), int64, or None.
        heights_m: (b, s, s), or None.
        painted: Station that the pictures are painted like, (b,), int64, or None.
    """

    pictures: Tensor
    motion: Tensor
    station: Tensor
    success: Tensor | None
    classes: Tensor | None
    heights_m: Tensor | None
    painted: Tensor | None


def draw(
    pool: Pool,
    batch_size: int,
    rng: np.random.Generator,
    device: str = "cpu",
    memory_format: torch.memory_format = torch.channels_last,
) -> Batch:
    """Draw a batch with replacement, each sample in one of its looks, mirrored by chance.

    Several processes draw the same batch, and each takes its share of it.
    """
    own = share(batch_size)
    chosen = rng.integers(len(pool), size=batch_size)[own]
    variants = rng.integers(len(pool.pictures), size=batch_size)[own]
    drawn = rng.random((2, batch_size))[:, own]
    flips = torch.from_numpy((drawn < 0.5) & pool.mirrors).to(device)
    pictures = np.stack(
        [pool.pictures[variant][index] for variant, index in zip(variants, chosen, strict=True)]
    )
    batch = _batch(pool, chosen, pictures, variants, device)
    seen, motion = mirrored(batch.pictures, batch.motion, flips[0], flips[1])
    classes, heights_m = batch.classes, batch.heights_m
    if classes is not None:
        classes, _ = mirrored(classes, batch.motion, flips[0], flips[1])
    if heights_m is not None:
        heights_m = mirrored(heights_m[:, None], batch.motion, flips[0], flips[1])[0][:, 0]
    seen = seen.contiguous(memory_format=memory_format)
    return replace(batch, pictures=seen, motion=motion, classes=classes, heights_m=heights_m)


def draw_evenly(
    pools: Sequence[Pool],
    batch_size: int,
    rng: np.random.Generator,
    device: str = "cpu",
    memory_format: torch.memory_format = torch.channels_last,
) -> Batch:
    """Draw one batch from several pools, as many from each; they all have labels, or none has."""
    parts = [draw(pool, batch_size // len(pools), rng, device, memory_format) for pool in pools]
    if len(parts) == 1:
        return parts[0]
    return Batch(
        torch.cat([each.pictures for each in parts]),
        torch.cat([each.motion for each in parts]),
        torch.cat([each.station for each in parts]),
        _joined([each.success for each in parts]),
        _joined([each.classes for each in parts]),
        _joined([each.heights_m for each in parts]),
        _joined([each.painted for each in parts]),
    )


def in_order(pool: Pool, batch_size: int, device: str = "cpu", variant: int = 0) -> Iterator[Batch]:
    """All samples, in order, in one of their looks."""
    for begin in range(0, len(pool), batch_size):
        chosen = np.arange(begin, min(begin + batch_size, len(pool)))
        variants = np.full(len(chosen), variant)
        yield _batch(pool, chosen, pool.pictures[variant][chosen], variants, device)


def grey(pictures: ByteArray, device: str = "cpu") -> Tensor:
    """Pictures (b, s, s, c), uint8, as (b, c, s, s) from -1 to 1, channels_last."""
    given = torch.from_numpy(np.ascontiguousarray(pictures)).to(device)
    return given.permute(0, 3, 1, 2).float().div_(127.5).sub_(1)


def _joined(parts: Sequence[Tensor | None]) -> Tensor | None:
    known = [each for each in parts if each is not None]
    return torch.cat(known) if len(known) == len(parts) else None


def _batch(
    pool: Pool,
    chosen: npt.NDArray[np.int64],
    pictures: ByteArray,
    variants: npt.NDArray[np.int64],
    device: str,
) -> Batch:
    success = None if pool.success is None else torch.from_numpy(pool.success[chosen]).to(device)
    classes = heights_m = painted = None
    if pool.painted is not None:
        painted = torch.from_numpy(np.stack(pool.painted)[variants, chosen]).to(device)
    if pool.classes is not None:
        moved = np.ascontiguousarray(np.moveaxis(pool.classes[chosen], -1, 1))
        classes = torch.from_numpy(moved).to(device).long()
    if pool.heights_m is not None:
        heights_m = torch.from_numpy(pool.heights_m[chosen]).to(device).float()
    return Batch(
        grey(pictures, device),
        torch.from_numpy(pool.motion[chosen]).to(device),
        torch.from_numpy(pool.station[chosen]).to(device),
        success,
        classes,
        heights_m,
        painted,
    )
