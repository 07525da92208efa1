"""Third stage: train the best cells longer, choose the winner, compare it at equal cost.

What is trained, and how the winner is chosen, stands in `tasks.nas.search.finalists`.
"""

from __future__ import annotations

import logging

from tasks.core.ports import StageContext
from tasks.core.records import ArtifactRef
from tasks.core.stages import StageSpec, stage
from tasks.nas.config import RetrainConfig
from tasks.nas.manifests import RetrainedCells, SearchLog
from tasks.nas.search.finalists import choose, contenders, finalists
from tasks.nas.training.train_all import train_networks

_LOG = logging.getLogger(__name__)


@stage(
    StageSpec(
        name="nas.retrain",
        section="retrain",
        libraries=("numpy", "torch", "torchvision", "numba"),
        device="any",
        tolerances=(("validation_accuracy", 0.02),),
    )
)
def retrain_cells(search: ArtifactRef, config: RetrainConfig, ctx: StageContext) -> ArtifactRef:
    """Train the best and some random cells longer, then the winner beside its rivals.

    Raises:
        DataError: A search has no cells, none could be trained, or too many trainings failed.
    """
    log = ctx.store.read(search, SearchLog)
    limit = config.max_failed_fraction
    first = train_networks(contenders(log, config), log.images, limit, ctx)
    winner, accuracy = choose(first.tasks, first.made)
    _LOG.info("winner: %s with %.4f on validation images", winner[:16], accuracy)
    last = train_networks(finalists(log, winner, config), log.images, limit, ctx)
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
