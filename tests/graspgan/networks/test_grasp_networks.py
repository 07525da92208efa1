from __future__ import annotations

import pytest
import torch

from tasks.graspgan.networks.grasp_networks import (
    CropNetwork,
    PictureNetwork,
    cells_of,
    standardised,
)
from tasks.graspgan.samples.crops import mirrored
from tasks.grasping.types import SemanticClass


def test_standardised_pictures_have_no_brightness_and_no_contrast_of_their_own() -> None:
    pictures = torch.rand(3, 6, 8, 8)
    found = standardised(0.2 * pictures - 0.5)
    assert found.mean(dim=(2, 3)).abs().max() < 1e-5
    torch.testing.assert_close(found, standardised(pictures), atol=0.05, rtol=0.05)
    assert standardised(torch.full((1, 3, 4, 4), 0.5)).abs().max() == 0, "a plain one stays plain"


def test_a_plain_picture_does_not_outweigh_a_batch() -> None:
    torch.manual_seed(0)
    pictures = 0.3 * torch.randn(2, 3, 16, 16)
    pictures[0] = 0.2 + 0.5 / 127.5 * torch.randn(3, 16, 16)  # half a grey value of 255
    pictures.requires_grad_()
    found = standardised(pictures)
    assert found[0].std() < 0.2
    assert found[1].std().item() == pytest.approx(1, abs=0.05)
    found.backward(torch.randn_like(found))
    plain, other = pictures.grad.flatten(1).norm(dim=1)
    assert plain < 15 * other


@pytest.mark.parametrize("num_pictures", [1, 2])
def test_c_looks_at_pictures_and_motion(num_pictures: int) -> None:
    torch.manual_seed(0)
    network = CropNetwork(num_pictures, 4, standardises=True).eval()
    pictures, motion = torch.rand(2, 3 * num_pictures, 32, 32), torch.rand(2, 4)
    logits = network(pictures, motion)
    assert logits.shape == (2,)
    assert network.features(pictures, motion).shape == (2, network.num_features)
    assert not torch.equal(network(pictures.flip(0), motion), logits)
    assert not torch.equal(network(pictures, motion.flip(0)), logits)


def test_a_mirrored_grasp_is_judged_as_the_grasp_is() -> None:
    torch.manual_seed(0)
    network = CropNetwork(1, 4, standardises=True).eval()
    pictures, motion = torch.rand(2, 3, 32, 32), torch.rand(2, 4)
    turned = mirrored(pictures, motion, torch.tensor([True, False]), torch.tensor([True, True]))
    torch.testing.assert_close(network(*turned), network(pictures, motion))
    assert not torch.allclose(network.features(*turned), network.features(pictures, motion))


def test_cells_tell_how_much_objects_cover_and_how_high_they_lie() -> None:
    classes = torch.ones(1, 8, 8, dtype=torch.int64)
    classes[0, :2, 4:] = SemanticClass.OBJECT
    height_m = torch.zeros(1, 8, 8)
    height_m[0, 4:, :4] = 0.06
    covered, height = cells_of(classes, height_m)[0]
    torch.testing.assert_close(covered, torch.tensor([[0, 0.5], [0, 0]]))
    torch.testing.assert_close(height, torch.tensor([[0.0, 0], [2, 0]]))
    network = CropNetwork(1, 4, standardises=True, side_px=16)
    assert network.seen_in(torch.rand(3, 3, 16, 16), torch.rand(3, 4))[1].shape == (3, 2, 4, 4)


@pytest.mark.parametrize("side_px", [64, 100])
def test_the_papers_network_takes_whole_pictures(side_px: int) -> None:
    network = PictureNetwork(
        2, 5, standardises=False, side_px=side_px, width=8, depths=(1, 1, 1)
    ).eval()
    pictures, command = torch.rand(3, 6, side_px, side_px), torch.rand(3, 5)
    logits = network(pictures, command)
    assert logits.shape == (3,)
    assert not torch.equal(network(pictures, command.flip(0)), logits)
