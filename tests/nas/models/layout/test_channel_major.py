"""The channel-major way of running a network computes what the plain one does."""

from __future__ import annotations

import copy
import io
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, Phase, given, settings
from torch.nn.functional import cross_entropy

from tasks.nas.models.layout.channel_major import to_channel_major, to_plain
from tasks.nas.models.layout.pools import _shares
from tasks.nas.models.layout.windows import table
from tasks.nas.models.network import CellNetwork
from tasks.nas.models.sizes import NetworkSize
from tasks.nas.space.published import published
from tasks.nas.space.random_cells import random_genotype
from tasks.nas.types import Combiner, Genotype, Operation
from tests.support.nas.genotypes import genotypes

SMALL = NetworkSize(num_cells=1, num_filters=4, image_px=8)
NASNET_A = published("nasnet_a")
MIXED = random_genotype(np.random.default_rng(3), combiners=tuple(Combiner))
SETTINGS = settings(
    deadline=None,
    max_examples=12,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)


def pair_of(genotype: Genotype, size: NetworkSize = SMALL) -> tuple[CellNetwork, CellNetwork]:
    """A plain network and an equal one that runs channel by channel, in double precision."""
    torch.manual_seed(0)
    plain = CellNetwork(genotype, size).double()
    torch.manual_seed(0)
    fast = CellNetwork(genotype, size).double()
    to_channel_major(fast)
    return plain, fast


def images_of(size: NetworkSize, num_images: int = 4) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    shape = (num_images, 3, size.image_px, size.image_px)
    return torch.randn(shape, dtype=torch.float64, generator=generator)


def assert_same_gradients(plain: CellNetwork, fast: CellNetwork) -> None:
    for (name, one), other in zip(plain.named_parameters(), fast.parameters(), strict=True):
        assert (one.grad is None) == (other.grad is None), name
        if one.grad is not None:
            torch.testing.assert_close(one.grad, other.grad, msg=partial("{}: {}".format, name))


def assert_same_state(plain: CellNetwork, fast: CellNetwork) -> None:
    one, other = plain.state_dict(), fast.state_dict()
    assert list(one) == list(other)
    for name in one:
        torch.testing.assert_close(one[name], other[name], msg=partial("{}: {}".format, name))


def check(genotype: Genotype, size: NetworkSize = SMALL, num_images: int = 4) -> None:
    """One step back and forth, state, and evaluation."""
    plain, fast = pair_of(genotype, size)
    images, labels = images_of(size, num_images), torch.arange(num_images) % size.num_classes
    with only_channel_major(fast):
        one, other = plain(images), fast(images)
        torch.testing.assert_close(one, other)
        cross_entropy(one, labels).backward()
        cross_entropy(other, labels).backward()
    assert_same_gradients(plain, fast)
    assert_same_state(plain, fast)
    with torch.no_grad(), only_channel_major(fast):
        torch.testing.assert_close(plain.eval()(images), fast.eval()(images))


@contextmanager
def only_channel_major(network: CellNetwork) -> Iterator[None]:
    """Fail if cells run the plain way."""

    def forbid(*_: object) -> None:
        raise AssertionError("a cell ran the plain way")

    hooks = [cell.register_forward_pre_hook(forbid) for cell in network.cells]
    yield
    for hook in hooks:
        hook.remove()


@SETTINGS
@given(genotypes(operations=tuple(Operation)))
def test_any_genotype_gives_the_same_results_and_gradients(genotype) -> None:
    check(genotype)


@pytest.mark.parametrize("image_px", [1, 5, 7, 9, 12, 18])
@pytest.mark.parametrize("genotype", [NASNET_A, MIXED], ids=["nasnet_a", "mixed"])
def test_odd_and_large_maps(image_px, genotype) -> None:
    check(genotype, NetworkSize(num_cells=1, num_filters=4, image_px=image_px))


@pytest.mark.parametrize("num_images", [16, 70, 128])
def test_any_number_of_images(num_images) -> None:
    check(MIXED, num_images=num_images)


@pytest.mark.parametrize("name", ["nasnet_a", "amoebanet_a"])
def test_published_cells_two_deep(name) -> None:
    check(published(name), NetworkSize(num_cells=2, num_filters=5, image_px=8))


def test_imagenet_stem_and_skipped_reduction_input() -> None:
    size = NetworkSize(1, 8, 7, stem="imagenet", image_px=33, skip_reduction_input=True)
    check(NASNET_A, size)


def test_auxiliary_head_and_dropped_paths_draw_the_same() -> None:
    size = NetworkSize(1, 4, image_px=16, has_auxiliary=True, drop_path_rate=0.4)
    plain, fast = pair_of(NASNET_A, size)
    losses = []
    for network in (plain, fast):
        network.schedule_drop_path(0.8)
        torch.manual_seed(5)
        logits, auxiliary = network.forward_with_auxiliary(images_of(size))
        losses.append(logits.square().mean() + auxiliary.square().mean())
        losses[-1].backward()
    torch.testing.assert_close(*losses)
    assert_same_gradients(plain, fast)


def test_training_goes_the_same_way() -> None:
    plain, fast = pair_of(MIXED)
    plain, fast = plain.float(), fast.float()
    images, labels = images_of(SMALL, 16).float(), torch.arange(16) % 10
    losses = []
    for network in (plain, fast):
        optimizer = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9, nesterov=True)
        for _ in range(4):
            loss = cross_entropy(network(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    assert losses[3] < losses[0]
    assert losses[4:] == pytest.approx(losses[:4], rel=1e-3)


def test_a_map_read_by_gradients_more_than_once_is_not_spoilt() -> None:
    plain, fast = pair_of(MIXED)
    for network in (plain, fast):
        *_, middle, last = network.stages(images_of(SMALL))
        (network.classify(last).square().sum() + middle.square().sum() + middle.sum()).backward()
    assert_same_gradients(plain, fast)


def test_copies_and_pickles_run_channel_by_channel_with_their_own_weights() -> None:
    plain, fast = pair_of(NASNET_A)
    images = images_of(SMALL)
    stored = io.BytesIO()
    torch.save(fast, stored)
    stored.seek(0)
    for other in (copy.deepcopy(fast), torch.load(stored, weights_only=False)):
        with torch.no_grad():
            for weights in other.parameters():
                weights.mul_(1.1)
            with only_channel_major(other):
                result = other(images)
        assert not torch.allclose(result, fast(images).detach())
        to_plain(other)
        other.load_state_dict(plain.state_dict())
        torch.testing.assert_close(other(images), plain(images))


def test_weights_in_channels_last_are_taken() -> None:
    plain, fast = pair_of(MIXED)
    fast = fast.to(memory_format=torch.channels_last)
    images = images_of(SMALL).contiguous(memory_format=torch.channels_last)
    one, other = plain(images), fast(images)
    torch.testing.assert_close(one, other)
    one.sum().backward()
    other.sum().backward()
    assert_same_gradients(plain, fast)


def test_what_the_program_is_not_made_for_runs_the_plain_way() -> None:
    plain, fast = pair_of(NASNET_A)
    images = images_of(SMALL).requires_grad_()
    (of_plain,) = torch.autograd.grad(plain(images).square().sum(), images)
    (of_fast,) = torch.autograd.grad(fast(images).square().sum(), images)
    torch.testing.assert_close(of_plain, of_fast)
    plain.eval()(images_of(SMALL)).square().sum().backward()
    fast.eval()(images_of(SMALL)).square().sum().backward()
    assert_same_gradients(plain, fast)
    half = fast.eval().bfloat16()(images_of(SMALL).bfloat16())
    torch.testing.assert_close(half, plain.eval().bfloat16()(images_of(SMALL).bfloat16()))
    assert fast.to("meta")(images_of(SMALL).to("meta")).shape == (4, 10)


def test_stages_of_a_network_whose_classifier_is_dropped() -> None:
    plain, fast = pair_of(MIXED)
    plain.classifier = fast.classifier = torch.nn.Identity()
    with only_channel_major(fast):
        found = fast.stages(images_of(SMALL))
    torch.testing.assert_close(found, plain.stages(images_of(SMALL)))


def test_a_converted_network_can_be_exported() -> None:
    _, fast = pair_of(NASNET_A)
    images = images_of(SMALL)
    fast.eval()
    exported = torch.export.export(fast, (images,)).module()
    with torch.no_grad():
        torch.testing.assert_close(exported(images), fast(images))


def test_going_back_twice_is_refused_as_torch_does() -> None:
    _, fast = pair_of(NASNET_A)
    loss = fast(images_of(SMALL)).sum()
    loss.backward(retain_graph=True)
    with pytest.raises(RuntimeError, match="ran before"):
        loss.backward()


def test_a_single_value_a_channel_is_refused_as_torch_does() -> None:
    _, fast = pair_of(NASNET_A)
    with pytest.raises(ValueError, match="more than one value"):
        fast(torch.randn(1, 3, 1, 1, dtype=torch.float64))


def test_training_goes_on_after_inference() -> None:
    _shares.cache_clear()
    table.cache_clear()
    plain, fast = pair_of(NASNET_A)
    with torch.inference_mode():
        fast.eval()(images_of(SMALL))
    fast.train()
    for network in (plain, fast):
        network(images_of(SMALL)).square().sum().backward()
    assert_same_gradients(plain, fast)


def test_each_size_of_images_has_its_program() -> None:
    plain, fast = pair_of(NASNET_A)
    for image_px in (8, 6, 8):
        images = images_of(NetworkSize(1, 4, image_px=image_px))
        torch.testing.assert_close(plain(images), fast(images))
