"""Third stage of a transfer: train the family on the larger images, from scratch and from CIFAR."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tasks.core.ports import Skipped, StageContext
from tasks.core.records import ArtifactRef
from tasks.core.stages import StageSpec, stage
from tasks.nas.manifests import ImageData, TrainedNetwork, TrainTask
from tasks.nas.training.train_all import Outcomes, train_networks
from tasks.nas.transfer.config import TransferConfig
from tasks.nas.transfer.family import (
    Member,
    cifar_tasks,
    from_cifar_tasks,
    scale_family,
    scratch_tasks,
)
from tasks.nas.transfer.manifests import ChosenCells, TransferData, TransferredNetworks
from tasks.nas.transfer.scores import network_scores

Trainings = Outcomes[TrainTask, TrainedNetwork]


@stage(
    StageSpec(
        name="nas.transfer",
        section="transfer",
        libraries=("numpy", "torch", "torchvision", "numba"),
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
    family, size_of = scale_family(chosen, found.images, config), dict[str, str]()

    def train(planned: Iterable[tuple[TrainTask | Skipped, str]], images: ImageData) -> Trainings:
        sized = [*planned]
        size_of.update((each.item_id, size) for each, size in sized)
        wanted = (each for each, _ in sized)
        return train_networks(wanted, images, config.max_failed_fraction, ctx)

    on_cifar = Trainings((), (), ())
    planned: list[tuple[TrainTask | Skipped, str]] = [*scratch_tasks(family, config)]
    if found.cifar is not None:
        on_cifar = train(cifar_tasks(family, found.cifar, config), found.cifar)
        planned += _continued(family, on_cifar, config)
    larger = train(planned, found.images)
    transferred = TransferredNetworks(
        cells=chosen,
        data=found,
        tasks=(*on_cifar.tasks, *larger.tasks),
        size_of=size_of,
        networks=(*on_cifar.made, *larger.made),
        skipped=(*on_cifar.skipped, *larger.skipped),
        test_accuracy=0.0,
    )
    best = max((each.test.value for each in network_scores(transferred)), default=0.0)
    _track(transferred, ctx)
    return ctx.store.write(transferred.model_copy(update={"test_accuracy": best}))


def _continued(
    family: Sequence[Member], on_cifar: Trainings, config: TransferConfig
) -> Iterable[tuple[TrainTask | Skipped, str]]:
    """Trainings that go on from the weights that CIFAR gave."""
    weights = {each.item_id: each.weights for each in on_cifar.made}
    reasons = {each.item_id: each.reason for each in on_cifar.skipped}
    return from_cifar_tasks(family, weights, reasons, config)


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
                "mult_adds": float(each.any_one.mult_adds),
                "num_params": float(each.any_one.num_params),
                "train_cpu_s": each.mean("train_cpu_s"),
                "image_cpu_s": each.mean("image_cpu_s"),
            },
        )
