"""The table of trained cells, and what strategies find in it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tasks.core.errors import DataError
from tasks.nas.search.strategies.evolution import Evolution
from tasks.nas.search.strategies.random_search import RandomSearch
from tasks.nas.search.tabular.judge import accuracy_curve
from tasks.nas.search.tabular.nasbench201 import SPACE, Accuracies, Table, decisions_of
from tests.support.real_data import real_data

CELL = "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|none~0|nor_conv_3x3~1|skip_connect~2|"


def test_a_cell_is_read_edge_by_edge() -> None:
    assert decisions_of(CELL) == (4, 2, 1, 0, 3, 1)


@pytest.mark.parametrize("cell", ["", CELL.replace("none", "conv_5x5"), CELL + "none~3|"])
def test_another_cell_is_refused(cell: str) -> None:
    with pytest.raises(ValueError, match="expected six edges with operations of"):
        decisions_of(cell)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("arch,c10_val_e12\nx,1\n", "expected six edges"),
        ("arch,other\n" + CELL + ",1\n", "c10_val_e12"),
        (f"arch,c10_val_e12,c10_test_e12\n{CELL},a,b\n", "could not convert"),
        (f"arch,c10_val_e12,c10_test_e12\n{CELL},1,2\n", "15624 of 15,625 cells are missing"),
    ],
)
def test_a_wrong_table_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "table.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=rf"table\.csv.*{message}"):
        Table.read(path, "c10")


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"can't read .*table\.csv: No such file"):
        Table.read(tmp_path / "table.csv", "c10")


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
