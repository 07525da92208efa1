"""A plain loop is the same training as ours."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from benchmarks.graspgan import plain_loops, trainings
from benchmarks.graspgan.plain_loops import PLAIN, Drawn, Samples
from tasks.graspgan.networks import grasp_networks
from tasks.graspgan.networks.generator import Generator
from tasks.graspgan.samples.pools import Batch, Pool, draw
from tasks.graspgan.trainings import adapting, predicting


@pytest.mark.parametrize("careful", [False, True])
def test_a_plain_loop_learns_the_samples_that_it_draws(
    careful: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plain_loops, "NUM_SAMPLES", 8)
    losses, bce = [], plain_loops.bce
    monkeypatch.setattr(plain_loops, "bce", lambda *given: losses.append(bce(*given)) or losses[-1])
    plain_loops.plain_c(careful=careful)(8)
    assert losses[-1] < 0.7 * losses[0]


@pytest.mark.parametrize("careful", [False, True])
def test_all_networks_of_graspgan_move(careful: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    found = plain_loops.networks()
    monkeypatch.setattr(plain_loops, "networks", lambda: found)
    trained = (found.generator, found.discriminators, found.predictor)
    # The last ones: before them a generator that begins as the identity learns nothing at once.
    before = [[*each.parameters()][-1].clone() for each in trained]
    plain_loops.plain_graspgan(careful=careful)(1)
    for network, weights in zip(trained, before, strict=True):
        assert not torch.equal([*network.parameters()][-1], weights)


@pytest.fixture
def same_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both loops draw the same samples and no other chance."""
    for module in (plain_loops, trainings):
        monkeypatch.setattr(module, "NUM_SAMPLES", 8)
    monkeypatch.setattr(grasp_networks, "_DROPPED", 0.0)
    monkeypatch.setattr(Generator, "noise", lambda self, p: torch.zeros(self.noise_shape(p)))
    pools = {True: trainings.pool(0), False: trainings.pool(1, 1).without_labels}

    def batches(has_labels: bool) -> Iterator[Batch]:
        rng = np.random.default_rng(0)
        while True:
            yield draw(pools[has_labels], 16, rng)

    ours, plain = ({each: batches(each) for each in (True, False)} for _ in range(2))
    monkeypatch.setattr(predicting, "draw_evenly", lambda *_: next(ours[True]))

    def drawn(pool: Pool, *_: object) -> Batch:
        return next(ours[pool.success is not None])

    def labelled(self: Samples, size: int, *, with_heights: bool) -> Drawn:
        found = next(plain[True])
        return Drawn(
            found.pictures.contiguous(memory_format=self.memory_format),
            found.motion,
            found.success,
            found.classes[:, 0],
            found.heights_m if with_heights else None,
        )

    def unlabelled(self: Samples, size: int) -> tuple[torch.Tensor, torch.Tensor]:
        found = next(plain[False])
        return found.pictures.contiguous(memory_format=self.memory_format), found.station

    monkeypatch.setattr(adapting, "draw", drawn)
    monkeypatch.setattr(Samples, "draw", labelled)
    monkeypatch.setattr(Samples, "draw_pictures", unlabelled)


@pytest.mark.usefixtures("same_draws")
@pytest.mark.parametrize("careful", [False, True])
@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("c", ("loss", "cell_loss")),
        (
            "generator",
            (
                *("discriminator_loss", "adversarial_loss", "task_loss", "map_loss"),
                *("pairwise_loss", "feature_loss"),
            ),
        ),
    ],
)
def test_both_take_the_same_steps(name: str, told: tuple[str, ...], careful: bool) -> None:
    (point,) = trainings.OURS[name]()(3, None)
    assert {*point.losses} - {"task_loss_raw", "task_loss_adapted"} == {*told}
    assert PLAIN[name](careful=careful)(3) == pytest.approx(
        sum(point.losses[each] for each in told), abs=1e-5
    )


def test_samples_are_mirrored_with_what_goes_with_them() -> None:
    samples = Samples(1, torch.contiguous_format)
    samples.pictures[:] = samples.classes[:, None].byte()
    samples.heights_m[:] = samples.classes.half()
    drawn = samples.draw(16, with_heights=True)
    torch.testing.assert_close((drawn.pictures[:, 0] + 1) * 127.5, drawn.classes.float())
    assert torch.equal(drawn.heights_m, drawn.classes.float())
    assert not samples.draw_pictures(4)[0].isnan().any()
