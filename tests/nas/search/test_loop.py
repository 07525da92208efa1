"""The loop keeps its limit of workers, and ends when too many children fail."""

from __future__ import annotations

from typing import Any

import pytest

from tasks.core.errors import DataError
from tasks.core.ports import Skipped
from tasks.nas.config import SearchConfig
from tasks.nas.manifests import ChildResult
from tasks.nas.search.loop import check_failures, run
from tasks.nas.search.opening import CONTROL, open_campaign


class Pool:
    """Trains nothing; children end in the order in which they began."""

    num_free = 100

    def __init__(self, accuracy: float | None = 0.5) -> None:
        self.waiting: list[Any] = []
        self.most = 0
        self.accuracy = accuracy

    def submit(self, task: Any) -> None:
        self.waiting.append(task)
        self.most = max(self.most, len(self.waiting))

    def next_ended(self) -> tuple[Any, Any]:
        task = self.waiting.pop(0)
        if self.accuracy is None:
            return task, Skipped(item_id=task.item_id, reason="diverged")
        result = ChildResult(
            item_id=task.item_id,
            accuracy=self.accuracy,
            train_loss=1.0,
            num_params=1,
            mult_adds=1,
            cpu_s=1.0,
        )
        return task, result


class Context:
    """Notes what is tracked."""

    def __init__(self) -> None:
        self.tracker = self
        self.told: list[dict[str, float]] = []

    def log_metrics(self, metrics: dict[str, float], step: int) -> None:
        assert step > 0
        self.told.append(metrics)


def test_the_limit_of_workers_is_kept() -> None:
    config = SearchConfig("evolution", num_children=9, num_control=2, num_workers=3)
    pool, campaign, context = Pool(), open_campaign(config), Context()
    run(campaign, pool, config, context)  # type: ignore[arg-type]
    assert pool.most == 3
    assert len(campaign.trials) >= 11
    first = [trial for trial in campaign.trials if trial.rung == 0]
    assert len(context.told) == len(first)
    assert {name for each in context.told for name in each} == {
        f"best_{CONTROL}",
        "best_evolution-0",
    }


def test_a_loop_in_which_all_fail_ends_early_with_the_reasons() -> None:
    config = SearchConfig(num_children=50, num_control=50, num_workers=1)
    campaign = open_campaign(config)
    with pytest.raises(DataError, match=r"3 of 3 children failed, at most 20% .*: diverged"):
        run(campaign, Pool(accuracy=None), config, Context())  # type: ignore[arg-type]


def test_a_share_of_failures_counts_from_ten_ends_on() -> None:
    campaign = open_campaign(SearchConfig(num_children=2, num_control=2))
    for _ in range(4):
        task = campaign.next_task()
        assert task is not None
        campaign.ended(task, Skipped(item_id=task.item_id, reason="diverged"))
    check_failures(campaign.trials, 0.4)  # four of ten
    with pytest.raises(DataError, match="4 of 4 children failed, at most 30%"):
        check_failures(campaign.trials, 0.3)
