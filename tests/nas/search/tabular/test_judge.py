"""What strategies find in a table of trained cells."""

from __future__ import annotations

import numpy as np

from tasks.nas.search.strategies.evolution import Evolution
from tasks.nas.search.strategies.random_search import RandomSearch
from tasks.nas.search.tabular.judge import accuracy_curve
from tasks.nas.search.tabular.nasbench201 import SPACE, Accuracies, Table
from tests.support.real_data import real_data


def test_the_curve_follows_the_best_validation() -> None:
    class Listed:
        children = iter([(0,) * 6, (1,) * 6, (2,) * 6])

        def ask(self):
            return next(self.children)

        def tell(self, child, reward):
            assert reward == cells[child].validation

    cells = {
        (0,) * 6: Accuracies(50, 10),
        (1,) * 6: Accuracies(40, 99),
        (2,) * 6: Accuracies(60, 5),
    }
    assert accuracy_curve(Listed(), cells, 3).tolist() == [10, 10, 5]


def test_evolution_beats_random_on_the_real_table() -> None:
    table = Table.read(real_data("nasbench") / "nb201_12epochs.csv", "c10")
    found = {
        make: [
            accuracy_curve(make(SPACE, np.random.default_rng(seed)), table.cells, 105)[-1]
            for seed in range(200, 220)
        ]
        for make in (RandomSearch, Evolution)
    }
    gain = np.array(found[Evolution]) - np.array(found[RandomSearch])
    assert gain.mean() > 2 * gain.std(ddof=1) / np.sqrt(len(gain))
