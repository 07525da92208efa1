from __future__ import annotations

import numpy as np
import pytest

from tasks.core.errors import ConfigError
from tasks.grasping.looks.structured import LEAST_PART, parts_of, structured_textures
from tasks.grasping.looks.textures import (
    MAX_TEXTURES,
    SIDE_PX,
    Textures,
    generated_textures,
    half_of,
    read_textures,
)
from tests.support.real_data import real_data


def photographs(count: int) -> Textures:
    """Grey pictures of little contrast."""
    rng = np.random.default_rng(1)
    grey = rng.integers(90, 110, (count, SIDE_PX, SIDE_PX, 1), np.uint8)
    return Textures(grey.repeat(3, axis=-1))


@pytest.mark.parametrize("count", [7, 2 * LEAST_PART + 5])
def test_halves_and_kinds_are_told_by_number(count: int):
    given = photographs(count)
    textures = structured_textures(given)
    num_each = max(LEAST_PART, (count + 1) // 2)
    assert textures.num == 4 * num_each
    for which in ("randomise", "surrogate"):
        kinds = parts_of(textures.num, which)
        assert [*kinds[0], *kinds[1]] == [*half_of(textures.num, which)]
        assert len(kinds[0]) == len(kinds[1]) == num_each
        for index in kinds[0]:
            colours = textures.images[index].astype(int) @ (1, 256, 256**2)
            assert len(np.unique(colours)) == 3
    shown = {textures.images[k].tobytes() for k in parts_of(textures.num, "randomise")[1]}
    assert shown == {given.images[k].tobytes() for k in given.half("randomise")}, "as they were"


def test_photographs_of_the_target_have_one_contrast_and_those_of_its_half_alone():
    given = photographs(8)
    textures = structured_textures(given)
    stretched = textures.images[parts_of(textures.num, "surrogate")[1]].astype(float)
    np.testing.assert_allclose(stretched.mean(-1).std((1, 2)), 62, rtol=0.02)
    np.testing.assert_allclose(stretched.mean((1, 2, 3)), 127, atol=3)
    for number, index in enumerate(given.half("surrogate")):
        grey = given.images[index].mean(-1).ravel()
        assert np.corrcoef(grey, stretched[number].mean(-1).ravel())[0, 1] > 0.95


def test_a_plain_picture_has_no_contrast_to_stretch():
    textures = structured_textures(Textures(np.full((2, SIDE_PX, SIDE_PX, 3), 90, np.uint8)))
    assert np.ptp(textures.images[-1]) == 0


def test_the_seed_decides_all_and_no_two_blobs_are_alike():
    first, again, other = structured_textures(), structured_textures(), structured_textures(seed=1)
    np.testing.assert_array_equal(first.images, again.images)
    assert (first.images != other.images).any((1, 2, 3)).all()
    assert len({image.tobytes() for image in first.images}) == first.num


@pytest.mark.parametrize("count", [0, 1, MAX_TEXTURES // 2 + 1])
def test_too_few_and_too_many_are_refused(count: int):
    empty = np.broadcast_to(np.zeros((), np.uint8), (count, SIDE_PX, SIDE_PX, 3))
    with pytest.raises(ConfigError, match=rf"randomise\.textures: expected 2 to .* got {count}"):
        structured_textures(Textures(empty))


def test_what_was_skipped_is_still_said():
    given = generated_textures(np.random.default_rng(0), 2)
    said = Textures(given.images, skipped=("a reason",))
    assert structured_textures(said).skipped == said.skipped


def test_photographs_of_real_materials_serve():
    textures = structured_textures(read_textures(real_data("textures_cc0")))
    stretched = textures.images[parts_of(textures.num, "surrogate")[1]].mean(-1)
    assert 45 < np.median(stretched.std((1, 2))) < 65, "a little is cut off at black and white"
