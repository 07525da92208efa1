"""Scores of the children of a search, as `tasks.nas.search.screened` asks for them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy.typing as npt

from tasks.core.seeds import digest64
from tasks.nas.manifests import Rung
from tasks.nas.search.genotype_space import GenotypeSpace
from tasks.nas.search.interface import Decisions
from tasks.nas.space.canonical import canonical, genotype_hash
from tasks.nas.specs import NetworkSpec

_SEED_BITS = 63


@dataclass
class CellScores:
    """Scores children as the networks that a rung trains, before their training.

    The seed of a child's weights follows from its cells, so isomorphic cells score alike and a
    search that is replayed sees the same scores.

    Attributes:
        space: What decisions mean.
        rung: Size of the networks.
        num_classes: Classes of the classifier.
        images: One fixed batch of training images, standardised, (n, 3, side, side), float32.
        labels: (n,), int64.
        cpu_s: CPU seconds spent so far, by score.
    """

    space: GenotypeSpace
    rung: Rung
    num_classes: int
    images: npt.NDArray[Any]
    labels: npt.NDArray[Any]
    cpu_s: dict[str, float] = field(default_factory=dict)

    def __call__(self, child: Decisions) -> dict[str, float]:
        """Score a child, by proxy."""
        import torch

        from tasks.nas.models.network import CellNetwork
        from tasks.nas.proxies.scores import measure

        genotype = canonical(self.space.genotype(child))
        spec = NetworkSpec(
            num_cells=self.rung.num_cells,
            num_filters=self.rung.num_filters,
            num_classes=self.num_classes,
            image_px=self.rung.image_px,
        )
        found = measure(
            lambda: CellNetwork(genotype, spec),
            torch.from_numpy(self.images),
            torch.from_numpy(self.labels),
            digest64(f"{genotype_hash(genotype)}/proxies") >> (64 - _SEED_BITS),
        )
        for name, each in found.items():
            self.cpu_s[name] = self.cpu_s.get(name, 0.0) + each.cpu_s
        return {name: each.value for name, each in found.items()}
