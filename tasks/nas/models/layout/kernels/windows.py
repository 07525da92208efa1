"""Weighted sums and greatest numbers of windows; see `lanes`.

A window is a table: result position q reads the entries from ``starts[q]`` to ``starts[q + 1]``,
each with a place, a position of the map, and a tap, its place in the kernel of weights.
"""

from __future__ import annotations

from tasks.nas.models.layout.kernels.lanes import (
    FOUR,
    NUM_LANES,
    begin,
    begin4,
    entry_at,
    fma,
    fma4,
    if_equal,
    if_greater,
    inlined,
    kernel,
    load,
    load4,
    plus,
    put,
    spread,
    store,
    store4,
    total,
    value_at,
)


@kernel
def weighted(
    zero: float, w: int, of_o: int, of_i: int, x: int, y: int, bias: int,
    starts: int, places: int, taps: int,
    num_o: int, num_i: int, num_p: int, num_q: int, num_n: int, adds: bool,
) -> None:  # fmt: skip
    """Weighted sums of a map (i, p n), plus a bias (o,) unless its address is 0.

    The weight of a tap stands at ``o of_o + i of_i + tap``. With ``num_i`` 0 each channel made
    reads the one of its own number. The result (o, q n) is added to what is there if asked to.
    """
    for o in range(num_o):
        of, row = o * of_o, 0 if num_i else o * num_p * num_n
        whole = num_n - num_n % FOUR
        for n in range(0, whole, FOUR):
            for q in range(num_q):
                at = (o * num_q + q) * num_n + n
                four = begin4(zero, y, at, bias, o, adds)
                for i in range(max(num_i, 1)):
                    for entry in range(entry_at(starts, q), entry_at(starts, q + 1)):
                        tap, place = entry_at(taps, entry), i * num_p + entry_at(places, entry)
                        weight = spread(zero, value_at(zero, w, of + i * of_i + tap))
                        four = fma4(weight, load4(zero, x, row + place * num_n + n), four)
                store4(four, y, at)
        _rest(
            zero, w, of, of_i, x, row, y, bias, starts, places, taps,
            o, num_i, num_p, num_q, num_n, whole, adds,
        )  # fmt: skip


@inlined
def _rest(
    zero: float, w: int, of: int, of_i: int, x: int, row: int, y: int, bias: int,
    starts: int, places: int, taps: int,
    o: int, num_i: int, num_p: int, num_q: int, num_n: int, whole: int, adds: bool,
) -> None:  # fmt: skip
    for n in range(whole, num_n, NUM_LANES):
        for q in range(num_q):
            at = (o * num_q + q) * num_n + n
            one = begin(zero, y, at, bias, o, adds)
            for i in range(max(num_i, 1)):
                for entry in range(entry_at(starts, q), entry_at(starts, q + 1)):
                    tap, place = entry_at(taps, entry), i * num_p + entry_at(places, entry)
                    weight = spread(zero, value_at(zero, w, of + i * of_i + tap))
                    one = fma(weight, load(zero, x, row + place * num_n + n), one)
            store(one, y, at)


@kernel
def weighted_back(
    zero: float, g: int, x: int, sums: int, found: int, starts: int, places: int, taps: int,
    num_taps: int, num_o: int, num_i: int, num_p: int, num_q: int, num_n: int,
) -> None:  # fmt: skip
    """Gradients (o, i, taps) of the weights of `weighted`, by one with respect to its result.

    ``sums`` is memory for sixteen numbers of each tap.
    """
    for o in range(num_o):
        for i in range(max(num_i, 1)):
            for tap in range(num_taps):
                store(spread(zero, zero), sums, tap * NUM_LANES)
            row = (i if num_i else o) * num_p * num_n
            for q in range(num_q):
                first, end = entry_at(starts, q), entry_at(starts, q + 1)
                at = (o * num_q + q) * num_n
                _taps(zero, g, at, x, row, sums, places, taps, first, end, num_n)
            for tap in range(num_taps):
                value = total(load(zero, sums, tap * NUM_LANES))
                put(zero, value, found, (o * max(num_i, 1) + i) * num_taps + tap)


@inlined
def _taps(
    zero: float, g: int, at: int, x: int, row: int, sums: int,
    places: int, taps: int, first: int, end: int, num_n: int,
) -> None:  # fmt: skip
    for n in range(0, num_n - num_n % FOUR, FOUR):
        given = load4(zero, g, at + n)
        for entry in range(first, end):
            tap = entry_at(taps, entry) * NUM_LANES
            read = load4(zero, x, row + entry_at(places, entry) * num_n + n)
            one = fma(given[1], read[1], fma(given[0], read[0], load(zero, sums, tap)))
            store(fma(given[3], read[3], fma(given[2], read[2], one)), sums, tap)
    for n in range(num_n - num_n % FOUR, num_n, NUM_LANES):
        single = load(zero, g, at + n)
        for entry in range(first, end):
            tap = entry_at(taps, entry) * NUM_LANES
            other = load(zero, x, row + entry_at(places, entry) * num_n + n)
            store(fma(single, other, load(zero, sums, tap)), sums, tap)


@kernel
def greatest(
    zero: float, x: int, y: int, starts: int, places: int,
    num_c: int, num_p: int, num_q: int, num_n: int,
) -> None:  # fmt: skip
    """The greatest number in each window of a map (c, p n)."""
    for c in range(num_c):
        for q in range(num_q):
            first, end = entry_at(starts, q), entry_at(starts, q + 1)
            for n in range(0, num_n, NUM_LANES):
                row = c * num_p * num_n + n
                top = load(zero, x, row + entry_at(places, first) * num_n)
                for entry in range(first + 1, end):
                    read = load(zero, x, row + entry_at(places, entry) * num_n)
                    top = if_greater(read, top, read, top)
                store(top, y, (c * num_q + q) * num_n + n)


@kernel
def greatest_back(
    zero: float, g: int, x: int, y: int, found: int, starts: int, places: int,
    num_c: int, num_p: int, num_q: int, num_n: int,
) -> None:  # fmt: skip
    """Add the gradient (c, q n) of each greatest number to the first place that has it."""
    nothing = spread(zero, zero)
    for c in range(num_c):
        for q in range(num_q):
            first, end = entry_at(starts, q), entry_at(starts, q + 1)
            for n in range(0, num_n, NUM_LANES):
                row, at = c * num_p * num_n + n, (c * num_q + q) * num_n + n
                left, top = load(zero, g, at), load(zero, y, at)
                for entry in range(first, end):
                    place = row + entry_at(places, entry) * num_n
                    read = load(zero, x, place)
                    given = if_equal(read, top, left, nothing)
                    left = if_equal(read, top, nothing, left)
                    store(plus(load(zero, found, place), given), found, place)
