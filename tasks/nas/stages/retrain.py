"""Third stage: train the best cells longer, choose the winner, compare it at equal cost.

As Zoph et al. (2018) do, the cells that look best in the search are trained again, longer; which
one wins is decided by validation images. Beside them random cells are trained alike, the first of
the control. All are scaled to equal multiply-adds. Then the winner, the published cells and the
hand-made networks are trained by one recipe, at equal multiply-adds, with several seeds.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from tasks.core.errors import ConfigError, DataError
from tasks.core.outcomes import split
from tasks.core.ports import Skipped, StageContext
from tasks.core.records import ArtifactRef
from tasks.core.stages import StageSpec, stage
from tasks.nas.config import RetrainConfig
from tasks.nas.manifests import RetrainedCells, SearchLog, TrainedNetwork, TrainTask
from tasks.nas.search.selection import first_children, top_children
from tasks.nas.space.genotype_file import GenotypeRecord
from tasks.nas.space.published import PUBLISHED
from tasks.nas.training.item import train_network
from tasks.nas.training.settings import TrainingSettings, shared_arrays
from tasks.nas.training.tasks import Size, baseline_task, cell_task

_LOG = logging.getLogger(__name__)
TOP, RANDOM, FINAL = "top", "random", "final"
WINNER = "winner"
BASELINES = ("resnet", "mobilenet_v2")


@dataclass(frozen=True)
class _Outcomes:
    """What was to be trained, and what came of it."""

    tasks: Sequence[TrainTask]
    made: Sequence[TrainedNetwork]
    skipped: Sequence[Skipped]


@stage(
    StageSpec(
        name="nas.retrain",
        section="retrain",
        libraries=("numpy", "torch", "torchvision"),
        device="any",
        tolerances=(("validation_accuracy", 0.02),),
    )
)
def retrain_cells(search: ArtifactRef, config: RetrainConfig, ctx: StageContext) -> ArtifactRef:
    """Train the best and some random cells longer, then the winner beside its rivals."""
    log = ctx.store.read(search, SearchLog)
    settings = TrainingSettings(images=log.images, device=ctx.resources.device)
    sides = (config.image_px, config.final_image_px)
    arrays = shared_arrays(log.images, sides, ctx.store)

    def train_all(wanted: Iterable[TrainTask | Skipped]) -> _Outcomes:
        tasks, unscaled = split([*wanted], 1.0)
        trained = ctx.items.map(train_network, tasks, settings, shared=arrays)
        made, skipped = split([*unscaled, *trained], config.max_failed_fraction)
        return _Outcomes(tasks, made, skipped)

    first = train_all(candidates(log, config))
    winner, accuracy = choose(first.tasks, first.made)
    _LOG.info("winner: %s with %.4f on validation images", winner[:16], accuracy)
    last = train_all(finalists(log, winner, config))
    return ctx.store.write(
        RetrainedCells(
            search=log,
            tasks=(*first.tasks, *last.tasks),
            networks=(*first.made, *last.made),
            skipped={each.item_id: each.reason for each in (*first.skipped, *last.skipped)},
            winner=winner,
            validation_accuracy=accuracy,
        )
    )


def candidates(log: SearchLog, config: RetrainConfig) -> Iterator[TrainTask | Skipped]:
    """The best cells of each search and the first of the control, at equal multiply-adds.

    Cells that two searches found are trained for each of them. Those that no width brings to the
    wanted cost are skipped.

    Raises:
        DataError: A search trained nothing that could be used.
    """
    size = Size(config.image_px, config.mult_adds, config.num_images, len(log.images.classes))
    for search in log.searches:
        is_control = search == log.control
        if is_control:
            chosen = first_children(log, search, config.num_random)
        else:
            chosen = top_children(log, search, config.num_top)
        if not chosen:
            raise DataError(f"search {search!r} has no child that could be trained")
        group = RANDOM if is_control else TOP
        for name in chosen:
            item_id = f"{group}-{search}-{name[:16]}"
            named = {"group": group, "name": name, "search": search}
            make = partial(cell_task, log.genotypes[name], size, config.recipe)
            yield _scaled(item_id, make, named)


def finalists(log: SearchLog, winner: str, config: RetrainConfig) -> Iterator[TrainTask | Skipped]:
    """The winner, the published cells and the baselines, at equal multiply-adds, by seed."""
    num_classes = len(log.images.classes)
    size = Size(config.final_image_px, config.final_mult_adds, config.final_num_images, num_classes)
    recipe = config.final_recipe
    cells = {WINNER: log.genotypes[winner]}
    cells |= {name: GenotypeRecord.of(genotype) for name, genotype in PUBLISHED.items()}
    makers: dict[str, Callable[[str], TrainTask]] = {
        name: partial(cell_task, record, size, recipe) for name, record in cells.items()
    }
    makers |= {name: partial(baseline_task, name, size, recipe) for name in BASELINES}
    for seed in range(config.final_num_seeds):
        for name, make in makers.items():
            suffix = f"-{winner[:16]}" if name == WINNER else ""
            named = {"group": FINAL, "name": name, "seed": seed}
            yield _scaled(f"{FINAL}-{name}{suffix}-s{seed}", make, named)


def _scaled(
    item_id: str, make: Callable[[str], TrainTask], named: Mapping[str, Any]
) -> TrainTask | Skipped:
    """A task with what reports call it; skipped where no width meets the cost."""
    try:
        return make(item_id).model_copy(update=dict(named))
    except ConfigError as error:
        return Skipped(item_id=item_id, reason=str(error))


def choose(tasks: Sequence[TrainTask], networks: Sequence[TrainedNetwork]) -> tuple[str, float]:
    """The cells of the searches that classify most validation images rightly.

    Raises:
        DataError: None of the searches' cells could be trained.
    """
    by_id = {each.item_id: each for each in networks}
    scores: dict[str, list[float]] = {}
    for task in tasks:
        if task.group == TOP and task.item_id in by_id:
            scores.setdefault(task.name, []).append(by_id[task.item_id].validation_accuracy)
    if not scores:
        raise DataError("none of the best cells could be trained longer")
    means = {name: float(np.mean(values)) for name, values in scores.items()}
    winner = max(sorted(means), key=lambda name: means[name])
    return winner, means[winner]
