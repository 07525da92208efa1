"""Object families: what there is to grasp, and which part of the data may show it."""

from __future__ import annotations

from pathlib import Path

from tasks.core.errors import ConfigError
from tasks.core.seeds import digest64
from tasks.grasping.objects.archive import read_index
from tasks.grasping.objects.everyday import everyday_urdfs
from tasks.grasping.objects.procedural import procedural_urdfs
from tasks.grasping.types import ObjectModel, Split

TRAIN_SHARE, VALIDATION_SHARE = 0.8, 0.1  # the rest is held out


def catalogue(family: str, unpacked: Path | None = None) -> tuple[ObjectModel, ...]:
    """List the objects of a family, sorted by id.

    Args:
        family: ``procedural``, ``everyday`` or ``folder``.
        unpacked: What `tasks.grasping.objects.archive.unpack` made of the user's objects, for the
            family ``folder``.

    Raises:
        ConfigError: There is no such family, or nothing was packed for ``folder``.
        DataError: What was packed is damaged.
    """
    if family == "procedural":
        return _listed(family, procedural_urdfs())
    if family == "everyday":
        return _listed(family, everyday_urdfs())
    if family != "folder":
        raise ConfigError(
            f"objects.family: expected procedural, everyday or folder, got {family!r}"
        )
    if unpacked is None:
        raise ConfigError("objects.folder: expected objects that were packed, got none; plan again")
    return tuple(
        ObjectModel(
            object_id=each.object_id,
            family=family,
            split=split_of(each.shape_digest),
            path=str(unpacked / each.urdf),
            reach_m=each.reach_m,
        )
        for each in read_index(unpacked)
    )


def split_of(key: str) -> Split:
    """Return the part of the data that may show an object: decided for good.

    Args:
        key: Name of an object that ships with the software, which stands for one shape alone;
            the digest of what a user's object is as a body, so that a copy under another name
            never stands on both sides.
    """
    place = digest64(key) / 2.0**64
    if place < TRAIN_SHARE:
        return "train"
    return "validation" if place < TRAIN_SHARE + VALIDATION_SHARE else "held_out"


def _listed(family: str, urdfs: dict[str, tuple[Path, float]]) -> tuple[ObjectModel, ...]:
    return tuple(
        ObjectModel(
            object_id=f"{family}/{name}",
            family=family,
            split=split_of(f"{family}/{name}"),
            path=str(path),
            reach_m=reach_m,
        )
        for name, (path, reach_m) in sorted(urdfs.items())
    )
