"""Networks begin from their seed or from weights, and are laid out without changing them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from tasks.core.records import FileRef
from tasks.nas.manifests import TrainTask
from tasks.nas.models.baselines import BaselineNetwork
from tasks.nas.models.network import CellNetwork
from tasks.nas.models.sizes import BaselineSize, NetworkSize
from tasks.nas.space.published import published
from tasks.nas.training.candidates import Target, train_task
from tasks.nas.training.config import TrainingConfig
from tasks.nas.training.groups import FROM_CIFAR
from tasks.nas.training.networks import (
    begin,
    build,
    design_of,
    lay_out,
    plain_state,
    seed_of,
    seeded,
    torch_device,
)
from tests.support.nas.item_folders import LocalFolder

TASK = train_task(
    "resnet-s0", "resnet", None, Target(8, 300_000, 3), TrainingConfig(), group=FROM_CIFAR
)
SMALL = NetworkSize(1, 4, num_classes=3, image_px=8)


def test_a_design_is_cells_with_their_size_or_a_hand_made_network() -> None:
    genotype, size = design_of(TASK)
    assert genotype is None
    assert isinstance(size, BaselineSize)
    assert isinstance(build(genotype, size), BaselineNetwork)
    assert isinstance(build(published("nasnet_a"), SMALL), CellNetwork)
    with pytest.raises(TypeError, match="needs a genotype"):
        build(None, SMALL)


def test_the_seed_alone_decides_drawn_weights() -> None:
    def weights(seed: int) -> torch.Tensor:
        torch.rand(seed + 3)  # the global generator stands elsewhere each time
        network = seeded(lambda: build(published("nasnet_a"), SMALL), seed)
        return torch.cat([each.detach().flatten() for each in network.parameters()])

    torch.manual_seed(5)
    expected = torch.rand(2)
    torch.manual_seed(5)
    seeded(lambda: nn.Linear(2, 2), 1)
    assert torch.equal(torch.rand(2), expected)
    assert torch.equal(weights(1), weights(1))
    assert not torch.equal(weights(1), weights(2))


def test_items_of_other_names_or_seeds_draw_otherwise() -> None:
    other = TASK.model_copy(update={"item_id": "resnet-s1"})
    again = TASK.model_copy(update={"seed": 1})
    seeds = {seed_of(each) for each in (TASK, other, again)}
    assert len(seeds) == 3
    assert all(0 <= seed < 2**63 for seed in seeds)


def from_weights(classes: int) -> TrainTask:
    """The training begun from the file ``before.pt``, with other classes."""
    file = FileRef(uri="before.pt", sha256="0" * 64, num_bytes=1)
    return TASK.model_copy(update={"initial": file, "spec": TASK.spec | {"num_classes": classes}})


def test_weights_are_taken_over_and_the_classifier_is_not(tmp_path: Path) -> None:
    before = seeded(lambda: begin(TASK, LocalFolder(tmp_path)), 1)  # type: ignore[arg-type]
    torch.save(plain_state(before), tmp_path / "before.pt")
    item = from_weights(classes=5)
    after = seeded(lambda: begin(item, LocalFolder(tmp_path)), 2)  # type: ignore[arg-type]
    drawn = seeded(lambda: begin(item.model_copy(update={"initial": None}), None), 2)  # type: ignore[arg-type]
    found, old, fresh = after.state_dict(), before.state_dict(), drawn.state_dict()
    for name, value in found.items():
        from_where = fresh if name.startswith("classifier.") else old
        assert torch.equal(value, from_where[name]), name
    assert found["classifier.weight"].shape[0] == 5


@pytest.mark.parametrize("kind", ["nasnet_a", "resnet"])
def test_a_layout_changes_no_result_and_is_left_out_of_kept_weights(kind: str) -> None:
    size = SMALL if kind == "nasnet_a" else BaselineSize(kind, 4, 1, 3, image_px=8)
    genotype = published(kind) if kind == "nasnet_a" else None
    plain, other = (seeded(lambda: build(genotype, size), 0).eval() for _ in range(2))
    before = plain_state(plain)
    fast = lay_out(other, "cpu")
    images = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(fast(images), plain(images), rtol=1e-4, atol=1e-5)
    for name, value in plain_state(fast).items():
        assert value.is_contiguous()
        assert torch.equal(value, before[name])


def test_devices_have_torchs_names() -> None:
    assert (torch_device("cpu"), torch_device("gpu")) == ("cpu", "cuda")
