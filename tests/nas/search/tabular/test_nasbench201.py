"""The table of trained cells is read whole, or refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks.core.errors import DataError
from tasks.nas.search.tabular.nasbench201 import Table, decisions_of

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
