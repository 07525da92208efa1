from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tasks.core.errors import DataError
from tasks.graspgan.samples.checking import checked_samples
from tests.support.graspgan import user_folders
from tests.support.graspgan.user_folders import Row, change, write_set


def test_samples_come_as_they_are_kept(tmp_path: Path) -> None:
    found = [*checked_samples(write_set(tmp_path), ("masks",))]
    assert [sample["success"].item() for sample in found] == [1, 0, 1, 0]
    assert found[0]["before_class_mask"].shape == (48, 48)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (user_folders.small_picture, "expected square pictures of one size, 48 px, got 24 x 24"),
        (user_folders.small_mask, "expected a class_mask of the picture's 48 px, got 24 x 24"),
        (user_folders.strange_mask, "0 background, 1 tray, 2 object, 3 arm, 4 gripper, got 9"),
        (user_folders.no_mask, "expected class_mask with each picture, found none: collect again"),
        (user_folders.no_picture, "expected a PNG picture, got 10 bytes that are none"),
    ],
)
def test_what_is_wrong_is_said_with_shard_and_attempt(
    spoil: Callable[[Row], Row], said: str, tmp_path: Path
) -> None:
    path = write_set(tmp_path)
    change(path, spoil, only=2)
    read = checked_samples(path, ("masks",))
    assert len([next(read), next(read)]) == 2, "what comes before is handed on"
    with pytest.raises(DataError) as caught:
        next(read)
    assert said in str(caught.value)
    assert str(caught.value).startswith(f"{path}, attempt surrogate/")
