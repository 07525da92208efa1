"""How images are standardised; the driver of a search, which only says so, loads no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tasks.nas.data.raw_images import Pixels

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Standard:
    """Mean and deviation that images are standardised by, of 1, one for each channel."""

    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    def tensor(self, pixels: Pixels, device: str = "cpu") -> Tensor:
        """Standardise images (b, s, s, 3); returns (b, 3, s, s), channels_last."""
        import torch

        images = torch.tensor(pixels, device=device).permute(0, 3, 1, 2).float()
        mean = torch.tensor(self.mean, device=device)[:, None, None] * 255
        std = torch.tensor(self.std, device=device)[:, None, None] * 255
        return images.sub_(mean).div_(std)
