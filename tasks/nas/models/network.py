"""Networks of cells: stem, three stages with reductions between them, classifier.

Zoph et al. (2018), figure 2 and appendix A; where the paper is silent, the authors' code.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn

from tasks.core.errors import ConfigError
from tasks.nas.models.auxiliary import AuxiliaryHead
from tasks.nas.models.cell import NetworkCell, State
from tasks.nas.models.drop_path import DropPath
from tasks.nas.models.initial import initialise
from tasks.nas.models.operations import BatchNorm, conv_norm
from tasks.nas.models.sizes import NetworkSize
from tasks.nas.types import Cell, Genotype

NUM_STAGES = 3
NUM_STEM_CELLS = 2  # of the ImageNet stem
_STEM_FILTERS = 32  # of the ImageNet stem's convolution, in the authors' mobile network
_STEM_FACTOR = 3  # filters of the CIFAR stem, in multiples of those of a cell


class StagesRunner(Protocol):
    """Another way to run the stages of a network; see `tasks.nas.models.layout.channel_major`."""

    def serves(self, network: CellNetwork, images: Tensor) -> bool:
        """Whether it can run these images, in the network's mode."""
        ...

    def stages(self, network: CellNetwork, images: Tensor) -> list[Tensor]:
        """As `CellNetwork.stages`."""
        ...


class CellNetwork(nn.Module):
    """A genotype as a classifier.

    Attributes:
        genotype: The cells.
        size: Size and surroundings.
        num_features: Channels in front of the classifier.
        stage_channels: Channels of the maps that `stages` returns.
        reads: Of each cell: the two states that it reads. State 0 is the stem's, k + 1 cell k's.
        stage_ends: States that `stages` returns.
        runner: Another way to run the stages, wherever it serves (`channel_major`); or None.
    """

    def __init__(self, genotype: Genotype, size: NetworkSize) -> None:
        """Build the network.

        Raises:
            ConfigError: The size names no known stem, or has too few cells or filters.
        """
        super().__init__()
        _check(size)
        self.genotype, self.size = genotype, size
        self._has_stem_cells = size.stem == "imagenet"
        self._num_cells = NUM_STAGES * (size.num_cells + 1) - 1
        if self._has_stem_cells:
            self._num_cells += NUM_STEM_CELLS
        self.stem = self._make_stem()
        self.cells = nn.ModuleList()
        self.reads: list[tuple[int, int]] = []
        self.stage_ends: list[int] = []
        self._stack()
        self.stage_channels = tuple(self._states[end].num_channels for end in self.stage_ends)
        self.num_features = self.stage_channels[-1]
        self.dropout = nn.Dropout(size.dropout_rate)
        self.classifier = nn.Linear(self.num_features, size.num_classes)
        self.auxiliary: AuxiliaryHead | None = None
        if size.has_auxiliary:
            place = self._states[self.stage_ends[-2]]
            self.auxiliary = AuxiliaryHead(place, size)
        self.runner: StagesRunner | None = None
        initialise(self)

    def forward(self, images: Tensor) -> Tensor:
        """Classify images (n, 3, h, w); logits (n, classes)."""
        return self.classify(self.stages(images)[-1])

    def forward_with_auxiliary(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of the classifier and of the auxiliary head, for training.

        Raises:
            ConfigError: The network has no auxiliary head.
        """
        if self.auxiliary is None:
            raise ConfigError("the network has no auxiliary head; set has_auxiliary in its size")
        *_, middle, last = self.stages(images)
        return self.classify(last), self.auxiliary(middle)

    def stages(self, images: Tensor) -> list[Tensor]:
        """Maps at the ends of the stages, finest first; those in front of reduction cells.

        Args:
            images: (n, 3, h, w), standardised.

        Returns:
            (n, stage_channels[k], h_k, w_k) for each stage, before the next ReLU.
        """
        if self.runner is not None and self.runner.serves(self, images):
            return self.runner.stages(self, images)
        states = [self.stem(images)]
        for cell, (previous, current) in zip(self.cells, self.reads, strict=True):
            states.append(cell(states[previous], states[current]))
        return [states[end] for end in self.stage_ends]

    def classify(self, last: Tensor) -> Tensor:
        """Logits (n, classes) by the last of the maps that `stages` returns."""
        pooled = torch.relu(last).mean(dim=(2, 3))
        logits: Tensor = self.classifier(self.dropout(pooled))
        return logits

    def schedule_drop_path(self, progress: float) -> None:
        """Set how often paths are dropped, for a moment of training.

        Args:
            progress: Share of training that is over, 0 to 1.
        """
        for module in self.modules():
            if isinstance(module, DropPath):
                module.schedule(self.size.drop_path_rate, progress)

    def _make_stem(self) -> nn.Module:
        """One convolution and batch norm; ahead of cells it halves and doesn't pad."""
        size = self.size
        if self._has_stem_cells:
            filters = size.stem_filters or _STEM_FILTERS
            self._states = [State(filters, 1)]
            conv = nn.Conv2d(3, filters, 3, stride=2, bias=False)
            return nn.Sequential(conv, BatchNorm(filters))
        filters = size.stem_filters or int(_STEM_FACTOR * size.num_filters)
        self._states = [State(filters, 0)]
        return conv_norm(3, filters, (3, 3))

    def _stack(self) -> None:
        """Append all cells."""
        width, normal, reduce = self.size.num_filters, self.genotype.normal, self.genotype.reduce
        if self._has_stem_cells:
            for k in range(NUM_STEM_CELLS, 0, -1):
                self._append(reduce, int(width / 2**k), stride=2)
        for stage in range(NUM_STAGES):
            before = len(self._states) - 2
            filters = int(width * 2**stage + 0.5)
            if stage:
                self._append(reduce, filters, stride=2)
            for k in range(self.size.num_cells):
                skips = self.size.skip_reduction_input and stage > 0 and k == 0
                self._append(normal, filters, stride=1, previous=before if skips else None)
            self.stage_ends.append(len(self._states) - 1)

    def _append(self, cell: Cell, filters: int, stride: int, previous: int | None = None) -> None:
        """Append a cell that reads the last state and the one before, or another before."""
        current = len(self._states) - 1
        first = current == 0
        previous = max(current - 1, 0) if previous is None else previous
        built = NetworkCell(
            cell,
            None if first else self._states[previous],
            self._states[current],
            filters,
            stride,
            depth=(len(self.cells) + 1) / self._num_cells,
        )
        self.cells.append(built)
        self.reads.append((previous, current))
        self._states.append(built.output)


def _check(size: NetworkSize) -> None:
    if size.stem not in ("cifar", "imagenet"):
        raise ConfigError(f"stem is {size.stem!r}; expected cifar or imagenet")
    least = 2**NUM_STEM_CELLS if size.stem == "imagenet" else 1
    if size.num_cells < 1 or size.num_filters < least:
        raise ConfigError(
            f"{size.num_cells} cells a stage with {size.num_filters} filters; expected at least "
            f"one cell and, with a stem of kind {size.stem}, at least {least} filters"
        )
