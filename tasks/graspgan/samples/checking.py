"""Whether the pictures of attempts are what the rest of the pipeline takes them for.

The columns of a shard may be right where what they hold is not: that is found here, and said with
shard and attempt.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from tasks.core.errors import DataError
from tasks.grasping.readers.dataset import SampleReader
from tasks.grasping.readers.samples import Extra, Sample
from tasks.grasping.types import SemanticClass

SIZE: Final = "plan.world.camera.size_px"
"""The setting of `collect_grasps`, for messages."""
_MAPS: Final = ("class_mask", "instance_mask", "depth", "parts", "shading")
_CLASSES: Final = ", ".join(f"{each.value} {each.name.lower()}" for each in SemanticClass)


def checked_samples(shard: Path, also: Sequence[Extra]) -> Iterator[Sample]:
    """Read the samples of a shard, in order, each looked at before it is handed on.

    Args:
        shard: Rows of version `tasks.grasping.data.schema.SCHEMA_ID`.
        also: What samples hold, see `tasks.grasping.readers.samples.EXTRAS`.

    Raises:
        ArtifactError: The shard can't be read.
        DataError: A picture or a map of it is missing, of another size, or shows what no class
            stands for.
    """
    reader = SampleReader([shard], also=also)
    attempt_ids, size_px = reader.values("attempt_id"), 0
    for index in range(len(reader)):
        try:
            sample = reader[index]
            size_px = size_px or len(sample["before"])
            _check(sample, size_px)
        except DataError as error:
            raise DataError(f"{shard}, attempt {attempt_ids[index]}: {error}") from error
        yield sample


def _check(sample: Sample, size_px: int) -> None:
    """Compare pictures with the size of the shard's first one, and maps with their pictures."""
    for picture in ("before", "now"):
        height_px, width_px = seen = sample[picture].shape[:2]
        if seen != (size_px, size_px):
            raise DataError(
                f"expected square pictures of one size, {size_px} px, got {width_px} x "
                f"{height_px}: collect all with one {SIZE}"
            )
        for name in _MAPS:
            found = sample.get(f"{picture}_{name}")
            if found is not None and found.shape != seen:
                raise DataError(
                    f"expected a {name} of the picture's {size_px} px, got {found.shape[1]} x "
                    f"{found.shape[0]}: collect again"
                )
        classes = sample.get(f"{picture}_class_mask")
        if classes is not None and classes.max() > max(SemanticClass):
            raise DataError(
                f"expected a class_mask of {_CLASSES}, got {classes.max()}: number the classes so"
            )
