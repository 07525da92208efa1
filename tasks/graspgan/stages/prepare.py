"""Second stage: attempts as crops, in all looks that are trained on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, cast

import numpy as np

from tasks.core.errors import DataError
from tasks.core.outcomes import split
from tasks.core.ports import ItemFolder, StageContext
from tasks.core.records import ArtifactRef, FileRef
from tasks.core.stages import StageSpec, stage
from tasks.graspgan.config import PrepareConfig
from tasks.graspgan.manifests import (
    Attempts,
    CropFile,
    CropSet,
    CropTask,
    CuttingFile,
    CuttingTask,
    Prepared,
)
from tasks.grasping.types import Split

_ARRAYS, _CUTTINGS = "crops.npz", "cuttings.npz"
MAX_STATIONS: Final = 64


@stage(
    StageSpec(
        name="graspgan.prepare",
        section="prepare",
        libraries=("numpy", "torch", "opencv-python-headless", "pyarrow"),
        draws=True,
    )
)
def prepare_crops(found: ArtifactRef, config: PrepareConfig, ctx: StageContext) -> ArtifactRef:
    """Read all attempts as crops, and paint other looks over those of simulation.

    Raises:
        DataError: Attempts of the simulation have no G-buffers, or pictures are too small.
    """
    attempts = ctx.store.read(found, Attempts)
    cuttings = _cut(attempts, ctx)
    planned = [*_planned(attempts, config)]
    tasks = [
        task for plan in planned for task in _tasks(plan, attempts, config, cuttings, ctx.seed)
    ]
    made, _ = split(ctx.items.map(cut_crops, tasks, None), 0.0)
    files = {each.item_id: each for each in made}
    sets = tuple(
        plan.model_copy(
            update={
                "files": tuple(
                    files[task.item_id]
                    for task in _tasks(plan, attempts, config, cuttings, ctx.seed)
                )
            }
        )
        for plan in planned
    )
    ctx.tracker.log_metrics({"crops": float(sum(each.num for each in made))})
    return ctx.store.write(
        Prepared(
            attempts=attempts,
            sets=sets,
            side_px=config.side_px,
            pictures=config.pictures,
            stations=_stations(sets, ctx),
            network=config.network,
        )
    )


def cut_crops(item: CropTask, config: None, folder: ItemFolder) -> CropFile:  # noqa: ARG001
    """Read the attempts of a shard."""
    from tasks.graspgan.samples.painters import Cuttings, LookName, painter
    from tasks.graspgan.samples.reading import Asked, Pictures, read_crops

    looks = cast("Mapping[LookName, int]", item.looks)
    cuttings = Cuttings.load(folder.fetch(item.cuttings)) if item.cuttings else None
    pictures = cast("Pictures", item.pictures)
    asked = Asked(item.side_px, pictures, looks, item.has_labels, item.network)
    painters = {name: painter(name, item.seed, cuttings) for name in looks}
    arrays = read_crops(folder.fetch(item.shard), asked, painters)
    if cuttings is not None:
        for variant in range(looks["cut"]):
            painted = cuttings.painted_like(arrays["scene_id"].tolist(), variant)
            arrays[f"cut_{variant}_station"] = np.array(painted)
    np.savez(folder.path / _ARRAYS, **cast("dict[str, Any]", arrays))
    num = len(arrays["motion"])
    return CropFile(item_id=item.item_id, arrays=folder.add(_ARRAYS), num=num)


def cut_target(item: CuttingTask, config: None, folder: ItemFolder) -> CuttingFile:  # noqa: ARG001
    """Cut textures out of a target's pictures."""
    from tasks.graspgan.samples.reading import target_cuttings

    shards = [folder.fetch(shard) for shard in item.shards]
    target_cuttings(shards, item.seed).save(folder.path / _CUTTINGS)
    return CuttingFile(item_id=item.item_id, file=folder.add(_CUTTINGS))


def _cut(attempts: Attempts, ctx: StageContext) -> Mapping[str, FileRef]:
    """Textures of each target, from the pictures that are trained on."""
    tasks = [
        CuttingTask(item_id=target, shards=attempts.of(target, "train").shards, seed=ctx.seed)
        for target in attempts.targets
    ]
    made, _ = split(ctx.items.map(cut_target, tasks, None), 0.0)
    return {each.item_id: each.file for each in made}


def _planned(attempts: Attempts, config: PrepareConfig) -> Iterator[CropSet]:
    """Sets that are wanted, without files yet."""

    def wanted(world: str, part: Split, target: str = "", *, has_labels: bool = True) -> CropSet:
        looks = _looks(world == attempts.simulation, part, target, config)
        return CropSet(
            world=world,
            split=part,
            target=target,
            has_labels=has_labels,
            num_looks=looks,
            files=(),
            network=config.network,
        )

    for part in ("train", "validation", "held_out"):
        yield wanted(attempts.simulation, part)
        for target in attempts.targets:
            yield wanted(target, part)
            if part != "held_out":
                yield wanted(attempts.simulation, part, target)
    for target in attempts.targets:
        yield wanted(target, "train", has_labels=False)


def _tasks(
    plan: CropSet,
    attempts: Attempts,
    config: PrepareConfig,
    cuttings: Mapping[str, FileRef],
    seed: int,
) -> Sequence[CropTask]:
    """One for each shard of a set."""
    name = "-".join(filter(None, (plan.world, plan.split, plan.target)))
    name += "" if plan.has_labels else "-unlabelled"
    return [
        CropTask(
            item_id=f"{name}-{number:05d}",
            shard=shard,
            looks=plan.num_looks,
            has_labels=plan.has_labels,
            side_px=config.side_px,
            pictures=config.pictures,
            seed=seed,
            cuttings=cuttings.get(plan.target),
            network=config.network,
        )
        for number, shard in enumerate(attempts.of(plan.world, plan.split).shards)
    ]


def _looks(is_simulation: bool, part: Split, target: str, config: PrepareConfig) -> dict[str, int]:
    """Kinds of looks: one of each is enough to choose by, and tests see what was collected."""
    if not is_simulation:
        return {"plain": 1}
    if part == "held_out":
        return {"plain": 1, "random": 1}
    num = config.num_looks if part == "train" else 1
    return {"cut": num} if target else {"plain": 1, "random": num, "structured": num}


def _stations(sets: Sequence[CropSet], ctx: StageContext) -> dict[str, tuple[str, ...]]:
    """What the stations of each world are called.

    Raises:
        DataError: A world has so many that they are no stations.
    """
    found: dict[str, set[str]] = {}
    for each in sets:
        for file in each.files:
            with np.load(ctx.store.fetch(file.arrays)) as arrays:
                found.setdefault(each.world, set()).update(arrays["station"].tolist())
    for world, names in found.items():
        if len(names) > MAX_STATIONS:
            raise DataError(
                f"{world}: expected at most {MAX_STATIONS} stations, that is calibrations of a "
                f"camera, got {len(names)}: a station's camera stands still; collect without "
                "randomise.camera"
            )
    return {world: tuple(sorted(names)) for world, names in found.items()}
