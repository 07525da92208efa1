"""The searches of a run before the first has asked: their space, rungs, strategies and screens."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from tasks.core.seeds import rng
from tasks.nas.config import SearchConfig
from tasks.nas.data.raw_images import LabelledImages
from tasks.nas.manifests import Rung
from tasks.nas.search.budgets import PROXIES
from tasks.nas.search.campaign import Campaign, Search
from tasks.nas.search.halving import Halving
from tasks.nas.search.strategies.by_name import make_searcher
from tasks.nas.search.strategies.screened import Screened
from tasks.nas.search.strategies.searcher import Searcher
from tasks.nas.space.genotype_space import GenotypeSpace
from tasks.nas.training.shared_images import SharedImages
from tasks.nas.types import Combiner

CONTROL = "control"  # name of the random search that every run has


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


def rungs_of(config: SearchConfig) -> tuple[Rung, ...]:
    """What each rung spends."""
    return PROXIES[config.proxy][: config.num_rungs]


def space_of(config: SearchConfig) -> GenotypeSpace:
    """What is searched."""
    combiners = (Combiner.ADD,) if config.combiners == "add" else tuple(Combiner)
    return GenotypeSpace(config.num_blocks, combiners=combiners)


def screen_of(
    config: SearchConfig, shared: SharedImages, arrays: Mapping[str, np.ndarray]
) -> Callable[[Searcher], Searcher]:
    """What the strategy is wrapped in: a screen of earned proxies, or nothing."""
    if not config.screen:
        return lambda searcher: searcher
    from tasks.nas.proxies.children import child_scores  # loads torch, which only a screen needs

    rung = rungs_of(config)[0]
    images = LabelledImages(arrays[f"train_{rung.image_px}"], arrays["train_labels"])
    num_classes = len(shared.images.classes)
    score = child_scores(space_of(config), rung, images, shared.standard, num_classes)
    return lambda searcher: Screened(searcher, score)


def expected(config: SearchConfig) -> int:
    """About how many children will be trained, all rungs together.

    Asynchronous halving promotes some more: who was among the best for a while stays promoted.
    """
    per_search: int = sum(
        config.num_children // config.eta**rung for rung in range(config.num_rungs)
    )
    return config.num_searches * per_search + config.num_control
