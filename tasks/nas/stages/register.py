"""Fifth stage of a transfer: the winning classifier goes to the model registry.

Which one wins is decided by validation images, as everywhere; whether it becomes the champion of
its data set by a paired test on the test's photos, which the champion before it must have answered
too. That test is of the registered weights; the mean over seeds is told beside it.
Detectors are kept as weights: what detectors return has no fixed size, which a registered model
needs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from tasks.bundle.folders import gather
from tasks.core.errors import ResourceError
from tasks.core.models import ANSWERS_FILE, ModelPackage
from tasks.core.ports import Skipped, StageContext
from tasks.core.records import ArtifactRef
from tasks.core.stages import StageSpec, stage
from tasks.nas.manifests import TrainedNetwork, TrainTask
from tasks.nas.transfer.config import RegisterConfig
from tasks.nas.transfer.manifests import ModelEntry, RegisteredModels, TransferredNetworks
from tasks.nas.transfer.package import (
    GENOTYPE_FILE,
    METRIC,
    PackagedModel,
    PackageTask,
    package_classifier,
)
from tasks.nas.transfer.scores import NetworkScore, best_network, network_scores

_UNFIT = re.compile(r"[^A-Za-z0-9._-]+")


@stage(
    StageSpec(
        name="nas.register",
        section="register",
        libraries=("numpy", "torch", "torchvision"),
        tolerances=(("num_models", 0.0),),
    )
)
def register_models(
    networks: ArtifactRef, config: RegisterConfig, ctx: StageContext
) -> ArtifactRef:
    """Register the classifier that won; none where the setting names no model.

    Raises:
        ResourceError: It could not be packed.
        DataError: Loaded back from the registry, it gives other outputs.
    """
    found = ctx.store.read(networks, TransferredNetworks)
    best = best_network(network_scores(found)) if config.models else None
    models = () if best is None else (_register(best, found, config, ctx),)
    return ctx.store.write(RegisteredModels(models=models, num_models=len(models)))


def _register(
    best: NetworkScore, found: TransferredNetworks, config: RegisterConfig, ctx: StageContext
) -> ModelEntry:
    network = max(best.by_seed.values(), key=lambda each: each.validation_accuracy)
    task = next(each for each in found.tasks if each.item_id == network.item_id)
    packed = _pack(task, network, found, ctx)
    files = {name: ctx.store.fetch(file) for name, file in packed.files.items()}
    bundle = ctx.scratch / "bundle"
    gather({name: ctx.store.fetch(file) for name, file in packed.bundle.items()}, bundle)
    name = f"{config.models}-{_UNFIT.sub('_', found.data.images.name)}"
    outcome = ctx.models.register(_package(name, best, network, packed, bundle, files))
    champion = "yes" if outcome.is_champion else "no"
    reason = f"{outcome.reason}; {_over_seeds(best)}"
    ctx.tracker.set_tags({"model": outcome.name, "champion": champion, "champion_reason": reason})
    return ModelEntry(
        model=outcome.name,
        network=f"{best.name}, {best.size}, {best.group}",
        item_id=network.item_id,
        data=found.data.images.name,
        metric=METRIC,
        value=packed.test_accuracy,
        version=outcome.version,
        is_champion=outcome.is_champion,
        reason=reason,
        files={**packed.bundle, **packed.files},
    )


def _package(
    name: str,
    best: NetworkScore,
    network: TrainedNetwork,
    packed: PackagedModel,
    bundle: Path,
    files: Mapping[str, Path],
) -> ModelPackage:
    over_seeds = {"_mean": best.test.value, "_se": best.test.error}
    return ModelPackage(
        name=name,
        bundle=bundle,
        metrics={
            METRIC: packed.test_accuracy,
            **{METRIC + end: value for end, value in over_seeds.items() if value is not None},
            "validation_accuracy": network.validation_accuracy,
            "mult_adds": float(network.mult_adds),
            "num_params": float(network.num_params),
        },
        metric=METRIC,
        test_key=packed.test_key,
        answers=files[ANSWERS_FILE],
        files={each: files[each] for each in (GENOTYPE_FILE,) if each in files},
        tags={"network": best.name, "size": best.size, "weights": best.group},
    )


def _over_seeds(best: NetworkScore) -> str:
    """How far the figure of one training may lie from that of another."""
    found = best.test
    if found.error is None:
        return "its network was trained with one seed alone"
    told = f"{found.value:.4g} (standard error {found.error:.2g})"
    return f"over {found.num} seeds its network has {told}"


def _pack(
    task: TrainTask, network: TrainedNetwork, found: TransferredNetworks, ctx: StageContext
) -> PackagedModel:
    images = found.data.images
    item = PackageTask(item_id=f"package-{task.item_id}", task=task, network=network, images=images)
    (packed,) = ctx.items.map(package_classifier, [item], None)
    if isinstance(packed, Skipped):
        raise ResourceError(f"the model {task.item_id} could not be packed: {packed.reason}")
    return packed
