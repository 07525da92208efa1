"""Grasp success C(x, v), from what is seen around the grasp or from whole pictures.

Legend: n samples, p pictures (without the arm; with it too), s side, g = s / `CELL_PX` cells along
it, m numbers that say what is commanded, f features.

`CropNetwork` sees crops that are centred on the grasp and turned to its closing axis, so that what
it has to know of the command is little. Where simulation knows it, training also asks how much of
each cell objects cover and how high they lie; and as a mirrored grasp succeeds as the grasp does, a
trained network says the mean over the four mirror images.

`PictureNetwork` is that of S. Levine, P. Pastor, A. Krizhevsky, J. Ibarz, D. Quillen, "Learning
Hand-Eye Coordination for Robotic Grasping with Deep Learning and Large-Scale Data Collection",
IJRR 2018, figure 4, which K. Bousmalis et al. (arXiv 1709.07857) use: whole pictures, the command
added to the maps of each position. Deviation: its convolutions are padded, so that it takes small
pictures too.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

from tasks.graspgan.networks.domains import DomainNorm
from tasks.graspgan.samples.crops import mirror_images
from tasks.grasping.types import SemanticClass

_LEAST_DEVIATION: Final = 0.03
"""Four grey values of 255: a plain surface is not made into noise, and gradients through it don't
outweigh all others of a batch (one of 50 crops of plain simulation is flatter)."""
CROP_WIDTHS: Final = (24, 48, 64)
NUM_CROP_FEATURES: Final = 64
CELL_PX: Final = 4
NUM_CELL_MAPS: Final = 2
"""What a cell tells: see `cells_of`."""
_HEIGHT_UNIT_M: Final = 0.03
_DROPPED: Final = 0.5  # of the features, in training


def standardised(pictures: Tensor) -> Tensor:
    """Each channel of each picture less its mean, over its deviation, if that is not too small.

    Args:
        pictures: (n, 3 p, s, s).
    """
    deviation, mean = torch.std_mean(pictures, dim=(2, 3), keepdim=True, correction=0)
    return (pictures - mean) / deviation.clamp_min(_LEAST_DEVIATION)


def cells_of(classes: Tensor, height_m: Tensor) -> Tensor:
    """What simulation knows of the cells of crops.

    Args:
        classes: Semantic classes, (n, s, s).
        height_m: Above the bin's floor, (n, s, s).

    Returns:
        (n, `NUM_CELL_MAPS`, g, g): share that objects cover; mean height, of 3 cm.
    """
    covered = (classes == SemanticClass.OBJECT).to(height_m.dtype)
    maps = torch.stack([covered, height_m / _HEIGHT_UNIT_M], dim=1)
    return nn.functional.avg_pool2d(maps, CELL_PX)


class CropNetwork(nn.Module):
    """C on crops about the grasp.

    Attributes:
        num_features: Of `features`.
    """

    def __init__(
        self, num_pictures: int, num_motion: int, *, standardises: bool, side_px: int = 32
    ) -> None:
        """Build the network.

        Args:
            num_pictures: Crops of a sample, p.
            num_motion: Numbers that say what is commanded, m.
            standardises: Whether each crop is standardised first.
            side_px: Side of the crops, a multiple of 8.
        """
        super().__init__()
        self.standardises = standardises
        fine, middle, channels = CROP_WIDTHS
        self.layers = nn.Sequential(*_block(3 * num_pictures, fine), *_block(fine, middle))
        self.cells = nn.Conv2d(middle, NUM_CELL_MAPS, 1)
        self.coarse = nn.Sequential(*_block(middle, channels))
        num_seen = channels * (side_px // 2 ** len(CROP_WIDTHS)) ** 2 // 4
        self.narrow = nn.Sequential(*_conv(channels, channels // 4, 1))
        self.motion = nn.Linear(num_motion, NUM_CROP_FEATURES)
        self.seen = nn.Linear(num_seen, NUM_CROP_FEATURES)
        self.num_features = NUM_CROP_FEATURES
        self.head = nn.Sequential(nn.Dropout(_DROPPED), nn.Linear(NUM_CROP_FEATURES, 1))

    def seen_in(self, pictures: Tensor, motion: Tensor) -> tuple[Tensor, Tensor]:
        """What the last layer reads, (n, f), and what the cells hold, as `cells_of`."""
        given = standardised(pictures) if self.standardises else pictures
        maps = self.layers(given)
        seen = self.narrow(self.coarse(maps)).flatten(1)
        return torch.relu(self.seen(seen) + self.motion(motion)), self.cells(maps)

    def features(self, pictures: Tensor, motion: Tensor) -> Tensor:
        """What the last layer reads, (n, f); see `forward`."""
        return self.seen_in(pictures, motion)[0]

    def forward(self, pictures: Tensor, motion: Tensor) -> Tensor:
        """Logits of success, (n,); of a trained network, in evaluation, means over mirror images.

        Args:
            pictures: (n, 3 p, s, s), grey values from -1 to 1.
            motion: (n, m); see `tasks.graspgan.samples.crops`.
        """
        if self.training:
            logits: Tensor = self.head(self.features(pictures, motion))[:, 0]
            return logits
        said = [self.head(self.features(*each))[:, 0] for each in mirror_images(pictures, motion)]
        return torch.stack(said).mean(dim=0)


class PictureNetwork(nn.Module):
    """C on whole pictures.

    Attributes:
        num_features: Of `features`.
    """

    def __init__(
        self,
        num_pictures: int,
        num_motion: int,
        *,
        standardises: bool,
        side_px: int = 64,
        width: int = 64,
        depths: tuple[int, int, int] = (6, 6, 3),
    ) -> None:
        """Build the network.

        Args:
            num_pictures: Pictures of a sample, p.
            num_motion: Numbers of a command, m.
            standardises: Whether each picture is standardised first.
            side_px: Side of the pictures; 472 in the paper.
            width: Channels; 64 in the paper.
            depths: Convolutions before the command, after it, and after the last pool.
        """
        super().__init__()
        self.standardises = standardises
        before, after, last = depths
        self.before = nn.Sequential(
            *_conv(3 * num_pictures, width, 6, stride=2),
            nn.MaxPool2d(3, ceil_mode=True),
            *(layer for _ in range(before) for layer in _conv(width, width, 5)),
            nn.MaxPool2d(3, ceil_mode=True),
        )
        self.motion = nn.Sequential(nn.Linear(num_motion, width), nn.ReLU())
        self.after = nn.Sequential(
            *(layer for _ in range(after) for layer in _conv(width, width)),
            nn.MaxPool2d(2, ceil_mode=True),
            *(layer for _ in range(last) for layer in _conv(width, width)),
        )
        num_seen = width * _ceil_div(side_px, 2 * 3 * 3 * 2) ** 2
        self.seen = nn.Sequential(nn.Linear(num_seen, width), nn.ReLU(), nn.Linear(width, width))
        self.num_features = width
        self.head = nn.Linear(width, 1)

    def seen_in(self, pictures: Tensor, motion: Tensor) -> tuple[Tensor, None]:
        """As that of `CropNetwork`; whole pictures have no cells."""
        return self.features(pictures, motion), None

    def features(self, pictures: Tensor, motion: Tensor) -> Tensor:
        """What the last layer reads, (n, f); see `forward`."""
        seen = standardised(pictures) if self.standardises else pictures
        maps = self.before(seen) + self.motion(motion)[:, :, None, None]
        return torch.relu(self.seen(self.after(maps).flatten(1)))

    def forward(self, pictures: Tensor, motion: Tensor) -> Tensor:
        """Logits of success, (n,).

        Args:
            pictures: (n, 3 p, h, w), grey values from -1 to 1; or one for all commands.
            motion: Commands, (n, m).
        """
        logits: Tensor = self.head(self.features(pictures, motion))[:, 0]
        return logits


def _block(channels: int, width: int) -> list[nn.Module]:
    return [*_conv(channels, width), *_conv(width, width), nn.MaxPool2d(2)]


def _conv(channels: int, width: int, kernel: int = 3, stride: int = 1) -> list[nn.Module]:
    conv = nn.Conv2d(channels, width, kernel, stride, padding=(kernel - 1) // 2, bias=False)
    return [conv, DomainNorm(width), nn.ReLU()]


def _ceil_div(number: int, divisor: int) -> int:
    return -(-number // divisor)
