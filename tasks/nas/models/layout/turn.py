"""Transposes: from channels or planes outermost to innermost, and back.

torch copies a transposed matrix entry by entry; its shuffle of channels in channels_last is the
same permutation, done in vector registers (measured: 21 against 50 us for 1,024 x 64 floats).
"""

from __future__ import annotations

import torch
from torch import Tensor


def turned(matrix: Tensor) -> Tensor:
    """Transpose a contiguous matrix (a, b) into contiguous memory (b, a)."""
    num_rows, num_columns = matrix.shape
    one_pixel = matrix.view(1, 1, 1, -1).permute(0, 3, 1, 2)
    shuffled = torch.ops.aten.native_channel_shuffle(one_pixel, num_rows)
    found: Tensor = shuffled.permute(0, 2, 3, 1).reshape(num_columns, num_rows)
    return found


def channels_last(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """(c, n h w) as images (n, c, h, w) in channels_last."""
    return turned(maps).view(-1, *size, maps.shape[0]).permute(0, 3, 1, 2)


def channel_major(images: Tensor) -> Tensor:
    """Undo `channels_last`."""
    return turned(images.permute(0, 2, 3, 1).reshape(-1, images.shape[1]))
