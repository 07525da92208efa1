"""A list of steps on numbered maps, run forwards and backwards.

This is a small automatic differentiation for straight-line programs. torch's own records a node
for each view and each sum of gradients, and spends as long on them as on the arithmetic when maps
are small; here gradients are added where they are made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor

from tasks.nas.models.layout.gathered import Gathered, Gradients
from tasks.nas.models.layout.norm import Normed, Running, Statistics
from tasks.nas.models.layout.steps import Back, Step
from tasks.nas.models.layout.windows import HeightWidth


@dataclass(frozen=True, slots=True)
class Line:
    """A step and the maps that it reads and makes.

    Attributes:
        step: What is computed.
        reads: Numbers of maps.
        makes: Number of a map.
    """

    step: Step
    reads: tuple[int, ...]
    makes: int


class Program:
    """Steps in their order. Map 0 is what is given.

    Attributes:
        lines: The steps.
        results: Numbers of the maps that are returned.
        sizes: Their heights and widths.
        gathered: The tensors in which its weights lie; empty if each lies by itself.
    """

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.results: list[int] = []
        self.sizes: list[HeightWidth] = []
        self.gathered: Sequence[Gathered] = ()
        self._running = Running()
        self._known: dict[Any, int] = {}
        self._spent: list[tuple[int, ...]] = []

    def append(self, step: Step, *reads: int) -> int:
        """Append a step; returns the number of the map that it makes.

        A step without weights that reads what an equal one has read is not run again.
        """
        key = None if step.identity is None else (step.identity, reads)
        if key in self._known:
            return self._known[key]
        made = len(self.lines) + 1
        self.lines.append(Line(step, reads, made))
        if key is not None:
            self._known[key] = made
        return made

    def weights(self) -> list[Tensor]:
        """All weights that steps read."""
        return [weight for line in self.lines for weight in line.step.weights()]

    def run(self, given: Tensor, saved: list[Any] | None = None) -> list[Tensor]:
        """Compute the results.

        Args:
            given: What the first step reads.
            saved: Where what `pull` needs is put, one entry a step; None if it won't be called.
        """
        maps: list[Any] = [None] * (len(self.lines) + 1)
        maps[0] = given
        norms, statistics = [], []
        for line, spent in zip(self.lines, self._spent_maps(), strict=True):
            step, reads = line.step, line.reads
            if len(reads) == 1:  # most: what follows costs as much as a small step
                made, kept = step.run(maps[reads[0]])
            else:
                made, kept = step.run(*[maps[read] for read in reads])
            maps[line.makes] = made
            if saved is not None:
                saved.append(kept)
            if kept.__class__ is Statistics:
                norms.append(cast("Normed", step))
                statistics.append(kept)
            for number in spent:
                maps[number] = None
        if norms:
            self._running.track(norms, statistics)
        return [maps[result] for result in self.results]

    def pull(self, saved: list[Any], gradients: Sequence[Tensor | None]) -> Gradients:
        """Gradients with respect to all weights that some result depends on.

        Args:
            saved: As `run` left it; emptied.
            gradients: With respect to the results; None where there is none.
        """
        back = Back(Gradients(self.gathered))
        so_far = _Gradients(len(self.lines) + 1)
        for result, given in zip(self.results, gradients, strict=True):
            so_far.of_map[result] = given
        for line in reversed(self.lines):
            back.saved = saved.pop()
            gradient = so_far.of_map[line.makes]
            if gradient is not None:
                so_far.of_map[line.makes] = None
                back.gradient, back.owns = gradient, so_far.is_owned[line.makes]
                so_far.pull(line, back)
        return back.weights

    def _spent_maps(self) -> list[tuple[int, ...]]:
        """For each step, the maps that none behind it reads and that are no result."""
        if len(self._spent) != len(self.lines):
            seen = set(self.results)
            self._spent = []
            for line in reversed(self.lines):
                last = {line.makes, *line.reads} - seen
                seen |= last
                self._spent.append(tuple(last))
            self._spent.reverse()
        return self._spent


class _Gradients:
    """Gradients so far with respect to each map.

    Attributes:
        of_map: None where there is none.
        is_owned: Whether it is memory that may be added to.
    """

    def __init__(self, num_maps: int) -> None:
        self.of_map: list[Tensor | None] = [None] * num_maps
        self.is_owned = [False] * num_maps

    def pull(self, line: Line, back: Back) -> None:
        """Take a gradient back through a step."""
        reads, step = line.reads, line.step
        if len(reads) == 2 and reads[0] == reads[1]:
            self._pull_twice(line, back)
            return
        back.into = into = [self._addable(read) for read in reads]
        # A step that reads images returns nothing for them.
        for read, found, present in zip(reads, step.pull(back), into, strict=False):
            self.of_map[read] = found
            if present is None:
                self.is_owned[read] = step.owns_gradient

    def _addable(self, read: int) -> Tensor | None:
        present = self.of_map[read]
        if present is not None and not self.is_owned[read]:
            present = present.clone()
            self.is_owned[read] = True
        return present

    def _pull_twice(self, line: Line, back: Back) -> None:
        """A step that reads one map in both places."""
        read = line.reads[0]
        back.into = (None, None)
        first, second = line.step.pull(back)
        found, present = first + second, self.of_map[read]
        self.of_map[read] = found if present is None else found + present
        self.is_owned[read] = True


class _Run(torch.autograd.Function):
    """A program as one function of its weights, or of the tensors that they lie in."""

    @staticmethod
    def forward(ctx: Any, program: Program, given: Tensor, *weights: Tensor) -> Any:
        ctx.set_materialize_grads(False)
        ctx.program, ctx.saved, ctx.weights = program, [], weights
        return tuple(program.run(given, ctx.saved))

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *gradients: Tensor | None) -> Any:
        if len(ctx.saved) != len(ctx.program.lines):
            raise RuntimeError("what the backward pass needs is gone: it ran before")
        given = [None if each is None else each.contiguous() for each in gradients]
        found = ctx.program.pull(ctx.saved, given)
        if ctx.program.gathered:
            return (None, None, *found.of_gathered)
        return (None, None, *[found.of_weight.get(weight) for weight in ctx.weights])


def run_program(program: Program, given: Tensor) -> list[Tensor]:
    """Run a program; gradients with respect to its weights can be asked of the results."""
    weights = [each.flat for each in program.gathered] or program.weights()
    if torch.is_grad_enabled() and any(weight.requires_grad for weight in weights):
        return list(_Run.apply(program, given, *weights))
    return program.run(given)
