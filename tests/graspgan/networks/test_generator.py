from __future__ import annotations

import torch

from tasks.graspgan.networks.generator import Generator


def test_it_begins_with_the_pictures_as_they_are() -> None:
    torch.manual_seed(0)
    generator = Generator(2, 5, 3)
    pictures = 1.8 * torch.rand(4, 6, 32, 32) - 0.9
    adapted, maps = generator(pictures, torch.tensor([0, 1, 2, 0]), generator.noise(pictures))
    torch.testing.assert_close(adapted, pictures, atol=1e-5, rtol=0)
    assert maps.shape == (4, 10, 32, 32)


def test_station_and_noise_decide_what_comes_out() -> None:
    torch.manual_seed(0)
    generator = Generator(1, 5, 2)
    torch.nn.init.normal_(generator.last.weight, std=0.1)
    pictures = torch.rand(1, 3, 16, 16)
    noise = generator.noise(pictures)
    first, _ = generator(pictures, torch.tensor([0]), noise)
    assert not torch.equal(first, generator(pictures, torch.tensor([1]), noise)[0])
    assert not torch.equal(first, generator(pictures, torch.tensor([0]), 2 * noise)[0])
    assert first.abs().max() <= 1
