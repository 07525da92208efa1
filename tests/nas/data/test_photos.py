"""A labelled set is the same in any order and at any size, and another with one photo changed."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.nas.data.photos import Photos, content_of, in_order, name_photos
from tasks.nas.data.read import read_images
from tests.support.nas.image_sets import coloured, write_image_folder, write_packed

CLASSES = ("red", "green", "blue")


def named(*numbers: int) -> Photos:
    return name_photos([np.full((2, 3, 3), number, np.uint8) for number in numbers])


def test_a_name_holds_size_and_pixels() -> None:
    wide, high = np.zeros((2, 3, 3), np.uint8), np.zeros((3, 2, 3), np.uint8)
    names = name_photos([wide, high, wide])
    assert names.shape == (3, 32)
    assert bytes(names[0]) == hashlib.sha256(b"2 3 " + bytes(18)).digest()
    assert (names[0] == names[2]).all()
    assert (names[0] != names[1]).any()


@given(st.permutations(range(6)))
@settings(max_examples=30)
def test_the_order_makes_no_other_content(order: list[int]) -> None:
    photos, labels = named(3, 0, 3, 7, 9, 1), np.array([0, 1, 2, 0, 1, 2])
    shuffled = photos[order], labels[order]
    assert content_of(*shuffled, CLASSES) == content_of(photos, labels, CLASSES)
    here, there = (in_order(*each, CLASSES) for each in ((photos, labels), shuffled))
    np.testing.assert_array_equal(photos[here], shuffled[0][there])
    np.testing.assert_array_equal(labels[here], shuffled[1][there])


def test_another_photo_label_or_number_is_another_content() -> None:
    labels = np.array([0, 1])
    contents = [
        content_of(named(3, 0), labels, CLASSES),
        content_of(named(3, 1), labels, CLASSES),
        content_of(named(3, 0), labels[::-1], CLASSES),
        content_of(named(3, 0, 0), np.array([0, 1, 1]), CLASSES),
    ]
    assert len(set(contents)) == len(contents)
    renumbered = content_of(named(3, 0), np.array([2, 1]), CLASSES[::-1])
    assert renumbered == contents[0], "classes count by their names"


def test_photos_are_known_again_at_another_size_and_in_another_form(tmp_path: Path) -> None:
    write_packed(tmp_path / "packed", "train", coloured(6))
    write_packed(tmp_path / "packed", "test", coloured(6))
    as_kept = read_images(str(tmp_path / "packed"), "cifar10", 0).test
    resized = read_images(str(tmp_path / "packed"), "cifar10", 5).test
    assert as_kept.pixels.shape != resized.pixels.shape
    for split in ("train", "test"):
        write_image_folder(tmp_path / "folder", split, as_kept)
    in_folders = read_images(str(tmp_path / "folder"), "cifar10", 4).test
    contents = {
        content_of(each.photos, each.labels, names)  # type: ignore[arg-type]
        for each, names in (
            (as_kept, CLASSES),
            (resized, CLASSES),
            (in_folders, tuple(sorted(CLASSES))),
        )
    }
    assert len(contents) == 1
