from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
import torch

from tasks.core.errors import ConfigError
from tasks.learning import parallel
from tasks.learning.loop import Course, run
from tests.support.learning.line import Folder, Line

COURSE = Course(num_steps=9, points=(3, 6, 9), seed=1)
KILLED_AT = 7


def train_share(rank: int, folder: Path) -> dict[str, object]:
    """Train as one of two processes: cut off, gone on with, and without a break."""
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{folder / 'meeting'}", rank=rank, world_size=2
    )

    def cut(index: int) -> None:
        if index == KILLED_AT:
            raise KeyboardInterrupt

    def values(_: int) -> dict[str, float]:
        torch.rand(1)  # the first one's generator goes its own way
        return {"rank": float(rank)}

    whole, resumed, exact = Line(values=values), Line(values=values), Line(dropout=0.0)
    curve = run(whole, COURSE)
    try:
        run(Line(before_step=cut, values=values), COURSE, keeper=Folder(folder))
    except KeyboardInterrupt:
        torch.distributed.barrier()
    run(resumed, COURSE, keeper=Folder(folder))
    run(exact, COURSE)
    found = {
        "place": (parallel.rank(), parallel.num_processes(), parallel.share(8)),
        "gathered": parallel.of_all(rank),
        "losses": [point.losses["loss"] for point in curve],
        "ranks": [point.values["rank"] for point in curve],
        "whole": whole.weights().numpy(),
        "resumed": resumed.weights().numpy(),
        "exact": exact.weights().numpy(),
    }
    torch.distributed.destroy_process_group()
    return found


def test_two_processes_train_one_network_and_go_on_to_the_same(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        first, second = pool.map(train_share, range(2), [tmp_path] * 2)
    assert first["place"] == (0, 2, slice(0, 4))
    assert second["place"] == (1, 2, slice(4, 8))
    assert first["gathered"] == second["gathered"] == [0, 1]
    assert first["losses"] == second["losses"], "means over both"
    assert first["ranks"] == second["ranks"] == [0.0] * 3, "the first one reports"
    for name in ("whole", "resumed"):
        assert (first[name] == second[name]).all()
    assert (first["whole"] == first["resumed"]).all(), "dropout of both is where it was"
    alone = Line(dropout=0.0)
    run(alone, COURSE)
    torch.testing.assert_close(torch.from_numpy(first["exact"]), alone.weights())


def test_alone_everything_is_ones_own() -> None:
    assert (parallel.rank(), parallel.num_processes(), parallel.share(7)) == (0, 1, slice(0, 7))
    assert parallel.of_the_first("a") == "a"
    assert parallel.of_all("a") == ["a"]


def test_a_batch_that_cannot_be_shared_evenly_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "num_processes", lambda: 2)
    with pytest.raises(ConfigError, match="a batch of 7 can't be shared evenly by 2 processes"):
        parallel.share(7)
