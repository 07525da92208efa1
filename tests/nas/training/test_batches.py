from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tasks.nas.data.raw_images import LabelledImages
from tasks.nas.training.batches import augment, blank, epoch_batches, num_steps
from tasks.nas.training.config import TrainingConfig
from tasks.nas.training.standard import Standard
from tests.support.nas.image_sets import coloured

STANDARD = Standard((0.5, 0.5, 0.5), (0.25, 0.25, 0.25))


def numbered(num: int, side: int = 5) -> np.ndarray:
    """Images in which each pixel has its own value, none of them black."""
    values = np.arange(num * side * side).reshape(num, side, side, 1) % 254 + 1
    return values.repeat(3, axis=3).astype(np.uint8)


def test_without_augmentation_images_are_gathered_as_they_are() -> None:
    pixels = numbered(4)
    config = TrainingConfig(crop_px=0, flips=False)
    got = augment(pixels, np.array([2, 0]), config, np.random.default_rng(0))
    np.testing.assert_array_equal(got, pixels[[2, 0]])


@given(seed=st.integers(0, 2**32), reach=st.integers(0, 3), flips=st.booleans())
def test_each_image_is_one_of_its_shifts_perhaps_mirrored(
    seed: int, reach: int, flips: bool
) -> None:
    pixels = numbered(3)
    config = TrainingConfig(crop_px=reach, flips=flips)
    got = augment(pixels, np.arange(3), config, np.random.default_rng(seed))
    padded = np.pad(pixels, ((0, 0), (reach, reach), (reach, reach), (0, 0)))
    for image, source in zip(got, padded, strict=True):
        places = range(2 * reach + 1)
        shifts = [source[y : y + 5, x : x + 5] for y in places for x in places]
        candidates = shifts + ([each[:, ::-1] for each in shifts] if flips else [])
        assert any(np.array_equal(image, each) for each in candidates)


def test_chance_uses_all_shifts_and_both_sides() -> None:
    pixels = numbered(1).repeat(400, axis=0)
    got = augment(pixels, np.arange(400), TrainingConfig(crop_px=1), np.random.default_rng(0))
    assert len({each.tobytes() for each in got}) == 2 * 3 * 3


def test_cutout_blanks_one_square() -> None:
    images = torch.ones(200, 3, 8, 8)
    blank(images, 3, np.random.default_rng(0))
    blanked = (images == 0).all(dim=1)
    sizes = blanked.sum(dim=(1, 2))
    assert sizes.max() == 9
    assert sizes.min() >= 4, "a square at the edge lies partly outside"
    rows, columns = blanked.any(dim=2).sum(dim=1), blanked.any(dim=1).sum(dim=1)
    assert torch.equal(rows * columns, sizes)


def test_an_epoch_sees_each_image_at_most_once() -> None:
    images = LabelledImages(numbered(10), np.arange(10))
    config = TrainingConfig(batch_size=3, crop_px=0, flips=False)
    batches = list(epoch_batches(images, STANDARD, config, np.random.default_rng(0)))
    labels = torch.cat([labels for _, labels in batches]).tolist()
    assert num_steps(10, config) == len(batches) == 3
    assert len(set(labels)) == len(labels) == 9
    first = STANDARD.tensor(images.pixels[labels[:3]])
    assert torch.equal(batches[0][0], first)


def test_few_images_make_one_small_batch() -> None:
    (batch,) = epoch_batches(coloured(5), STANDARD, TrainingConfig(), np.random.default_rng(0))
    assert len(batch[0]) == 5


def test_read_only_arrays_are_no_trouble() -> None:
    images = coloured(6)
    images.pixels.flags.writeable = False
    assert (
        len(list(epoch_batches(images, STANDARD, TrainingConfig(), np.random.default_rng(0)))) == 1
    )
    with pytest.raises(ValueError, match="read-only"):
        images.pixels[0] = 0
