from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from tasks.graspgan.samples.pools import draw, grey, in_order
from tests.support.graspgan.toy_pools import toy_pool


def test_a_batch_is_drawn_in_any_look_with_all_that_belongs_to_it() -> None:
    pool = toy_pool(40, num_variants=3)
    pool = replace(pool, heights_m=pool.classes[..., 0].astype(np.float16))
    batch = draw(pool, 64, np.random.default_rng(0))
    assert batch.pictures.shape == (64, 3, 16, 16)
    assert batch.success is not None
    assert batch.classes is not None
    assert batch.classes.shape == (64, 1, 16, 16)
    shown = (batch.classes == 2).any(dim=3).any(dim=2)[:, 0]
    assert torch.equal(shown, batch.success > 0), "masks are mirrored with their pictures"
    assert torch.equal(batch.heights_m, batch.classes[:, 0].float())
    taken = draw(pool.taken(np.array([1])), 2, np.random.default_rng(0))
    assert taken.heights_m.shape == (2, 16, 16)


def test_whole_pictures_are_not_mirrored() -> None:
    pool = replace(toy_pool(1), mirrors=False)
    for given in (pool, pool.without_labels, pool.taken(np.array([0]))):
        batch = draw(given, 16, np.random.default_rng(0))
        assert torch.equal(batch.pictures, grey(pool.pictures[0]).expand(16, -1, -1, -1))
        assert torch.equal(batch.motion, torch.from_numpy(pool.motion).expand(16, -1))


def test_who_has_pictures_alone_knows_nothing_else() -> None:
    pool = replace(toy_pool(8), heights_m=np.zeros((8, 16, 16), np.float16)).without_labels
    assert pool.success is None
    assert pool.heights_m is None
    assert pool.classes is None
    batch = draw(pool, 4, np.random.default_rng(0))
    assert batch.success is None
    assert batch.classes is None


def test_each_look_says_like_which_station_it_is_painted() -> None:
    pool = toy_pool(12, num_variants=2)
    bright = [np.full_like(each, 250 * k) for k, each in enumerate(pool.pictures)]
    stations = np.zeros(12, np.int64), np.ones(12, np.int64)
    pool = replace(pool, pictures=tuple(bright), painted=stations)
    batch = draw(pool.taken(np.arange(6)), 32, np.random.default_rng(0))
    assert batch.painted is not None
    assert torch.equal(batch.painted, (batch.pictures.mean(dim=(1, 2, 3)) > 0).long())
    (second,) = in_order(pool, 12, variant=1)
    assert second.painted is not None
    assert second.painted.tolist() == [1] * 12
    assert pool.without_labels.painted is None


def test_all_samples_come_in_order() -> None:
    pool = toy_pool(10)
    found = torch.cat([batch.pictures for batch in in_order(pool, 4)])
    assert torch.equal(found, grey(pool.pictures[0]))
    assert found.min() >= -1
    assert found.max() <= 1
