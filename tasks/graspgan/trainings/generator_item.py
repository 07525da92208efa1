"""Trains a generator once, and adapts the simulated samples with it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from tasks.core.ports import ItemFolder
from tasks.core.seeds import digest64
from tasks.graspgan.networks.discriminator import Discriminators
from tasks.graspgan.networks.domains import copy_source_norms
from tasks.graspgan.networks.generator import Generator
from tasks.graspgan.pictures.grids import adapted_grid
from tasks.graspgan.samples.pools import ByteArray, Pool, in_order
from tasks.graspgan.trainings.adapting import Networks, train_generator
from tasks.graspgan.trainings.config import GeneratorConfig
from tasks.graspgan.trainings.crop_pools import CropPools
from tasks.graspgan.trainings.health import Health
from tasks.graspgan.trainings.manifests import GeneratorTask, TrainedGenerator
from tasks.graspgan.trainings.predictor_item import SharedCrops, cpu_state
from tasks.graspgan.trainings.symptoms import symptoms
from tasks.grasping.types import SemanticClass
from tasks.learning import parallel

_WEIGHTS, _ADAPTED, _VALIDATION, _GRID = (
    "generator.pt",
    "adapted.npz",
    "adapted_validation.npz",
    "grid.png",
)
_BATCH, _NUM_SHOWN = 256, 8
_LOG = logging.getLogger(__name__)


def train_one_generator(
    item: GeneratorTask, shared: SharedCrops, folder: ItemFolder
) -> TrainedGenerator:
    """Train a generator, keep it, and adapt the samples.

    Raises:
        DataError: It diverged.
    """
    begun_s = time.process_time()
    seed = digest64(f"{item.item_id}/{item.seed}") >> 1
    pools = CropPools(folder)
    read = pools.painted if item.source.looks == ("cut",) else pools.pool
    source, validation = read(item.source), read(item.validation)
    target = pools.pool(item.pictures).without_labels
    config = GeneratorConfig(**item.config)
    networks = _networks(item, shared, config, folder, seed)

    def grid() -> ByteArray:
        return adapted_grid(networks.generator, source, target, _NUM_SHOWN, seed, shared.device)

    points = train_generator(
        networks,
        source,
        target,
        config,
        seed,
        Health.of(source, target, seed, shared.device),
        arithmetic=shared.arithmetic,
        device=shared.device,
        keeper=_Watched(folder, item, config.num_steps, grid),
    )
    torch.save(cpu_state(networks.generator), folder.path / _WEIGHTS)
    for name, pool in ((_ADAPTED, source), (_VALIDATION, validation)):
        looks = [
            adapted(networks.generator, pool, target, look, seed + look, shared.device)
            for look in range(item.num_looks)
        ]
        _save_looks(folder.path / name, looks)
    return TrainedGenerator(
        item_id=item.item_id,
        name=item.name,
        target=item.target,
        seed=item.seed,
        weights=folder.add(_WEIGHTS),
        adapted=folder.add(_ADAPTED),
        adapted_validation=folder.add(_VALIDATION),
        grid=folder.add_picture(_GRID, grid()),
        curve=tuple(asdict(point) for point in points),
        cpu_s=time.process_time() - begun_s,
    )


@dataclass
class _Watched:
    """Keeps a training in the item's folder; shows pictures with its numbers, and warns.

    Attributes:
        folder: The item's.
        item: Whose training it is.
        num_steps: Steps of the training.
        grid: Draws what the generator makes now.
    """

    folder: ItemFolder
    item: GeneratorTask
    num_steps: int
    grid: Callable[[], ByteArray]

    def __post_init__(self) -> None:
        self.path = self.folder.path
        self.checkpoint = self.folder.checkpoint
        self.save_checkpoint = self.folder.save_checkpoint
        self._said: set[str] = set()

    def report(self, metrics: Mapping[str, float], step: int) -> None:
        if parallel.rank():
            return
        self.folder.report(metrics, step, grid=self.grid())
        if 2 * step < self.num_steps:  # nobody expects it to be well so early
            return
        found = symptoms(metrics, self.item.name)
        for name in found.keys() - self._said:
            _LOG.warning("%s, step %d: %s", self.item.item_id, step, found[name])
        self._said |= found.keys()


@torch.no_grad()
def adapted(
    generator: Generator, source: Pool, target: Pool, look: int, seed: int, device: str
) -> ByteArray:
    """Adapt samples once, in another of their own looks for each look that is made.

    Each becomes a picture of the station whose textures it shows; where it shows none's, of one
    that is drawn, as often as the target has it.

    Returns:
        (n, s, s, 3 p), uint8.
    """
    generator.eval()
    rng = np.random.default_rng(seed)
    stations = torch.from_numpy(rng.choice(target.station, size=len(source))).to(device)
    variant = look % len(source.pictures)
    noise = torch.Generator(device=device).manual_seed(seed)
    found, begin = [], 0
    for batch in in_order(source, _BATCH, device, variant):
        drawn_ones = stations[begin : begin + len(batch.motion)]
        wanted = drawn_ones if batch.painted is None else batch.painted
        begin += len(wanted)
        shape = generator.noise_shape(batch.pictures)
        drawn = torch.randn(shape, generator=noise, device=device)
        made, _ = generator(batch.pictures, wanted, drawn)
        grey = ((made + 1) * 127.5).round().clamp(0, 255).byte()
        found.append(grey.permute(0, 2, 3, 1).cpu().numpy())
    return np.concatenate(found)


def _save_looks(path: Path, looks: Sequence[ByteArray]) -> None:
    arrays = {f"adapted_{look:03d}": each for look, each in enumerate(looks)}
    np.savez(path, allow_pickle=False, **arrays)


def generator_widths(width: int) -> tuple[int, int, int]:
    """Channels of the generator's maps, from the finest on."""
    return width, round(width * 11 / 6), round(width * 8 / 3)


def patch_widths(num_layers: int) -> tuple[int, ...]:
    """Channels of the discriminator's convolutions before the last."""
    return (24, 48, *(64,) * (num_layers - 2))[:num_layers]


def _networks(
    item: GeneratorTask,
    shared: SharedCrops,
    config: GeneratorConfig,
    folder: ItemFolder,
    seed: int,
) -> Networks:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        widths = generator_widths(config.width)
        generator = Generator(
            shared.num_pictures, len(SemanticClass), item.num_stations, widths=widths
        )
        discriminators = Discriminators(
            shared.num_pictures,
            item.num_stations,
            num_scales=config.num_scales,
            widths=patch_widths(config.num_patch_layers),
        )
        predictor = shared.network(standardises=True)
    state = torch.load(folder.fetch(item.initial), map_location="cpu", weights_only=True)
    predictor.load_state_dict(state)
    copy_source_norms(predictor)
    placed, device = shared.arithmetic.placed, shared.device
    return Networks(placed(generator, device), placed(discriminators, device), predictor)
