"""Where the parts of a drawn cell go: layers, their order, and horizontal places.

Layered drawing after Sugiyama, Tagawa and Toda, "Methods for Visual Understanding of Hierarchical
System Structures" (1981): a block stands in the layer above the highest state that it reads; a
state that is read farther up passes the layers between as a trunk, one trunk for all its readers;
the order within layers is improved by swaps as long as crossings or lengths fall.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from tasks.nas.types import NUM_INPUTS, Cell

BLOCK_PX, INPUT_PX, TRUNK_PX, GAP_PX = 208.0, 64.0, 12.0, 26.0
PORT_PX = 53.0  # from the middle of a block to that of each of its operations
_NUM_ROUNDS = 14  # of pulling parts towards their neighbours
_CROSSING_PX = 400.0  # length of line that is worth avoiding one crossing


class Part(NamedTuple):
    """What takes a place in a layer: a state where it is made, or its trunk passing by.

    Attributes:
        layer: 0 holds the inputs; the output stands above the last.
        state: Which state.
    """

    layer: int
    state: int


Places = dict[Part, float]  # middle of each part, px


@dataclass(frozen=True)
class Layers:
    """A cell cut into layers.

    Attributes:
        cell: The cell.
        depths: Layer in which each state is made.
        tops: Layer up to which each state is passed on; num_layers if the output has it.
        num_layers: Number of layers, without the output.
    """

    cell: Cell
    depths: tuple[int, ...]
    tops: tuple[int, ...]
    num_layers: int

    @classmethod
    def of(cls, cell: Cell) -> Layers:
        """Cut a cell into layers."""
        depths = [0] * NUM_INPUTS
        for block in cell.blocks:
            depths.append(1 + max(depths[edge.source] for edge in block.edges))
        tops = list(depths)
        for state, block in enumerate(cell.blocks, NUM_INPUTS):
            for edge in block.edges:
                tops[edge.source] = max(tops[edge.source], depths[state])
        num_layers = 1 + max(depths)
        for state in cell.concat:
            tops[state] = num_layers
        return cls(cell, tuple(depths), tuple(tops), num_layers)

    def parts(self, layer: int) -> list[Part]:
        """Parts of a layer: what is made there, and what passes it."""
        states = range(self.cell.num_states)
        return [Part(layer, s) for s in states if self._is_in(layer, s)]

    def is_trunk(self, part: Part) -> bool:
        """Whether a part only passes by."""
        return part.layer > self.depths[part.state]

    def width(self, part: Part) -> float:
        """Width of a part, px."""
        if self.is_trunk(part):
            return TRUNK_PX
        return INPUT_PX if part.state < NUM_INPUTS else BLOCK_PX

    def readers(self, part: Part) -> list[tuple[Part, int]]:
        """Blocks in the next layer that read a part's state, and by which of their edges."""
        return self._readers.get(part, [])

    @cached_property
    def _readers(self) -> dict[Part, list[tuple[Part, int]]]:
        found: dict[Part, list[tuple[Part, int]]] = {}
        for state, block in enumerate(self.cell.blocks, NUM_INPUTS):
            reader = Part(self.depths[state], state)
            for side, edge in enumerate(block.edges):
                found.setdefault(Part(reader.layer - 1, edge.source), []).append((reader, side))
        return found

    def _is_in(self, layer: int, state: int) -> bool:
        made, top = self.depths[state], self.tops[state]
        return layer == made or made < layer < top


def place(layers: Layers) -> Places:
    """Find the order and the places with few crossings and short lines."""
    orders = [layers.parts(layer) for layer in range(layers.num_layers)]
    best = _Try(layers, orders)
    improved = True
    while improved:
        improved = False
        for moved in _moves(layers, orders):
            tried = _Try(layers, moved)
            if tried.cost < best.cost - 1e-6:
                best, orders, improved = tried, moved, True
                break
    return best.places


def sides(layers: Layers, places: Places, part: Part) -> tuple[int, int]:
    """Which edge of a block is drawn left and which right: the one that comes from the left."""
    block = layers.cell.blocks[part.state - NUM_INPUTS]
    left, right = (places[Part(part.layer - 1, edge.source)] for edge in block.edges)
    return (0, 1) if left <= right else (1, 0)


def lines(layers: Layers, places: Places) -> list[tuple[Part, Part | None, float, float]]:
    """Lines between neighbouring layers.

    Returns:
        From which part, to which (None: the output), x of the start and x of the end, px.
    """
    found: list[tuple[Part, Part | None, float, float]] = []
    for part, x in places.items():
        above = Part(part.layer + 1, part.state)
        if above in places:
            found.append((part, above, x, places[above]))
        elif layers.tops[part.state] == above.layer == layers.num_layers:
            found.append((part, None, x, x))
        for reader, side in layers.readers(part):
            offset = PORT_PX if sides(layers, places, reader)[1] == side else -PORT_PX
            found.append((part, reader, x, places[reader] + offset))
    return found


class _Try:
    """Places that follow from an order, and what they cost."""

    def __init__(self, layers: Layers, orders: Sequence[Sequence[Part]]) -> None:
        self._layers = layers
        self.places: Places = {}
        for order in orders:
            middle = sum(map(self._room, order)) / 2
            ends = itertools.accumulate(map(self._room, order))
            for part, end in zip(order, ends, strict=True):
                self.places[part] = end - self._room(part) / 2 - middle
        for _ in range(_NUM_ROUNDS):
            self._pull(orders)
        self.cost = self._cost()

    def _room(self, part: Part) -> float:
        return self._layers.width(part) + GAP_PX

    def _pull(self, orders: Sequence[Sequence[Part]]) -> None:
        """Move each part towards the middle of its lines, keeping order and gaps.

        Trunks pull harder, so that they run straight.
        """
        pulls: dict[Part, list[float]] = {part: [] for part in self.places}
        for start, end, x, x_end in lines(self._layers, self.places):
            if end is not None:
                weight = 1 + 3 * sum(map(self._layers.is_trunk, (start, end)))
                pulls[start] += [x_end] * weight
                pulls[end] += [x + self.places[end] - x_end] * weight
        for order in orders:
            wanted = [_mean(pulls[part] or [self.places[part]]) for part in order]
            rooms = [self._room(part) for part in order]
            for part, x in zip(order, spread(wanted, rooms), strict=True):
                self.places[part] = x

    def _cost(self) -> float:
        found = lines(self._layers, self.places)
        length = sum(abs(x - x_end) for _, _, x, x_end in found)
        crossings = sum(
            (a[2] - b[2]) * (a[3] - b[3]) < 0
            for a, b in itertools.combinations(found, 2)
            if a[0].layer == b[0].layer
        )
        return length + _CROSSING_PX * crossings


def spread(wanted: Sequence[float], rooms: Sequence[float]) -> list[float]:
    """Places nearest to the wanted ones that keep the order and leave each its room.

    Least squares by pooling adjacent violators.
    """
    steps = ((a + b) / 2 for a, b in itertools.pairwise(rooms))
    offsets = list(itertools.accumulate(steps, initial=0.0))
    pools: list[list[float]] = []  # mean and size
    for target, offset in zip(wanted, offsets, strict=True):
        pools.append([target - offset, 1.0])
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            mean, size = pools.pop()
            total = pools[-1][1] + size
            pools[-1] = [(pools[-1][0] * pools[-1][1] + mean * size) / total, total]
    places = [mean for mean, size in pools for _ in range(int(size))]
    return [place + offset for place, offset in zip(places, offsets, strict=True)]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _moves(layers: Layers, orders: Sequence[list[Part]]) -> Iterator[list[list[Part]]]:
    """Orders close to one: a whole trunk at either side, or two neighbours swapped."""
    for state in range(layers.cell.num_states):
        for is_left in (True, False):
            moved = []
            for order in orders:
                trunk = [p for p in order if p.state == state and layers.is_trunk(p)]
                rest = [part for part in order if part not in trunk]
                moved.append(trunk + rest if is_left else rest + trunk)
            if moved != orders:
                yield moved
    for layer, order in enumerate(orders):
        for k in range(len(order) - 1):
            swapped = [*order[:k], order[k + 1], order[k], *order[k + 2 :]]
            yield [*orders[:layer], swapped, *orders[layer + 1 :]]
