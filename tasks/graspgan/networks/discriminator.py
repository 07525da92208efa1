"""Discriminators of patches at several scales.

K. Bousmalis et al. (arXiv 1709.07857), section IV-A: fully convolutional, each looks at patches of
another size of the picture, the same on smaller copies of it (P. Isola, J. Zhu, T. Zhou, A. Efros,
"Image-to-Image Translation with Conditional Adversarial Networks", CVPR 2017). Deviations: spectral
norm (T. Miyato et al., ICLR 2018) and the station as an input.

Legend: n samples, p pictures, s side.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm


class Discriminators(nn.Module):
    """One for each scale: the picture itself, a half of its side, a quarter, ….

    Attributes:
        num_stations: Stations of the target.
    """

    def __init__(
        self,
        num_pictures: int,
        num_stations: int,
        *,
        num_scales: int = 3,
        widths: Sequence[int] = (24, 48, 64),
    ) -> None:
        """Build the networks.

        Args:
            num_pictures: Pictures of a sample, p.
            num_stations: Stations of the target.
            num_scales: Scales.
            widths: Channels of the convolutions of each; the first one halves the side.
        """
        super().__init__()
        self.num_stations = num_stations
        given = 3 * num_pictures + num_stations
        self.scales = nn.ModuleList(_patches(given, widths) for _ in range(num_scales))

    def forward(self, pictures: Tensor, station: Tensor) -> list[Tensor]:
        """Say how much patches look like the target's: 1 is real, 0 is made.

        Args:
            pictures: (n, 3 p, s, s), grey values from -1 to 1.
            station: That they are of, or shall look like, (n,), int64.

        Returns:
            For each scale, (n, 1, h, w).
        """
        # In full: spectral norm can't mix precisions, and least squares want differences of them.
        with torch.autocast(pictures.device.type, enabled=False):
            return self._judged(pictures.float(), station)

    def _judged(self, pictures: Tensor, station: Tensor) -> list[Tensor]:
        told = nn.functional.one_hot(station, self.num_stations).to(pictures.dtype)
        found = []
        for index, scale in enumerate(self.scales):
            if index:
                pictures = nn.functional.avg_pool2d(pictures, 2)
            maps = told[:, :, None, None].expand(-1, -1, *pictures.shape[2:])
            found.append(scale(torch.cat([pictures, maps], dim=1)))
        return found


def real_loss(found: Sequence[Tensor]) -> Tensor:
    """Mean squared distance from 1, over scales and patches.

    X. Mao, Q. Li, H. Xie, R. Lau, Z. Wang, S. Smolley, "Least Squares Generative Adversarial
    Networks", ICCV 2017, equation 9: what the discriminator should say of real pictures, and what
    the generator wants it to say of made ones.
    """
    return torch.stack([(each - 1).square().mean() for each in found]).mean()


def made_loss(found: Sequence[Tensor]) -> Tensor:
    """Mean squared distance from 0: what the discriminator should say of made pictures."""
    return torch.stack([each.square().mean() for each in found]).mean()


def _patches(channels: int, widths: Sequence[int]) -> nn.Module:
    layers: list[nn.Module] = []
    for index, width in enumerate(widths):
        conv = nn.Conv2d(channels, width, 4 if index == 0 else 3, 2 if index == 0 else 1, padding=1)
        layers += [spectral_norm(conv), nn.LeakyReLU(0.2)]
        channels = width
    return nn.Sequential(*layers, spectral_norm(nn.Conv2d(channels, 1, 3, padding=1)))
