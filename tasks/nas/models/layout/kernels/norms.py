"""Batch norm of rows, and ReLU behind it, while a row lies in cache; see `lanes`."""

from __future__ import annotations

import math
from typing import Any

from tasks.nas.models.layout.kernels.lanes import (
    FOUR,
    NUM_LANES,
    fma,
    if_greater,
    inlined,
    kernel,
    load,
    plus,
    put,
    spread,
    store,
    total,
    value_at,
)


@kernel
def standardised(
    zero: float, x: int, weight: int, bias: int, y: int, moments: int,
    num_c: int, num_m: int, count: int, eps: float, positive: bool,
) -> None:  # fmt: skip
    """Standardise each row of a map (c, m), scale and shift it; then its positive part if asked.

    ``count`` numbers of a row are real, the others are zero. ``moments`` (2, c) are the means, and
    one over the root of variance plus epsilon.
    """
    nothing = spread(zero, zero)
    for c in range(num_c):
        row = c * num_m
        mean = _sum(zero, x, row, num_m) / count
        # Each number that isn't real has added the square of the mean.
        squares = _squares(zero, x, row, num_m, mean) - (num_m - count) * mean * mean
        inverse = 1 / math.sqrt(max(squares / count, 0.0) + eps)
        put(zero, mean, moments, c)
        put(zero, inverse, moments, num_c + c)
        scale = inverse * value_at(zero, weight, c)
        away, times = spread(zero, -mean), spread(zero, scale)
        more = spread(zero, value_at(zero, bias, c))
        for m in range(row, row + num_m, NUM_LANES):
            one = fma(times, plus(load(zero, x, m), away), more)
            store(if_greater(one, nothing, one, nothing) if positive else one, y, m)


@inlined
def _sum(zero: float, x: int, row: int, num_m: int) -> Any:
    a = b = c = d = spread(zero, zero)
    for m in range(row, row + num_m - num_m % FOUR, FOUR):
        a, b = plus(a, load(zero, x, m)), plus(b, load(zero, x, m + NUM_LANES))
        c = plus(c, load(zero, x, m + 2 * NUM_LANES))
        d = plus(d, load(zero, x, m + 3 * NUM_LANES))
    for m in range(row + num_m - num_m % FOUR, row + num_m, NUM_LANES):
        a = plus(a, load(zero, x, m))
    return total(plus(plus(a, b), plus(c, d)))


@inlined
def _squares(zero: float, x: int, row: int, num_m: int, mean: float) -> Any:
    a = b = c = d = spread(zero, zero)
    away = spread(zero, -mean)
    for m in range(row, row + num_m - num_m % FOUR, FOUR):
        one, other = plus(load(zero, x, m), away), plus(load(zero, x, m + NUM_LANES), away)
        a, b = fma(one, one, a), fma(other, other, b)
        one = plus(load(zero, x, m + 2 * NUM_LANES), away)
        other = plus(load(zero, x, m + 3 * NUM_LANES), away)
        c, d = fma(one, one, c), fma(other, other, d)
    for m in range(row + num_m - num_m % FOUR, row + num_m, NUM_LANES):
        one = plus(load(zero, x, m), away)
        a = fma(one, one, a)
    return total(plus(plus(a, b), plus(c, d)))


@kernel
def standardised_back(
    zero: float, g: int, x: int, y: int, moments: int, weight: int, found: int,
    of_weight: int, of_bias: int, num_c: int, num_m: int, count: int, positive: bool,
) -> None:  # fmt: skip
    """Take a gradient (c, m) back through `standardised`, whose result was y; g may be found."""
    for c in range(num_c):
        row = c * num_m
        mean, inverse = value_at(zero, moments, c), value_at(zero, moments, num_c + c)
        away = spread(zero, -mean)
        a = b = d = e = spread(zero, zero)
        for m in range(row, row + num_m - num_m % (2 * NUM_LANES), 2 * NUM_LANES):
            one = _passed(zero, g, y, m, positive)
            other = _passed(zero, g, y, m + NUM_LANES, positive)
            a, b = plus(a, one), plus(b, other)
            d = fma(one, plus(load(zero, x, m), away), d)
            e = fma(other, plus(load(zero, x, m + NUM_LANES), away), e)
        for m in range(row + num_m - num_m % (2 * NUM_LANES), row + num_m, NUM_LANES):
            one = _passed(zero, g, y, m, positive)
            a, d = plus(a, one), fma(one, plus(load(zero, x, m), away), d)
        given, moved = total(plus(a, b)), total(plus(d, e))
        put(zero, given, of_bias, c)
        put(zero, moved * inverse, of_weight, c)
        scale = value_at(zero, weight, c) * inverse
        slope = -scale * inverse * inverse * moved / count
        times, by_x = spread(zero, scale), spread(zero, slope)
        more = spread(zero, -scale * given / count)
        for m in range(row, row + num_m, NUM_LANES):
            one = _passed(zero, g, y, m, positive)
            store(fma(times, one, fma(by_x, plus(load(zero, x, m), away), more)), found, m)


@inlined
def _passed(zero: float, g: int, y: int, m: int, positive: bool) -> Any:
    """The gradient where the result is positive."""
    one = load(zero, g, m)
    if positive:
        nothing = spread(zero, zero)
        one = if_greater(load(zero, y, m), nothing, one, nothing)
    return one
