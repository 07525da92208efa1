"""Object families: what there is to grasp, and which part of the data may show it."""

from __future__ import annotations

from pathlib import Path

from tasks.core.errors import ConfigError, DataError
from tasks.core.seeds import digest64
from tasks.grasping.objects.checks import model_facts
from tasks.grasping.objects.everyday import everyday_urdfs
from tasks.grasping.objects.procedural import procedural_urdfs
from tasks.grasping.types import ObjectModel, Split
from tasks.intake.folders import files_below

TRAIN_SHARE, VALIDATION_SHARE = 0.8, 0.1  # the rest is held out


def catalogue(family: str, folder: Path | None = None) -> tuple[ObjectModel, ...]:
    """List the objects of a family, sorted by id.

    Models are not opened here; `tasks.grasping.objects.checks.check_model` does that for those
    that a scene shows.

    Args:
        family: ``procedural``, ``everyday`` or ``folder``.
        folder: The user's URDF files, for the family ``folder``.

    Raises:
        ConfigError: There is no such family, or the folder is missing or has no URDF file.
    """
    if family == "procedural":
        return _listed(family, procedural_urdfs())
    if family == "everyday":
        return _listed(family, everyday_urdfs())
    if family != "folder":
        raise ConfigError(
            f"objects.family: expected procedural, everyday or folder, got {family!r}"
        )
    if folder is None or not folder.is_dir():
        raise ConfigError(
            f"objects.folder: expected a folder of URDF files, got {str(folder or '')!r}; "
            "name one or choose another objects.family"
        )
    return _listed(family, _user_urdfs(folder))


def split_of(object_id: str) -> Split:
    """Return the part of the data that may show an object: decided by its name, for good."""
    place = digest64(object_id) / 2.0**64
    if place < TRAIN_SHARE:
        return "train"
    return "validation" if place < TRAIN_SHARE + VALIDATION_SHARE else "held_out"


def _user_urdfs(folder: Path) -> dict[str, tuple[Path, float]]:
    paths = [path for path in files_below(folder)[0] if path.suffix.lower() == ".urdf"]
    if not paths:
        raise ConfigError(f"objects.folder: expected URDF files (*.urdf) in {folder}, found none")
    return {
        path.relative_to(folder).with_suffix("").as_posix(): (path, _reach_m(path, folder))
        for path in paths
    }


def _reach_m(path: Path, folder: Path) -> float:
    try:
        return model_facts(str(path), str(folder)).reach_m
    except DataError:  # said by `check_model`, of the scene that is to show it
        return 0.1


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
