"""The space of genotypes as a row of decisions, in the order in which the paper makes them.

Zoph et al., "Learning Transferable Architectures for Scalable Image Recognition", CVPR 2018,
section 3: for each block two hidden states, two operations and, where there is a choice, how the
two are combined; first all blocks of the normal cell, then those of the reduction cell.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tasks.nas.space.decisions import Decisions, DecisionSpace
from tasks.nas.space.random_cells import NUM_BLOCKS
from tasks.nas.types import (
    NASNET_OPERATIONS,
    NUM_INPUTS,
    Block,
    Cell,
    Combiner,
    Edge,
    Genotype,
    Operation,
    unused_blocks,
)


class GenotypeSpace:
    """Genotypes with equally many blocks in both cells.

    Args:
        num_blocks: Blocks B of each cell.
        operations: What a block may apply.
        combiners: How it may combine; with one, nothing is decided.
    """

    def __init__(
        self,
        num_blocks: int = NUM_BLOCKS,
        operations: Sequence[Operation] = NASNET_OPERATIONS,
        combiners: Sequence[Combiner] = (Combiner.ADD,),
    ) -> None:
        self._num_blocks = num_blocks
        self._operations = tuple(operations)
        self._combiners = tuple(combiners)
        steps = [step for cell in ("normal", "reduce") for step in self._steps(cell)]
        self.decisions = DecisionSpace(
            num_choices=tuple(count for count, _ in steps), kinds=tuple(kind for _, kind in steps)
        )

    def genotype(self, child: Decisions) -> Genotype:
        """Return the cells that a child stands for; unread blocks make up their output.

        Raises:
            ValueError: There are more or fewer decisions, or one has no such choice.
        """
        counts = self.decisions.num_choices
        if len(child) != len(counts) or not all(
            0 <= choice < count for choice, count in zip(child, counts, strict=True)
        ):
            raise ValueError(f"expected {len(counts)} choices below {counts}, got {child}")
        half = len(child) // 2
        return Genotype(self._cell(child[:half]), self._cell(child[half:]))

    def _steps(self, cell: str) -> Iterator[tuple[int, str]]:
        """Choices and kind of each decision; what a choice means differs between the cells."""
        for state in range(NUM_INPUTS, NUM_INPUTS + self._num_blocks):
            for _ in range(2):
                yield state, f"{cell}_source"
                yield len(self._operations), f"{cell}_operation"
            if len(self._combiners) > 1:
                yield len(self._combiners), f"{cell}_combiner"

    def _cell(self, choices: Decisions) -> Cell:
        left = iter(choices)
        blocks = tuple(
            Block(
                Edge(next(left), self._operations[next(left)]),
                Edge(next(left), self._operations[next(left)]),
                self._combiners[next(left) if len(self._combiners) > 1 else 0],
            )
            for _ in range(self._num_blocks)
        )
        return Cell(blocks, unused_blocks(blocks))
