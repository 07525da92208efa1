"""The cells of NAS-Bench-201 with their accuracies: strategies judged without training.

X. Dong, Y. Yang, "NAS-Bench-201: Extending the Scope of Reproducible Neural Architecture
Search", ICLR 2020: four nodes, six edges, five operations, 15,625 cells. The table is a CSV file
with the columns ``arch`` and, for each data set, validation and test accuracy in percent after
12 epochs (``c10_val_e12``, ``c10_test_e12``, …).
"""

from __future__ import annotations

import csv
import itertools
import re
from dataclasses import dataclass
from pathlib import Path

from tasks.core.errors import DataError
from tasks.nas.space.decisions import Decisions, DecisionSpace

OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
NUM_EDGES = 6
DATA_SETS = ("c10", "c100", "in16")
SPACE = DecisionSpace((len(OPERATIONS),) * NUM_EDGES, ("operation",) * NUM_EDGES)
_EDGE = re.compile(r"([a-z0-9_]+)~\d")


@dataclass(frozen=True)
class Accuracies:
    """How a cell did on one data set after 12 epochs, in percent."""

    validation: float
    test: float


@dataclass(frozen=True)
class Table:
    """All cells on one data set.

    Attributes:
        data_set: ``c10``, ``c100`` or ``in16``.
        cells: Accuracies by decisions: the operation of each edge, in the order of the cell's
            text.
    """

    data_set: str
    cells: dict[Decisions, Accuracies]

    @classmethod
    def read(cls, path: Path, data_set: str) -> Table:
        """Read a table.

        Raises:
            DataError: The file is missing, has other columns, or lacks cells.
        """
        try:
            with path.open(newline="") as file:
                cells = {
                    decisions_of(row["arch"]): Accuracies(
                        float(row[f"{data_set}_val_e12"]), float(row[f"{data_set}_test_e12"])
                    )
                    for row in csv.DictReader(file)
                }
        except OSError as error:
            raise DataError(f"can't read {path}: {error.strerror}") from error
        except (KeyError, ValueError, TypeError, csv.Error) as error:
            raise DataError(
                f"{path}: expected the columns arch, {data_set}_val_e12 and {data_set}_test_e12 "
                f"with cells and percentages, got {error}"
            ) from error
        missing = set(itertools.product(range(len(OPERATIONS)), repeat=NUM_EDGES)) - cells.keys()
        if missing:
            raise DataError(f"{path}: {len(missing)} of 15,625 cells are missing")
        return cls(data_set, cells)


def decisions_of(cell: str) -> Decisions:
    """Decisions of a cell's text ``|op~0|+|op~0|op~1|+|op~0|op~1|op~2|``.

    Raises:
        ValueError: It is not of that form.
    """
    names = _EDGE.findall(cell)
    if len(names) != NUM_EDGES or not set(names) <= set(OPERATIONS):
        raise ValueError(f"expected six edges with operations of {OPERATIONS}, got {cell!r}")
    return tuple(OPERATIONS.index(name) for name in names)
