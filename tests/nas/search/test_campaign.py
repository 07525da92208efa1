from __future__ import annotations

from collections import Counter, deque

import numpy as np
import pytest

from tasks.core.ports import Skipped
from tasks.core.seeds import digest64
from tasks.nas.manifests import ChildResult, ChildTask, Trial
from tasks.nas.search.budgets import PROXIES
from tasks.nas.search.campaign import Campaign, Search
from tasks.nas.search.halving import Halving
from tasks.nas.search.strategies.by_name import make_searcher
from tasks.nas.space.decisions import Decisions
from tasks.nas.space.genotype_space import GenotypeSpace

SPACE = GenotypeSpace(num_blocks=2)


class Scripted:
    """Asks for given children and notes what it is told."""

    def __init__(self, children: list[Decisions]) -> None:
        self.children, self.told = deque(children), []

    def ask(self) -> Decisions:
        return self.children.popleft()

    def tell(self, child: Decisions, reward: float | None) -> None:
        self.told.append((child, reward))


def children(count: int, seed: int = 0) -> list[Decisions]:
    rng = np.random.default_rng(seed)
    return [SPACE.decisions.draw(rng) for _ in range(count)]


def search(name: str, searcher: object, count: int, num_rungs: int = 1, eta: int = 2) -> Search:
    return Search(name, searcher, count, Halving(num_rungs, eta))


def campaign(*searches: Search) -> Campaign:
    return Campaign(searches, SPACE, PROXIES["tiny"])


def result(task: ChildTask) -> ChildResult:
    """As good as the child's name and rung say."""
    accuracy = digest64(task.genotype_hash) % 1000 / 1000
    return ChildResult(
        item_id=task.item_id,
        accuracy=accuracy,
        train_loss=1.0,
        num_params=1,
        mult_adds=2,
        cpu_s=3.0,
    )


def finish(found: Campaign, num_workers: int = 1, order: int = 0) -> list[ChildTask]:
    """Train all there is to train, ending children in an order of chance."""
    rng = np.random.default_rng(order)
    running: list[ChildTask] = []
    trained: list[ChildTask] = []
    while True:
        while len(running) < num_workers and (task := found.next_task()):
            running.append(task)
        if not running:
            return trained
        task = running.pop(int(rng.integers(len(running))))
        trained.append(task)
        found.ended(task, result(task))


def test_each_search_is_told_what_it_asked_for() -> None:
    wanted = children(6)
    searcher = Scripted(wanted)
    found = campaign(search("a", searcher, 6))
    trained = finish(found, num_workers=3)
    assert [child for child, _ in searcher.told] != wanted, "ends come in any order"
    by_hash = {task.genotype_hash: result(task).accuracy for task in trained}
    assert sorted(child for child, _ in searcher.told) == sorted(wanted)
    assert [reward for _, reward in searcher.told] == [
        by_hash[trial.genotype_hash] for trial in found.trials
    ]


def test_isomorphic_children_are_trained_once() -> None:
    (first,) = children(1)
    half = len(first) // 2
    swapped = (*first[2:4], *first[:2], *first[4:half], *first[half:])
    a, b = Scripted([first, first]), Scripted([swapped])
    found = campaign(search("a", a, 2), search("b", b, 1))
    assert len(finish(found, num_workers=4)) == 1
    assert len(a.told) == 2
    assert len(b.told) == 1
    assert {reward for _, reward in a.told + b.told} == {a.told[0][1]}
    assert [trial.is_reused for trial in found.trials] == [False, True, True]
    assert sum(trial.cpu_s for trial in found.trials) == 3.0


def test_a_failed_child_is_told_as_none_and_kept_with_its_reason() -> None:
    searcher = Scripted(children(1))
    found = campaign(search("a", searcher, 1, num_rungs=2))
    task = found.next_task()
    assert task is not None
    found.ended(task, Skipped(item_id=task.item_id, reason="diverged"))
    assert searcher.told[0][1] is None
    assert found.next_task() is None
    (trial,) = found.trials
    assert (trial.accuracy, trial.reason) == (None, "diverged")


def test_the_best_go_on_and_strategies_hear_of_the_first_rung_only() -> None:
    searcher = Scripted(children(8))
    found = campaign(search("a", searcher, 8, num_rungs=3, eta=2))
    trained = finish(found, num_workers=2)
    assert len(searcher.told) == 8
    rungs = Counter(task.rung for task in trained)
    assert rungs[0] == 8
    assert 4 <= rungs[1] < 8
    assert 2 <= rungs[2] <= rungs[1]
    best = max((t for t in found.trials if t.rung == 0), key=lambda t: t.accuracy or 0)
    assert best.genotype_hash in {task.genotype_hash for task in trained if task.rung == 2}
    assert all(task.budget == PROXIES["tiny"][task.rung] for task in trained)


def test_searches_take_turns_by_their_sizes() -> None:
    long, short = Scripted(children(9)), Scripted(children(3, seed=1))
    found = campaign(search("long", long, 9), search("short", short, 3))
    for _ in range(8):
        found.next_task()
    assert (len(long.children), len(short.children)) == (3, 1)


def real(seed: int, strategy: str) -> Campaign:
    rng = np.random.default_rng(seed)
    return campaign(
        search("found", make_searcher(strategy, SPACE.decisions, rng), 40, num_rungs=3, eta=3)
    )


@pytest.mark.parametrize("strategy", ["ppo", "evolution", "predictor", "random"])
def test_the_same_ends_give_the_same_search(strategy: str) -> None:
    def trials(seed: int, workers: int, order: int) -> list[Trial]:
        found = real(seed, strategy)
        finish(found, workers, order)
        return found.trials

    assert trials(0, 1, 0) == trials(0, 1, 1), "one worker: the seed decides"
    assert trials(0, 3, 5) == trials(0, 3, 5)
    assert trials(0, 1, 0) != trials(1, 1, 0)
