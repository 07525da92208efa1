"""The generator: turns simulated pictures into such as the target's, and says what they show.

K. Bousmalis et al. (arXiv 1709.07857), section IV-A and figure 4: a U-Net (O. Ronneberger,
P. Fischer, T. Brox, 2015) with instance norm, that maps the pictures of a sample to adapted ones
and to the semantic map. Deviations: pictures are folded into channels first, as most of the work
would lie in the finest maps; the target's station is an input, since a generator that was not told
made all pictures into those of one of three; a few maps of noise let one picture come out in
several ways; what comes out is the input, weighted for each position, plus what is painted.

Legend: n samples, p pictures, s side, k classes.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

_FOLD = 2  # positions of a side that are folded into channels


class Generator(nn.Module):
    """See the module's docstring.

    Attributes:
        num_noise: Maps of noise that it is given.
        num_stations: Stations of the target.
    """

    def __init__(
        self,
        num_pictures: int,
        num_classes: int,
        num_stations: int,
        *,
        widths: Sequence[int] = (24, 44, 64),
        num_noise: int = 6,
    ) -> None:
        """Build the network.

        Args:
            num_pictures: Pictures of a sample, p.
            num_classes: Semantic classes, k.
            num_stations: Stations of the target.
            widths: Channels at a half, a quarter, … of the side.
            num_noise: Maps of noise.
        """
        super().__init__()
        self.num_noise, self.num_stations = num_noise, num_stations
        self._num_channels = 3 * num_pictures
        given = self._num_channels * _FOLD**2 + num_stations + num_noise
        self.downs = nn.ModuleList()
        for index, width in enumerate(widths):
            below = given if index == 0 else widths[index - 1]
            self.downs.append(_block(below, width, stride=1 if index == 0 else 2))
        self.ups = nn.ModuleList(
            _block(coarse + fine, fine)
            for fine, coarse in zip(reversed(widths[:-1]), reversed(widths[1:]), strict=True)
        )
        made = 2 * self._num_channels + num_classes * num_pictures
        self.last = nn.Conv2d(widths[0], made * _FOLD**2, 3, padding=1)
        for weights in self.last.parameters():
            nn.init.zeros_(weights)

    def forward(self, pictures: Tensor, station: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Adapt pictures.

        Args:
            pictures: (n, 3 p, s, s), grey values from -1 to 1; s is a multiple of the finest fold
                and of all halvings.
            station: Of the target, that each shall look like, (n,), int64.
            noise: (n, num_noise, s / 2, s / 2).

        Returns:
            Adapted pictures, (n, 3 p, s, s), from -1 to 1; logits of the classes of each of them,
            (n, k p, s, s).
        """
        folded = nn.functional.pixel_unshuffle(pictures, _FOLD)
        told = nn.functional.one_hot(station, self.num_stations).to(folded.dtype)
        told = told[:, :, None, None].expand(-1, -1, *folded.shape[2:])
        state = torch.cat([folded, told, noise], dim=1)
        kept = []
        for down in self.downs:
            state = down(state)
            kept.append(state)
        state = kept.pop()
        for up in self.ups:
            fine = kept.pop()
            coarse = nn.functional.interpolate(state, size=fine.shape[2:], mode="nearest")
            state = up(torch.cat([coarse, fine], dim=1))
        made = nn.functional.pixel_shuffle(self.last(state), _FOLD)
        painted, gate = made[:, : 2 * self._num_channels].chunk(2, dim=1)
        adapted = torch.tanh(painted + (1 + gate) * _inverse_tanh(pictures))
        return adapted, made[:, 2 * self._num_channels :]

    def noise(self, pictures: Tensor) -> Tensor:
        """Draw noise for pictures from torch's generator."""
        return torch.randn(self.noise_shape(pictures), device=pictures.device)

    def noise_shape(self, pictures: Tensor) -> tuple[int, int, int, int]:
        """Shape of the noise for pictures."""
        num, _, height, width = pictures.shape
        return num, self.num_noise, height // _FOLD, width // _FOLD


def _block(channels: int, width: int, stride: int = 1) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(channels, width, 3, stride, padding=1),
        nn.InstanceNorm2d(width, affine=True),
        nn.ReLU(),
        nn.Conv2d(width, width, 3, padding=1),
        nn.InstanceNorm2d(width, affine=True),
        nn.ReLU(),
    )


def _inverse_tanh(pictures: Tensor) -> Tensor:
    """What tanh makes into the pictures; pure black and white come out as nearly so."""
    return torch.atanh(pictures.clamp(-0.97, 0.97))
