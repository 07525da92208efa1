"""Scores of the children of a search, before any of them is trained."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch

from tasks.core.seeds import digest64
from tasks.nas.data.raw_images import LabelledImages
from tasks.nas.manifests import Rung
from tasks.nas.models.network import CellNetwork
from tasks.nas.models.sizes import NetworkSize
from tasks.nas.proxies.scores import measure
from tasks.nas.space.canonical import canonical, genotype_hash
from tasks.nas.space.decisions import Decisions
from tasks.nas.space.genotype_space import GenotypeSpace
from tasks.nas.training.standard import Standard

NUM_IMAGES = 64


def child_scores(
    space: GenotypeSpace, budget: Rung, images: LabelledImages, standard: Standard, num_classes: int
) -> Callable[[Decisions], Mapping[str, float]]:
    """What scores a child by every proxy, on one fixed batch; isomorphic children score alike.

    Args:
        space: What decisions mean.
        budget: Size of the network.
        images: The batch is the first of them, in the budget's size.
        standard: How they are standardised.
        num_classes: Classes of the data.
    """
    batch = standard.tensor(images.pixels[:NUM_IMAGES])
    labels = torch.tensor(images.labels[:NUM_IMAGES])
    size = NetworkSize(budget.num_cells, budget.num_filters, num_classes, image_px=budget.image_px)

    def score(child: Decisions) -> Mapping[str, float]:
        genotype = canonical(space.genotype(child))
        seed = digest64(genotype_hash(genotype)) >> 1
        found = measure(lambda: CellNetwork(genotype, size), batch, labels, seed)
        return {name: each.value for name, each in found.items()}

    return score
