"""Third stage of a transfer: train the family on the larger images, from scratch and from CIFAR."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tasks.core.outcomes import split
from tasks.core.ports import Skipped, StageContext
from tasks.core.records import ArtifactRef
from tasks.core.stages import StageSpec, stage
from tasks.nas.manifests import ImageData, TrainedNetwork, TrainTask
from tasks.nas.training.item import train_network
from tasks.nas.training.settings import TrainingSettings, shared_arrays
from tasks.nas.transfer.family import (
    Member,
    cifar_tasks,
    from_cifar_tasks,
    scale_family,
    scratch_tasks,
)
from tasks.nas.transfer.outcomes import network_scores
from tasks.nas.transfer_config import TransferConfig
from tasks.nas.transfer_manifests import ChosenCells, TransferData, TransferredNetworks


@dataclass(frozen=True)
class _Outcomes:
    """What was to be trained, and what came of it."""

    tasks: Sequence[TrainTask]
    size_of: dict[str, str]
    made: Sequence[TrainedNetwork]
    skipped: Sequence[Skipped]


@stage(
    StageSpec(
        name="nas.transfer",
        section="transfer",
        libraries=("numpy", "torch", "torchvision"),
        device="any",
        tolerances=(("test_accuracy", 0.03),),
    )
)
def transfer_cells(
    cells: ArtifactRef, data: ArtifactRef, config: TransferConfig, ctx: StageContext
) -> ArtifactRef:
    """Train cells and baselines of three sizes, several seeds each.

    Raises:
        ConfigError: A size is asked for that no width reaches.
        DataError: Too many trainings failed; says which and why.
    """
    chosen, found = ctx.store.read(cells, ChosenCells), ctx.store.read(data, TransferData)
    family = scale_family(chosen, found.images, config)
    on_cifar = _Outcomes((), {}, (), ())
    wanted: list[tuple[TrainTask | Skipped, str]] = [*scratch_tasks(family, config)]
    if found.cifar is not None:
        on_cifar = _train(cifar_tasks(family, found.cifar, config), found.cifar, config, ctx)
        wanted += _continued(family, on_cifar, config)
    larger = _train(wanted, found.images, config, ctx)
    transferred = TransferredNetworks(
        cells=chosen,
        data=found,
        tasks=(*on_cifar.tasks, *larger.tasks),
        size_of=on_cifar.size_of | larger.size_of,
        networks=(*on_cifar.made, *larger.made),
        skipped=(*on_cifar.skipped, *larger.skipped),
        test_accuracy=0.0,
    )
    best = max((each.test.value for each in network_scores(transferred)), default=0.0)
    _track(transferred, ctx)
    return ctx.store.write(transferred.model_copy(update={"test_accuracy": best}))


def _continued(
    family: Sequence[Member], on_cifar: _Outcomes, config: TransferConfig
) -> Iterable[tuple[TrainTask | Skipped, str]]:
    """Trainings that go on from the weights that CIFAR gave."""
    weights = {each.item_id: each.weights for each in on_cifar.made}
    reasons = {each.item_id: each.reason for each in on_cifar.skipped}
    return from_cifar_tasks(family, weights, reasons, config)


def _train(
    wanted: Iterable[tuple[TrainTask | Skipped, str]],
    images: ImageData,
    config: TransferConfig,
    ctx: StageContext,
) -> _Outcomes:
    """Train what can be trained; the rest, and what fails, is listed.

    Raises:
        DataError: Too much of it fails.
    """
    planned = list(wanted)
    tasks, hopeless = split([each for each, _ in planned], 1.0)
    settings = TrainingSettings(images=images, device=ctx.resources.device)
    arrays = shared_arrays(images, {task.image_px for task in tasks}, ctx.store)
    outcomes = ctx.items.map(train_network, tasks, settings, shared=arrays)
    made, skipped = split([*hopeless, *outcomes], config.max_failed_fraction)
    return _Outcomes(tasks, {each.item_id: size for each, size in planned}, made, skipped)


def _track(found: TransferredNetworks, ctx: StageContext) -> None:
    scores = network_scores(found)
    metrics = {f"test_accuracy_{s.name}_{s.size}_{s.group}": s.test.value for s in scores}
    counts = {"networks": len(found.networks), "networks_failed": len(found.skipped)}
    ctx.tracker.log_metrics(metrics | {name: float(n) for name, n in counts.items()})
    for each in scores:
        ctx.tracker.log_child(
            f"{each.name}-{each.size}-{each.group}",
            params={"network": each.name, "size": each.size, "weights": each.group},
            metrics={
                "test_accuracy": each.test.value,
                "validation_accuracy": each.validation.value,
                "mult_adds": float(each.any_network.mult_adds),
                "num_params": float(each.any_network.num_params),
                "train_cpu_s": each.mean("train_cpu_s"),
                "image_cpu_s": each.mean("image_cpu_s"),
            },
        )
