"""What is trained longer after a search, and which cells win.

As Zoph et al. (2018) do, the cells that look best in the search are trained again, longer; which
one wins is decided by validation images. Beside them random cells are trained alike, the first of
the control. Then the winner, the published cells and the hand-made networks are trained alike,
with several seeds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from tasks.core.errors import ConfigError, DataError
from tasks.core.ports import Skipped
from tasks.nas.config import RetrainConfig
from tasks.nas.manifests import SearchLog, TrainedNetwork, TrainTask
from tasks.nas.search.selection import first_children, top_children
from tasks.nas.space.genotype_file import GenotypeRecord
from tasks.nas.space.published import PUBLISHED
from tasks.nas.training.candidates import Target, beside_baselines, train_task
from tasks.nas.training.config import TrainingConfig
from tasks.nas.training.groups import FINAL, RANDOM, TOP, WINNER


def contenders(log: SearchLog, config: RetrainConfig) -> Iterator[TrainTask | Skipped]:
    """The best cells of each search and the first of the control, at equal multiply-adds.

    Cells that two searches found are trained for each of them. Those that no width brings to the
    wanted cost are skipped.

    Raises:
        DataError: A search trained nothing that could be used.
    """
    target = Target(
        image_px=config.image_px,
        mult_adds=config.mult_adds,
        num_classes=len(log.images.classes),
        num_images=config.num_images,
    )
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
            cells = log.genotypes[name]
            yield _scaled(item_id, name, cells, target, config.recipe, group, search)


def finalists(log: SearchLog, winner: str, config: RetrainConfig) -> Iterator[TrainTask | Skipped]:
    """The winner, the published cells and the baselines, at equal multiply-adds, by seed."""
    target = Target(
        image_px=config.final_image_px,
        mult_adds=config.final_mult_adds,
        num_classes=len(log.images.classes),
        num_images=config.final_num_images,
    )
    known = {name: GenotypeRecord.of(genotype) for name, genotype in PUBLISHED.items()}
    candidates = beside_baselines({WINNER: log.genotypes[winner], **known})
    ids = {name: f"{FINAL}-{name}" for name in candidates} | {
        WINNER: f"{FINAL}-winner-{winner[:16]}"
    }
    if not config.final_num_seeds:
        return
    scaled = [
        _scaled(ids[name], name, cells, target, config.final_recipe, FINAL)
        for name, cells in candidates.items()
    ]
    for seed in range(config.final_num_seeds):
        for each in scaled:
            changed = {"item_id": f"{each.item_id}-s{seed}"}
            is_hopeless = isinstance(each, Skipped)
            yield each.model_copy(update=changed if is_hopeless else {**changed, "seed": seed})


def choose(tasks: Sequence[TrainTask], networks: Sequence[TrainedNetwork]) -> tuple[str, float]:
    """The cells of the searches that classify most validation images rightly.

    Returns:
        Their hash, and the mean of their validation accuracy.

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


def _scaled(
    item_id: str,
    name: str,
    cells: GenotypeRecord | None,
    target: Target,
    training: TrainingConfig,
    group: str,
    search: str = "",
) -> TrainTask | Skipped:
    """A training with seed 0; skipped where no width meets the cost."""
    try:
        return train_task(item_id, name, cells, target, training, group=group, search=search)
    except ConfigError as error:
        return Skipped(item_id=item_id, reason=str(error))
