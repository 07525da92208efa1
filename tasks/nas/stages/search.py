"""Second stage: search cells, beside a random control, with children trained in parallel.

Each child is an item that is committed by the worker that trained it and kept under its canonical
hash, budget, replicate and code: other searches and later runs find it. The order of the ends is
noted, so that a search killed at any moment is replayed to the same state and goes on.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import cast

import numpy as np

from tasks.core.errors import DataError
from tasks.core.ports import ItemPool, Skipped, StageContext
from tasks.core.records import ArtifactRef
from tasks.core.seeds import rng
from tasks.core.stages import StageSpec, stage
from tasks.nas.config import SearchConfig
from tasks.nas.data.raw_images import LabelledImages
from tasks.nas.manifests import ChildResult, ImageData, Rung, SearchLog, Trial
from tasks.nas.proxies.children import child_scores
from tasks.nas.search.budgets import PROXIES
from tasks.nas.search.campaign import Campaign, Search
from tasks.nas.search.halving import Halving
from tasks.nas.search.interface import Searcher
from tasks.nas.search.strategies.by_name import make_searcher
from tasks.nas.search.strategies.genotype_space import GenotypeSpace
from tasks.nas.search.strategies.screened import Screened
from tasks.nas.training.child import train_child
from tasks.nas.training.settings import TrainingSettings, shared_arrays
from tasks.nas.types import Combiner

_LOG = logging.getLogger(__name__)
CONTROL = "control"
_LEAST_ENDS = 10  # before a share of failures means something
_NUM_NAMED = 5


@stage(
    StageSpec(
        name="nas.search",
        section="search",
        libraries=("numpy", "torch"),
        device="any",
        tolerances=(("accuracy", 0.02),),
        replays=True,
    )
)
def search_cells(images: ArtifactRef, config: SearchConfig, ctx: StageContext) -> ArtifactRef:
    """Run all searches of a campaign to their ends."""
    begun_s = time.process_time()
    data = ctx.store.read(images, ImageData)
    settings = TrainingSettings(
        images=data,
        device=ctx.resources.device,
        learning_rate=config.learning_rate,
        batch_size=config.batch_size,
    )
    sides = [rung.image_px for rung in rungs_of(config)]
    arrays = shared_arrays(data, sides, ctx.store)
    campaign = open_campaign(config, screen_of(config, settings, arrays))
    with ctx.items.pool(train_child, settings, expected(config), shared=arrays) as pool:
        run(campaign, pool, config, ctx)
    check_failures(campaign.trials, config.max_failed_fraction)
    top = max(trial.rung for trial in campaign.trials)
    return ctx.store.write(
        SearchLog(
            images=data,
            rungs=tuple(campaign.rungs),
            searches=tuple(each.name for each in campaign.searches),
            control=CONTROL,
            trials=tuple(campaign.trials),
            genotypes=campaign.genotypes,
            accuracy=max(t.accuracy or 0.0 for t in campaign.trials if t.rung == top),
            children_cpu_s=sum(trial.cpu_s for trial in campaign.trials),
            driver_cpu_s=time.process_time() - begun_s,
        )
    )


def rungs_of(config: SearchConfig) -> tuple[Rung, ...]:
    """What each rung spends."""
    return PROXIES[config.proxy][: config.num_rungs]


def space_of(config: SearchConfig) -> GenotypeSpace:
    """What is searched."""
    combiners = (Combiner.ADD,) if config.combiners == "add" else tuple(Combiner)
    return GenotypeSpace(config.num_blocks, combiners=combiners)


def screen_of(
    config: SearchConfig, settings: TrainingSettings, arrays: Mapping[str, np.ndarray]
) -> Callable[[Searcher], Searcher]:
    """What the strategy is wrapped in: a screen of earned proxies, or nothing."""
    if not config.screen:
        return lambda searcher: searcher
    rung = rungs_of(config)[0]
    images = LabelledImages(arrays[f"train_{rung.image_px}"], arrays["train_labels"])
    num_classes = len(settings.images.classes)
    score = child_scores(space_of(config), rung, images, settings.standard, num_classes)
    return lambda searcher: Screened(searcher, score)


def open_campaign(
    config: SearchConfig, screen: Callable[[Searcher], Searcher] = lambda searcher: searcher
) -> Campaign:
    """The searches of a run, none of which has asked yet; the control goes through one rung.

    Args:
        config: Which searches.
        screen: Wraps the strategy; never the control.
    """
    space = space_of(config)

    def search(name: str, strategy: str, seed: int, num_children: int, num_rungs: int) -> Search:
        draws = rng(seed, "nas.search", name)
        searcher = make_searcher(strategy, space.decisions, draws)
        if name != CONTROL:
            searcher = screen(searcher)
        return Search(name, searcher, num_children, Halving(num_rungs, config.eta))

    first, num = config.first_seed, config.num_children
    searches = [
        search(f"{config.strategy}-{seed}", config.strategy, seed, num, config.num_rungs)
        for seed in range(first, first + config.num_searches)
    ]
    searches.append(search(CONTROL, "random", first, config.num_control, 1))
    return Campaign(searches, space, rungs_of(config), config.replicate)


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


def expected(config: SearchConfig) -> int:
    """About how many children will be trained, all rungs together.

    Asynchronous halving promotes some more: who was among the best for a while stays promoted.
    """
    per_search: int = sum(
        config.num_children // config.eta**rung for rung in range(config.num_rungs)
    )
    return config.num_searches * per_search + config.num_control


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
