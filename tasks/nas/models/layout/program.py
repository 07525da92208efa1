"""A list of steps on numbered maps, run forwards and backwards.

This is a small automatic differentiation for straight-line programs. torch's own records a node
for each view and each sum of gradients, and spends as long on them as on the arithmetic when maps
are small; here gradients are added where they are made.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor

from tasks.nas.models.layout.norm import Norm, Statistics, track
from tasks.nas.models.layout.steps import Back, Step


@dataclass(frozen=True)
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
    """

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.results: list[int] = []
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

    def run(self, given: Tensor, saved: list[Any] | None = None) -> list[Tensor]:
        """Compute the results.

        Args:
            given: What the first step reads.
            saved: Where what `pull` needs is put, one entry a step; None if it won't be called.
        """
        maps: dict[int, Tensor] = {0: given}
        norms, statistics = [], []
        for line, spent in zip(self.lines, self._spent_maps(), strict=True):
            made, kept = line.step.run(*[maps[read] for read in line.reads])
            maps[line.makes] = made
            if saved is not None:
                saved.append(kept)
            if isinstance(kept, Statistics):
                norms.append(cast("Norm", line.step))
                statistics.append(kept)
            for number in spent:
                del maps[number]
        if norms:
            track(norms, statistics)
        return [maps[result] for result in self.results]

    def pull(self, saved: list[Any], gradients: list[Tensor | None]) -> dict[Tensor, Tensor]:
        """Gradients with respect to all weights that some result depends on.

        Args:
            saved: As `run` left it; emptied.
            gradients: With respect to the results; None where there is none.
        """
        weights: dict[Tensor, Tensor] = {}
        owned: set[int] = set()  # maps whose gradient is memory that may be added to
        ends = zip(self.results, gradients, strict=True)
        so_far = {result: given for result, given in ends if given is not None}
        for line in reversed(self.lines):
            kept = saved.pop()
            gradient = so_far.pop(line.makes, None)
            if gradient is not None:
                _pull_line(line, kept, gradient, so_far, owned, weights)
        return weights


def _pull_line(
    line: Line,
    kept: Any,
    gradient: Tensor,
    so_far: dict[int, Tensor],
    owned: set[int],
    weights: dict[Tensor, Tensor],
) -> None:
    into: list[Tensor | None] = []
    for place, read in enumerate(line.reads):
        present = so_far.get(read) if read not in line.reads[:place] else None
        if present is not None and read not in owned:
            present = present.clone()
        into.append(present)
    found = line.step.pull(Back(kept, gradient, into, weights))
    for place, (read, back, present) in enumerate(zip(line.reads, found, into, strict=False)):
        if read in line.reads[:place]:  # read twice by one step
            so_far[read] = so_far[read] + back
            owned.add(read)
            continue
        so_far[read] = back
        if line.step.owns_gradient or present is not None:
            owned.add(read)


class _Run(torch.autograd.Function):
    """A program as one function of its weights."""

    @staticmethod
    def forward(ctx: Any, program: Program, given: Tensor, *weights: Tensor) -> Any:  # noqa: ARG004
        ctx.set_materialize_grads(False)
        ctx.program, ctx.saved = program, []
        return tuple(program.run(given, ctx.saved))

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *gradients: Tensor | None) -> Any:
        if len(ctx.saved) != len(ctx.program.lines):
            raise RuntimeError("what the backward pass needs is gone: it ran before")
        given = [None if each is None else each.contiguous() for each in gradients]
        found = ctx.program.pull(ctx.saved, given)
        return (None, None, *[found.get(weight) for weight in ctx.program.weights()])


def run_program(program: Program, given: Tensor) -> list[Tensor]:
    """Run a program; gradients with respect to its weights can be asked of the results."""
    weights = program.weights()
    if torch.is_grad_enabled() and any(weight.requires_grad for weight in weights):
        return list(_Run.apply(program, given, *weights))
    return program.run(given)
