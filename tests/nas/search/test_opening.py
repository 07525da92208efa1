"""What a campaign is opened with: searches, control, rungs, space and screen."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.nas.config import SearchConfig
from tasks.nas.proxies.scores import SCORES
from tasks.nas.search.budgets import PROXIES
from tasks.nas.search.opening import CONTROL, expected, open_campaign, rungs_of, screen_of
from tasks.nas.search.strategies.evolution import Evolution
from tasks.nas.search.strategies.random_search import RandomSearch
from tasks.nas.search.strategies.screened import Screened
from tasks.nas.training.shared_images import SharedImages
from tests.support.nas.image_sets import coloured
from tests.support.nas.search_runs import images


def test_searches_count_on_from_the_first_seed_and_the_control_has_one_rung() -> None:
    config = SearchConfig(
        "evolution", num_searches=2, first_seed=7, num_children=9, num_control=4, num_rungs=3
    )
    campaign = open_campaign(config)
    assert [each.name for each in campaign.searches] == ["evolution-7", "evolution-8", CONTROL]
    assert [each.num_children for each in campaign.searches] == [9, 9, 4]
    assert [each.halving.num_rungs for each in campaign.searches] == [3, 3, 1]
    assert [type(each.searcher) for each in campaign.searches] == [Evolution] * 2 + [RandomSearch]
    assert tuple(campaign.rungs) == PROXIES["8px"] == rungs_of(config)


def test_a_search_is_the_same_whatever_others_stand_beside_it() -> None:
    alone = open_campaign(SearchConfig(num_searches=1, first_seed=1))
    beside = open_campaign(SearchConfig(num_searches=2, first_seed=0))
    assert alone.searches[0].searcher.ask() == beside.searches[1].searcher.ask()


def test_the_progress_counts_all_rungs() -> None:
    config = SearchConfig(num_children=90, num_searches=2, num_control=40, num_rungs=3, eta=3)
    assert expected(config) == 2 * (90 + 30 + 10) + 40


def test_a_block_may_choose_how_it_combines() -> None:
    def num_decisions(combiners: str) -> int:
        config = SearchConfig(num_blocks=3, combiners=combiners)
        return len(open_campaign(config).space.decisions.num_choices)

    assert num_decisions("choice") - num_decisions("add") == 2 * 3


@pytest.mark.parametrize("screen", [False, True])
def test_a_screen_wraps_the_strategy_and_never_the_control(screen: bool) -> None:
    config = SearchConfig(strategy="predictor", proxy="tiny", num_blocks=1, screen=screen)
    shared = SharedImages(images=images(), device="cpu")
    given = coloured(8)
    arrays = {"train_8": given.pixels, "train_labels": np.minimum(given.labels, 1)}
    campaign = open_campaign(config, screen_of(config, shared, arrays))
    found, control = (each.searcher for each in campaign.searches)
    assert isinstance(found, Screened) is screen
    assert isinstance(control, RandomSearch)
    if isinstance(found, Screened):
        scores = found._scores(found.ask())
        assert set(scores) == set(SCORES)
        assert scores["num_params"] > 0
