"""Trains C once: a method, a target, a seed."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict

import numpy as np
import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from sklearn.metrics import roc_auc_score
from torch import Tensor

from tasks.core.config import SETTINGS
from tasks.core.ports import ItemFolder
from tasks.core.seeds import digest64
from tasks.graspgan.manifests import NetworkName, Prepared
from tasks.graspgan.networks.domains import adapt_norms, copy_source_norms
from tasks.graspgan.networks.grasp_networks import CropNetwork, PictureNetwork
from tasks.graspgan.samples.crops import NUM_COMMAND, NUM_MOTION
from tasks.graspgan.samples.pools import Pool, in_order
from tasks.graspgan.trainings.config import AdversaryConfig, DescentConfig
from tasks.graspgan.trainings.crop_pools import CropPools
from tasks.graspgan.trainings.manifests import Material, PredictorTask, TrainedPredictor
from tasks.graspgan.trainings.predicting import (
    CHOSEN_BY,
    GraspNetwork,
    Lesson,
    scores,
    train_predictor,
)
from tasks.learning.arithmetic import ArithmeticConfig
from tasks.learning.curve import Point

WEIGHTS = "weights.pt"
_KINDS: Mapping[NetworkName, tuple[type[GraspNetwork], int]] = {
    "crop": (CropNetwork, NUM_MOTION),
    "picture": (PictureNetwork, NUM_COMMAND),
}
_NORM_BATCH = 64


@dataclass(frozen=True, config=SETTINGS)
class SharedCrops:
    """What the trainings of a stage have in common.

    Attributes:
        num_pictures: Crops, or whole pictures, of a sample.
        side_px: Their side.
        device: ``cpu`` or ``cuda``.
        name: Which network C is.
        arithmetic: How it computes while it is trained.
    """

    num_pictures: int
    side_px: int
    device: str
    name: NetworkName = "crop"
    arithmetic: ArithmeticConfig = Field(default_factory=ArithmeticConfig)

    @classmethod
    def of(
        cls, prepared: Prepared, device: str, arithmetic: ArithmeticConfig | None = None
    ) -> SharedCrops:
        """What trainings on prepared samples have in common."""
        num_pictures = 2 if prepared.pictures == "both" else 1
        arithmetic = arithmetic or ArithmeticConfig()
        return cls(num_pictures, prepared.side_px, device, prepared.network, arithmetic)

    @property
    def num_motion(self) -> int:
        """Numbers that go with the pictures of a sample."""
        return _KINDS[self.name][1]

    def network(self, *, standardises: bool) -> GraspNetwork:
        """C, with weights from torch's generator."""
        kind, num_motion = _KINDS[self.name]
        network = kind(
            self.num_pictures, num_motion, standardises=standardises, side_px=self.side_px
        )
        return self.arithmetic.placed(network, self.device)


def train_c(item: PredictorTask, shared: SharedCrops, folder: ItemFolder) -> TrainedPredictor:
    """Train C, keep its weights, and score it on the split that it is chosen by.

    Raises:
        DataError: It diverged.
    """
    begun_s = time.process_time()
    pools, seed = CropPools(folder), digest64(f"{item.item_id}/{item.seed}") >> 1
    network = begin(item, shared, folder, seed)
    validation = _shared_out(item.validation, item, pools)

    def validate() -> dict[str, float]:
        return {CHOSEN_BY: area(network, validation, shared.device)}

    lesson, points = _lesson(item, pools), tuple[Point, ...]()
    if item.descent is not None:
        descent = DescentConfig(**item.descent)
        points = train_predictor(
            network,
            lesson,
            descent,
            seed,
            validate,
            arithmetic=shared.arithmetic,
            device=shared.device,
            keeper=folder,
        )
    if item.adapts_norms and item.unlabelled is not None:
        adapt_norms(network, _batches(pools.pool(item.unlabelled), seed, shared.device))
    reached = max([point.values[CHOSEN_BY] for point in points] or validate().values())
    torch.save(cpu_state(network), folder.path / WEIGHTS)
    return TrainedPredictor(
        item_id=item.item_id,
        method=item.method,
        target=item.target,
        seed=item.seed,
        domain=item.domain,
        weights=folder.add(WEIGHTS),
        validation_auc=reached,
        curve=tuple(asdict(point) for point in points),
        num_labels=sum(
            len(pool)
            for material, (pool, _) in zip(item.labelled, lesson.labelled, strict=True)
            if material.crops.world == item.target
        ),
        cpu_s=time.process_time() - begun_s,
        chosen_by=tuple(each.says for each in item.validation if points),
        standardises=item.standardises,
    )


def begin(item: PredictorTask, shared: SharedCrops, folder: ItemFolder, seed: int) -> GraspNetwork:
    """C with the weights that a training begins with; both domains' batch norms alike."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = shared.network(standardises=item.standardises)
    if item.initial is not None:
        state = torch.load(folder.fetch(item.initial), map_location="cpu", weights_only=True)
        network.load_state_dict(state)
        copy_source_norms(network)
    return network


def area(network: GraspNetwork, pools: Sequence[tuple[Pool, int]], device: str) -> float:
    """Mean area under the ROC curve over pools, each by norms of its domain, in all their looks.

    A few labels may be of one outcome: they tell nothing. It is 0.5 where no pool tells anything.
    """
    found = [
        float(roc_auc_score(pool.success, scores(network, pool, domain, device, variant)))
        for pool, domain in pools
        if pool.success is not None and len(np.unique(pool.success)) > 1
        for variant in range(len(pool.pictures))
    ]
    return float(np.mean(found)) if found else 0.5


def cpu_state(network: torch.nn.Module) -> Mapping[str, Tensor]:
    """State dict on the CPU."""
    return {name: value.detach().cpu() for name, value in network.state_dict().items()}


def _lesson(item: PredictorTask, pools: CropPools) -> Lesson:
    labelled = _shared_out(item.labelled, item, pools)
    if item.adversary is None or item.unlabelled is None:
        return Lesson(labelled)
    unlabelled = pools.pool(item.unlabelled).without_labels
    return Lesson(labelled, (unlabelled, item.unlabelled.domain), AdversaryConfig(**item.adversary))


def _shared_out(
    materials: Sequence[Material], item: PredictorTask, pools: CropPools
) -> tuple[tuple[Pool, int], ...]:
    """Pools with their domains; of the target's labels, the share that the training may use."""
    return tuple(
        (
            pools.some_scenes(each, item.label_share, item.seed)
            if each.crops.world == item.target
            else pools.pool(each),
            each.domain,
        )
        for each in materials
    )


def _batches(pool: Pool, seed: int, device: str) -> Iterator[tuple[Tensor, Tensor]]:
    """Batches of mixed scenes: those of one alone would vary less than the target does."""
    mixed = pool.taken(np.random.default_rng(seed).permutation(len(pool)))
    for batch in in_order(mixed, _NORM_BATCH, device):
        yield batch.pictures, batch.motion
