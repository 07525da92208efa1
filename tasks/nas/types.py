"""Values of the search space: operations, blocks, cells and genotypes.

The space is that of Zoph, Vasudevan, Shlens and Le, "Learning Transferable Architectures for
Scalable Image Recognition" (2018), section 3: a cell reads two hidden states, combines pairs of
states B times, and concatenates the results that no block has used. What a cell concatenates is
written down and not derived, because published cells deviate from that rule (`published`).

States are numbered as DARTS does: 0 is h_{i-1}, the output of the cell before the last; 1 is h_i,
the output of the last; 2 and above are the blocks in their order. A block reads earlier states
only, so a cell can't hold a cycle.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from tasks.core.errors import DataError

NUM_INPUTS = 2
MAX_BLOCKS = 16  # far above what is searched (5); bounds the cost of the canonical form


class Operation(StrEnum):
    """What is applied to a hidden state; the 13 of the paper, then those that only DARTS has."""

    IDENTITY = "identity"
    CONV_1X3_3X1 = "conv_1x3_3x1"
    CONV_1X7_7X1 = "conv_1x7_7x1"
    DILATED_CONV_3X3 = "dilated_conv_3x3"
    AVG_POOL_3X3 = "avg_pool_3x3"
    MAX_POOL_3X3 = "max_pool_3x3"
    MAX_POOL_5X5 = "max_pool_5x5"
    MAX_POOL_7X7 = "max_pool_7x7"
    CONV_1X1 = "conv_1x1"
    CONV_3X3 = "conv_3x3"
    SEP_CONV_3X3 = "sep_conv_3x3"
    SEP_CONV_5X5 = "sep_conv_5x5"
    SEP_CONV_7X7 = "sep_conv_7x7"
    DILATED_SEP_CONV_3X3 = "dilated_sep_conv_3x3"
    DILATED_SEP_CONV_5X5 = "dilated_sep_conv_5x5"


class Combiner(StrEnum):
    """How a block makes one state of two."""

    ADD = "add"
    CONCAT = "concat"


NASNET_OPERATIONS = tuple(Operation)[:13]
SPACES: dict[str, tuple[Operation, ...]] = {
    "nasnet": NASNET_OPERATIONS,
    "darts": (
        Operation.IDENTITY,
        Operation.AVG_POOL_3X3,
        Operation.MAX_POOL_3X3,
        Operation.SEP_CONV_3X3,
        Operation.SEP_CONV_5X5,
        Operation.SEP_CONV_7X7,
        Operation.DILATED_SEP_CONV_3X3,
        Operation.DILATED_SEP_CONV_5X5,
        Operation.CONV_1X7_7X1,
    ),
    "all": tuple(Operation),
}


@dataclass(frozen=True, order=True)
class Edge:
    """An operation and the state it reads.

    Attributes:
        source: Number of the state.
        operation: What is applied to it.
    """

    source: int
    operation: Operation


@dataclass(frozen=True)
class Block:
    """Two edges and how their results become one state.

    Attributes:
        left: One edge.
        right: The other; the order of the two means nothing.
        combiner: Addition or concatenation.
    """

    left: Edge
    right: Edge
    combiner: Combiner = Combiner.ADD

    @property
    def edges(self) -> tuple[Edge, Edge]:
        """Both edges."""
        return self.left, self.right


@dataclass(frozen=True)
class Cell:
    """A directed acyclic graph of blocks.

    Attributes:
        blocks: Block k makes state k + 2.
        concat: States whose concatenation is the cell's output, ascending.

    Raises:
        DataError: A block reads a state that isn't made before it, the concatenation is empty,
            not ascending or names no state, or a block's result goes nowhere.
    """

    blocks: tuple[Block, ...]
    concat: tuple[int, ...]

    def __post_init__(self) -> None:
        if not 1 <= len(self.blocks) <= MAX_BLOCKS:
            raise DataError(f"expected 1 to {MAX_BLOCKS} blocks, found {len(self.blocks)}")
        for state, block in enumerate(self.blocks, NUM_INPUTS):
            for edge in block.edges:
                self._check_edge(state, edge)
        self._check_concat()

    @property
    def num_states(self) -> int:
        """Inputs and blocks."""
        return NUM_INPUTS + len(self.blocks)

    @cached_property
    def read_states(self) -> frozenset[int]:
        """States that some block reads."""
        return frozenset(edge.source for block in self.blocks for edge in block.edges)

    def _check_edge(self, state: int, edge: Edge) -> None:
        if 0 <= edge.source < state:
            return
        place = f"block {state - NUM_INPUTS} (state {state}) reads state {edge.source}"
        if 0 <= edge.source < self.num_states:
            raise DataError(
                f"{place}, which is not made before it; a block may read only states 0 to "
                f"{state - 1}, else the cell would hold a cycle or a forward reference"
            )
        raise DataError(f"{place}, which doesn't exist; expected one of 0 to {state - 1}")

    def _check_concat(self) -> None:
        wrong = [state for state in self.concat if not 0 <= state < self.num_states]
        if wrong:
            raise DataError(
                f"concat names state {wrong[0]}, which doesn't exist; "
                f"expected some of 0 to {self.num_states - 1}"
            )
        if not self.concat or list(self.concat) != sorted(set(self.concat)):
            raise DataError(
                f"concat is {list(self.concat)}; expected one state or more, ascending, each once"
            )
        lost = set(range(NUM_INPUTS, self.num_states)) - self.read_states - set(self.concat)
        if lost:
            raise DataError(
                f"state {min(lost)} goes nowhere: no block reads it and concat leaves it out; "
                f"add it to concat {list(self.concat)}"
            )


@dataclass(frozen=True)
class Genotype:
    """Two cells: what the search looks for.

    Attributes:
        normal: Keeps the resolution.
        reduce: Halves it.
    """

    normal: Cell
    reduce: Cell

    def cells(self) -> Iterator[tuple[str, Cell]]:
        """Both cells with their names."""
        yield "normal", self.normal
        yield "reduce", self.reduce

    @cached_property
    def operations(self) -> frozenset[Operation]:
        """All operations in use."""
        return frozenset(
            edge.operation for _, cell in self.cells() for b in cell.blocks for edge in b.edges
        )

    @cached_property
    def combiners(self) -> frozenset[Combiner]:
        """All combiners in use."""
        return frozenset(block.combiner for _, cell in self.cells() for block in cell.blocks)

    @property
    def space(self) -> str:
        """Name of the narrowest space that has all its operations."""
        return next(name for name, known in SPACES.items() if self.operations <= {*known})


def unused_blocks(blocks: tuple[Block, ...]) -> tuple[int, ...]:
    """The concatenation of the paper's rule: all states that blocks make and none reads."""
    read = {edge.source for block in blocks for edge in block.edges}
    states = range(NUM_INPUTS, NUM_INPUTS + len(blocks))
    return tuple(state for state in states if state not in read)
