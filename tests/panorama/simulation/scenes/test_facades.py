"""A front holds its windows, ledges and sign, and paints them."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.panorama.simulation.paint.textures import Canvas
from tasks.panorama.simulation.scenes.facades import paint_facade
from tasks.panorama.simulation.scenes.workshop import Workshop

WIDTH_M, HEIGHT_M = 10.0, 12.0


def _canvas(seed: int = 3) -> Canvas:
    return Workshop(np.random.default_rng(seed), 120.0, 2.0).canvas(WIDTH_M, HEIGHT_M, 6.0)


@pytest.mark.parametrize("seed", range(4))
def test_windows_stand_in_rows_inside_the_front(seed):
    facade = paint_facade(_canvas(seed))
    for left, top, width, height in facade.windows:
        assert 0.0 < left < left + width < WIDTH_M
        assert 0.0 < top < top + height < HEIGHT_M - 3.6, "above the shop"
    rows = {top for _, top, _, _ in facade.windows}
    assert len(facade.ledges) == len(rows) + 1, "a ledge over each storey, and below the lowest"
    assert len(facade.windows) % len(rows) == 0


def test_the_sign_hangs_over_the_shop():
    left, top, width, height = paint_facade(_canvas()).sign
    assert (left, left + width) == pytest.approx((0.5, WIDTH_M - 0.5))
    assert HEIGHT_M - 3.6 < top < top + height < HEIGHT_M - 2.6, "over the display's 2.6 m"


def test_without_a_shop_the_windows_go_down_to_the_ground():
    with_shop, without = (paint_facade(_canvas(), has_shop=flag) for flag in (True, False))
    assert max(top for _, top, _, _ in without.windows) > HEIGHT_M - 3.6
    assert len(without.windows) > len(with_shop.windows)


def test_the_front_is_painted_where_its_windows_are():
    canvas = _canvas()
    facade = paint_facade(canvas)
    assert facade.picture.shape[1] / facade.picture.shape[0] == pytest.approx(10 / 12, rel=0.02)
    assert facade.picture.min() >= 3.0
    assert facade.picture.max() <= 228.0
    px_per_m = facade.picture.shape[1] / WIDTH_M
    left, top, width, height = facade.windows[0]
    rows = slice(round(top * px_per_m), round((top + height) * px_per_m))
    columns = slice(round(left * px_per_m), round((left + width) * px_per_m))
    beside = slice(0, round((left - 0.2) * px_per_m))
    assert facade.picture[rows, columns].std() > 2 * facade.picture[rows, beside].std()


def test_the_same_draws_give_the_same_front():
    np.testing.assert_array_equal(paint_facade(_canvas()).picture, paint_facade(_canvas()).picture)
    assert paint_facade(_canvas(4)).windows != paint_facade(_canvas()).windows
