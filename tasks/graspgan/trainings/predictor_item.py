"""Trains C once: a method, a target, a seed."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict

import numpy as np
import torch
from pydantic.dataclasses import dataclass
from sklearn.metrics import roc_auc_score
from torch import Tensor

from tasks.core.config import SETTINGS
from tasks.core.ports import ItemFolder
from tasks.core.seeds import digest64
from tasks.graspgan.networks.domains import adapt_norms, copy_source_norms
from tasks.graspgan.networks.grasp_networks import CropNetwork
from tasks.graspgan.samples.crops import NUM_MOTION
from tasks.graspgan.samples.pools import Pool, in_order
from tasks.graspgan.trainings.config import AdversaryConfig, DescentConfig
from tasks.graspgan.trainings.crop_pools import CropPools
from tasks.graspgan.trainings.manifests import PredictorTask, TrainedPredictor
from tasks.graspgan.trainings.predicting import CHOSEN_BY, Lesson, scores, train_predictor
from tasks.learning.curve import Point

WEIGHTS = "weights.pt"
_NORM_BATCH = 64


@dataclass(frozen=True, config=SETTINGS)
class SharedCrops:
    """What the trainings of a stage have in common.

    Attributes:
        num_pictures: Crops of a sample.
        side_px: Their side.
        device: ``cpu`` or ``cuda``.
    """

    num_pictures: int
    side_px: int
    device: str

    def network(self, *, standardises: bool) -> CropNetwork:
        """C, with weights from torch's generator."""
        network = CropNetwork(
            self.num_pictures, NUM_MOTION, standardises=standardises, side_px=self.side_px
        )
        return network.to(self.device)


def train_c(item: PredictorTask, shared: SharedCrops, folder: ItemFolder) -> TrainedPredictor:
    """Train C, keep its weights, and score it on the split that it is chosen by.

    Raises:
        DataError: It diverged.
    """
    begun_s = time.process_time()
    pools, seed = CropPools(folder), digest64(f"{item.item_id}/{item.seed}") >> 1
    network = begin(item, shared, folder, seed)
    validation = [(pools.pool(each), each.domain) for each in item.validation]

    def validate() -> dict[str, float]:
        return {CHOSEN_BY: area(network, validation, shared.device)}

    lesson, points = _lesson(item, pools), tuple[Point, ...]()
    if item.descent is not None:
        descent = DescentConfig(**item.descent)
        points = train_predictor(
            network, lesson, descent, seed, validate, device=shared.device, keeper=folder
        )
    reached = max((point.values[CHOSEN_BY] for point in points), default=validate()[CHOSEN_BY])
    if item.adapts_norms and item.unlabelled is not None:
        adapt_norms(network, _batches(pools.pool(item.unlabelled), shared.device))
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
    )


def begin(item: PredictorTask, shared: SharedCrops, folder: ItemFolder, seed: int) -> CropNetwork:
    """C with the weights that a training begins with; both domains' batch norms alike."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = shared.network(standardises=item.standardises)
    if item.initial is not None:
        state = torch.load(folder.fetch(item.initial), map_location="cpu", weights_only=True)
        network.load_state_dict(state)
        copy_source_norms(network)
    return network


def area(network: CropNetwork, pools: Sequence[tuple[Pool, int]], device: str) -> float:
    """Mean area under the ROC curve over pools, each by norms of its domain, in all their looks."""
    found = [
        float(roc_auc_score(pool.success, scores(network, pool, domain, device, variant)))
        for pool, domain in pools
        for variant in range(len(pool.pictures))
    ]
    return float(np.mean(found))


def cpu_state(network: torch.nn.Module) -> Mapping[str, Tensor]:
    """State dict on the CPU."""
    return {name: value.detach().cpu() for name, value in network.state_dict().items()}


def _lesson(item: PredictorTask, pools: CropPools) -> Lesson:
    labelled = tuple(
        (
            pools.some_scenes(material, item.label_share, item.seed)
            if material.crops.world == item.target
            else pools.pool(material),
            material.domain,
        )
        for material in item.labelled
    )
    if item.adversary is None or item.unlabelled is None:
        return Lesson(labelled)
    unlabelled = pools.pool(item.unlabelled).without_labels
    return Lesson(labelled, unlabelled, AdversaryConfig(**item.adversary))


def _batches(pool: Pool, device: str) -> Iterator[tuple[Tensor, Tensor]]:
    for batch in in_order(pool, _NORM_BATCH, device):
        yield batch.pictures, batch.motion
