"""Which version of a model is the champion: the one that no other has beaten on the same test.

A version takes the alias if there was none, or by a paired test of its answers against those of
the version that holds it, item by item. The test is of these weights, since it is they that are
used; how seeds scatter is for the stage to say. Without a significant difference the champion
stays. Each later version that is no better has one chance in forty to win all the same.

Answers alone are compared: a champion that takes or gives other tensors, or was registered by an
earlier release that knew no names for them, is one as any other.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import numpy.typing as npt

from operators.owners import owner
from tasks.core.errors import DataError
from tasks.core.models import ANSWERS_FILE, ModelPackage
from tasks.intake.arrays import read_npz

CHAMPION = "champion"
METRIC_TAG, TEST_TAG, REASON_TAG = "orrery.metric", "orrery.test", "orrery.reason"
EXTRA_FILES = "extra_files"
_MAX_BYTES = 1_000_000_000
_NUM_DIGEST_BYTES = 32
_BY_HAND = "they can't be compared; move the alias by hand if it is due"


@dataclass(frozen=True)
class Answers:
    """How a model answered a test.

    Attributes:
        item: (n, 32), what names each item.
        is_right: (n,), whether the model got it right.
    """

    item: npt.NDArray[np.uint8]
    is_right: npt.NDArray[np.bool_]


def compete(client: Any, version: int, package: ModelPackage) -> tuple[bool, str]:
    """Move the alias if a version deserves it; return whether it has it, and why.

    The reason is also a tag of the version.
    """
    name = package.name
    held = client.get_registered_model(name).aliases.get(CHAMPION)
    if held is not None and int(held) == version:
        told = client.get_model_version(name, held).tags.get(REASON_TAG, "no reason is kept")
        return True, f"it is the champion: {told}"
    is_due, reason = True, "there was no champion"
    if held is not None:
        is_due, reason = _beats(client, str(held), package)
    client.set_model_version_tag(name, str(version), REASON_TAG, reason)
    if is_due:
        client.set_registered_model_alias(name, CHAMPION, str(version))
    return is_due, reason


def read_answers(path: Path) -> Answers:
    """Read answers, whoever wrote them; see `tasks.core.models.ModelPackage`.

    Raises:
        DataError: The file holds none.
    """
    found = read_npz(path, ("item", "is_right"), _MAX_BYTES)
    item, is_right = found["item"], found["is_right"]
    is_row = is_right.dtype == np.bool_ and is_right.ndim == 1 and is_right.size > 0
    if not is_row or item.dtype != np.uint8 or item.shape != (len(is_right), _NUM_DIGEST_BYTES):
        raise DataError(
            f"{path.name}: expected item (n, {_NUM_DIGEST_BYTES}) of uint8 and is_right (n,) of "
            f"bool, got {item.shape} of {item.dtype} and {is_right.shape} of {is_right.dtype}"
        )
    return Answers(item, is_right)


def _beats(client: Any, held: str, package: ModelPackage) -> tuple[bool, str]:
    """Whether a package beats the version that holds the alias, and the numbers."""
    tags = client.get_model_version(package.name, held).tags
    if (tags.get(METRIC_TAG), tags.get(TEST_TAG)) != (package.metric, package.test_key):
        by_whom = "" if REASON_TAG in tags else " registered by hand or by an earlier release,"
        return False, (
            f"version {held}, the champion,{by_whom} was measured by {tags.get(METRIC_TAG)} on "
            f"test {tags.get(TEST_TAG)}, this one by {package.metric} on test {package.test_key}: "
            f"{_BY_HAND}"
        )
    ours = read_answers(package.answers)
    try:
        theirs = _kept_answers(package.name, held)
    except DataError as error:
        return False, f"version {held}, the champion, has no answers ({error}): {_BY_HAND}"
    if not np.array_equal(ours.item, theirs.item):
        return False, f"version {held}, the champion, answered other items: {_BY_HAND}"
    from tasks.report.paired_test import mcnemar  # SciPy, which parsing a DAG file must not load

    found = mcnemar(ours.is_right, theirs.is_right)
    verdict = "is significantly" if found.is_first_better else "is not significantly"
    return found.is_first_better, (
        f"it {verdict} better than version {held}: of {found.num:,} items it has "
        f"{ours.is_right.sum():,} right and that one {theirs.is_right.sum():,}; it alone is right "
        f"on {found.only_first:,}, that one alone on {found.only_second:,} (exact McNemar test, "
        f"p = {found.p_value:.2g})"
    )


def _kept_answers(name: str, version: str) -> Answers:
    """Answers that are kept with a version.

    Raises:
        DataError: There are none.
    """
    from mlflow import artifacts

    where = f"models:/{name}/{version}/{EXTRA_FILES}"
    if ANSWERS_FILE not in [PurePosixPath(f.path).name for f in artifacts.list_artifacts(where)]:
        raise DataError(f"no file {EXTRA_FILES}/{ANSWERS_FILE} is kept with it")
    with tempfile.TemporaryDirectory(prefix=f"orrery-model-{owner()}-") as folder:
        path = artifacts.download_artifacts(f"{where}/{ANSWERS_FILE}", dst_path=folder)
        return read_answers(Path(path))
