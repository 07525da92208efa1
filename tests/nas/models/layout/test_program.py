"""Programs: what is run once, what is let go, and how gradients come together."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tasks.nas.models.layout.convolutions import Pointwise
from tasks.nas.models.layout.program import Program, run_program
from tasks.nas.models.layout.steps import Add, Relu, Step


def pointwise() -> nn.Conv2d:
    return nn.Conv2d(2, 2, 1, bias=False).double()


def test_equal_steps_without_weights_are_run_once() -> None:
    program = Program()
    first = program.append(Relu(), 0)
    assert program.append(Relu(), 0) == first
    assert program.append(Relu(), first) != first
    conv = pointwise()
    assert program.append(Pointwise(conv), 0) != program.append(Pointwise(conv), 0)


def test_gradients_of_a_map_that_is_read_often_are_added() -> None:
    convs = [pointwise() for _ in range(3)]
    program = Program()
    hidden = program.append(Pointwise(convs[0]), 0)
    twice = program.append(Add(), hidden, hidden)
    positive = program.append(Relu(), hidden)
    sums = program.append(Add(), program.append(Pointwise(convs[1]), positive), twice)
    more = program.append(Add(), program.append(Pointwise(convs[2]), positive), sums)
    program.results = [more, hidden]
    given = torch.randn(2, 16, dtype=torch.float64)

    def truth() -> tuple[torch.Tensor, torch.Tensor]:
        weights = [conv.weight.flatten(1) for conv in convs]
        hidden = weights[0] @ given
        return (weights[1] + weights[2]) @ hidden.relu() + 2 * hidden, hidden

    weights = [conv.weight for conv in convs]
    made = run_program(program, given)
    for one, other in zip(made, truth(), strict=True):
        torch.testing.assert_close(one, other)
    loss = [sum(each.square().sum() for each in results) for results in (made, truth())]
    one, other = (torch.autograd.grad(each, weights) for each in loss)
    for left, right in zip(one, other, strict=True):
        torch.testing.assert_close(left, right)


def test_weights_that_no_asked_result_depends_on_have_no_gradient() -> None:
    used, unused = pointwise(), pointwise()
    program = Program()
    program.results = [program.append(Pointwise(used), 0), program.append(Pointwise(unused), 0)]
    result, _ = run_program(program, torch.ones(2, 16, dtype=torch.float64))
    result.sum().backward()
    assert used.weight.grad is not None
    assert unused.weight.grad is None


def test_maps_are_let_go_when_nothing_reads_them_any_more() -> None:
    import weakref

    alive: list[weakref.ref[torch.Tensor]] = []
    counts: list[int] = []

    class Fresh(Step):
        def run(self, *maps):
            made = maps[0] + 1
            counts.append(sum(each() is not None for each in alive))
            alive.append(weakref.ref(made))
            return made, None

    program = Program()
    number = 0
    for _ in range(4):
        number = program.append(Fresh(), number)
    program.results = [number]
    program.run(torch.zeros(1, 1))
    assert counts == [0, 1, 1, 1]


def test_results_may_not_be_asked_twice_for_gradients() -> None:
    conv = pointwise()
    program = Program()
    program.results = [program.append(Pointwise(conv), 0)]
    (result,) = run_program(program, torch.ones(2, 16, dtype=torch.float64))
    result.sum().backward(retain_graph=True)
    with pytest.raises(RuntimeError, match="ran before"):
        result.sum().backward()
