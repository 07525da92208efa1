"""The loop that asks searches for children, has them trained and tells what came of them."""

from __future__ import annotations

import logging
from typing import cast

from tasks.core.errors import DataError
from tasks.core.ports import ItemPool, Skipped, StageContext
from tasks.nas.config import SearchConfig
from tasks.nas.manifests import ChildResult, Trial
from tasks.nas.search.campaign import Campaign

_LOG = logging.getLogger(__name__)
_LEAST_ENDS = 10  # before a share of failures means something
_NUM_NAMED = 5


def run(campaign: Campaign, pool: ItemPool, config: SearchConfig, ctx: StageContext) -> None:
    """Keep all workers busy until every search has asked for all of its children.

    Raises:
        DataError: Too many children failed.
    """
    limit = config.num_workers or None
    best: dict[str, float] = {}
    while True:
        while pool.num_free > 0 and (limit is None or campaign.num_in_flight < limit):
            task = campaign.next_task()
            if task is None:
                break
            pool.submit(task)
        if not campaign.num_in_flight:
            return
        num_told = len(campaign.trials)
        task, outcome = pool.next_ended()
        campaign.ended(task, cast("ChildResult | Skipped", outcome))
        for trial in campaign.trials[num_told:]:
            _say(trial, best, len(campaign.trials), ctx)
        check_failures(campaign.trials, config.max_failed_fraction)


def check_failures(trials: list[Trial], max_fraction: float) -> None:
    """Make sure that not too many children failed.

    Raises:
        DataError: More did; names the first and their reasons.
    """
    failed = [trial for trial in trials if trial.accuracy is None]
    if len(failed) > max_fraction * max(len(trials), _LEAST_ENDS):
        named = "; ".join(f"{t.genotype_hash[:16]}: {t.reason}" for t in failed[:_NUM_NAMED])
        raise DataError(
            f"{len(failed)} of {len(trials)} children failed, at most {max_fraction:.0%} may "
            f"(search.max_failed_fraction): {named}"
        )


def _say(trial: Trial, best: dict[str, float], number: int, ctx: StageContext) -> None:
    """Track a search's best child at the first rung, where all compare."""
    if trial.rung > 0 or trial.accuracy is None:
        return
    if trial.accuracy > best.get(trial.search, 0.0):
        best[trial.search] = trial.accuracy
        _LOG.info(
            "%s: best so far %.4f, %s", trial.search, trial.accuracy, trial.genotype_hash[:16]
        )
    ctx.tracker.log_metrics({f"best_{trial.search}": best[trial.search]}, step=number)
