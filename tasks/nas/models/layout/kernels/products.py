"""Products of weights and maps, and of gradients and maps; see `lanes`."""

from __future__ import annotations

from tasks.nas.models.layout.kernels.lanes import (
    FOUR,
    NUM_LANES,
    begin,
    begin4,
    fma,
    fma4,
    inlined,
    kernel,
    load,
    load4,
    put,
    spread,
    store,
    store4,
    total,
    value_at,
)

_STRIP = 32 * NUM_LANES  # numbers of each row that stay in the first cache


@kernel
def product(
    zero: float, w: int, down: int, right: int, x: int, y: int, bias: int,
    num_o: int, num_i: int, num_m: int, adds: bool,
) -> None:  # fmt: skip
    """Weights (o, i) times a map (i, m), plus a bias (o,) unless its address is 0.

    Weight (o, i) stands at ``o down + i right``. The result (o, m) is added to what is there if
    asked to; then there is no bias.
    """
    for m in range(0, num_m - num_m % FOUR, FOUR):
        o = 0
        while o + 4 <= num_o:
            _four_rows(zero, w, down, right, x, y, bias, o, num_i, num_m, m, adds)
            o += 4
        while o < num_o:
            a = begin4(zero, y, o * num_m + m, bias, o, adds)
            for i in range(num_i):
                weight = spread(zero, value_at(zero, w, o * down + i * right))
                a = fma4(weight, load4(zero, x, i * num_m + m), a)
            store4(a, y, o * num_m + m)
            o += 1
    for m in range(num_m - num_m % FOUR, num_m, NUM_LANES):
        for o in range(num_o):
            one = begin(zero, y, o * num_m + m, bias, o, adds)
            for i in range(num_i):
                weight = spread(zero, value_at(zero, w, o * down + i * right))
                one = fma(weight, load(zero, x, i * num_m + m), one)
            store(one, y, o * num_m + m)


@inlined
def _four_rows(
    zero: float, w: int, down: int, right: int, x: int, y: int, bias: int,
    o: int, num_i: int, num_m: int, m: int, adds: bool,
) -> None:  # fmt: skip
    at, of = o * num_m + m, o * down
    a = begin4(zero, y, at, bias, o, adds)
    b = begin4(zero, y, at + num_m, bias, o + 1, adds)
    c = begin4(zero, y, at + 2 * num_m, bias, o + 2, adds)
    d = begin4(zero, y, at + 3 * num_m, bias, o + 3, adds)
    for i in range(num_i):
        four, weight = load4(zero, x, i * num_m + m), of + i * right
        a = fma4(spread(zero, value_at(zero, w, weight)), four, a)
        b = fma4(spread(zero, value_at(zero, w, weight + down)), four, b)
        c = fma4(spread(zero, value_at(zero, w, weight + 2 * down)), four, c)
        d = fma4(spread(zero, value_at(zero, w, weight + 3 * down)), four, d)
    store4(a, y, at)
    store4(b, y, at + num_m)
    store4(c, y, at + 2 * num_m)
    store4(d, y, at + 3 * num_m)


@kernel
def outer(
    zero: float, g: int, x: int, sums: int, found: int, num_o: int, num_i: int, num_m: int
) -> None:
    """Gradients (o, i) of weights: a gradient (o, m) times a map (i, m), transposed.

    ``sums`` is memory for sixteen numbers of each weight.
    """
    for weight in range(num_o * num_i):
        store(spread(zero, zero), sums, weight * NUM_LANES)
    for first in range(0, num_m, _STRIP):
        end = min(first + _STRIP, num_m)
        for o in range(0, num_o, 4):
            for i in range(0, num_i, 4):
                if o + 4 <= num_o and i + 4 <= num_i:
                    _four_by_four(zero, g, x, sums, o, i, num_i, num_m, first, end)
                else:
                    _fewer(zero, g, x, sums, o, i, num_o, num_i, num_m, first, end)
    for weight in range(num_o * num_i):
        put(zero, total(load(zero, sums, weight * NUM_LANES)), found, weight)


@inlined
def _four_by_four(
    zero: float, g: int, x: int, sums: int, o: int, i: int, num_i: int, num_m: int,
    first: int, end: int,
) -> None:  # fmt: skip
    at, row = (o * num_i + i) * NUM_LANES, num_i * NUM_LANES
    a, b = load4(zero, sums, at), load4(zero, sums, at + row)
    c, d = load4(zero, sums, at + 2 * row), load4(zero, sums, at + 3 * row)
    for m in range(first, end, NUM_LANES):
        read, given = load4(zero, x, i * num_m + m, num_m), load4(zero, g, o * num_m + m, num_m)
        a, b = fma4(given[0], read, a), fma4(given[1], read, b)
        c, d = fma4(given[2], read, c), fma4(given[3], read, d)
    store4(a, sums, at)
    store4(b, sums, at + row)
    store4(c, sums, at + 2 * row)
    store4(d, sums, at + 3 * row)


@inlined
def _fewer(
    zero: float, g: int, x: int, sums: int, o: int, i: int, num_o: int, num_i: int, num_m: int,
    first: int, end: int,
) -> None:  # fmt: skip
    for row in range(o, min(o + 4, num_o)):
        for column in range(i, min(i + 4, num_i)):
            at = (row * num_i + column) * NUM_LANES
            one = load(zero, sums, at)
            for m in range(first, end, NUM_LANES):
                one = fma(load(zero, g, row * num_m + m), load(zero, x, column * num_m + m), one)
            store(one, sums, at)
