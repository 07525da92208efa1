"""Object families: what there is to grasp, and which part of the data may show it."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path

import pybullet_data

from tasks.core.errors import ConfigError, DataError
from tasks.core.seeds import digest64
from tasks.grasping.objects.checks import model_facts
from tasks.grasping.objects.everyday import everyday_urdfs
from tasks.grasping.types import ObjectModel, Split

TRAIN_SHARE, VALIDATION_SHARE = 0.8, 0.1  # the rest is held out

# Object 168 of pybullet_data 3.2.7 has no vertex that is a number.
_UNUSABLE = frozenset({"168"})


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
        return _procedural()
    if family == "everyday":
        return _everyday()
    if family != "folder":
        raise ConfigError(
            f"objects.family: expected procedural, everyday or folder, got {family!r}"
        )
    if folder is None or not folder.is_dir():
        raise ConfigError(
            f"objects.folder: expected a folder of URDF files, got {str(folder or '')!r}; "
            "name one or choose another objects.family"
        )
    return _user_objects(folder)


def models_of(models: Sequence[ObjectModel], split: Split) -> tuple[ObjectModel, ...]:
    """Return the models of a split.

    Raises:
        ConfigError: There is none, as happens with few objects.
    """
    found = tuple(model for model in models if model.split == split)
    if not found:
        raise ConfigError(
            f"none of the {len(models)} objects falls into the split {split!r}; "
            "choose another objects.split or add objects"
        )
    return found


def split_of(object_id: str) -> Split:
    """Return the part of the data that may show an object: decided by its name, for good."""
    place = digest64(object_id) / 2.0**64
    if place < TRAIN_SHARE:
        return "train"
    return "validation" if place < TRAIN_SHARE + VALIDATION_SHARE else "held_out"


@functools.cache
def _procedural() -> tuple[ObjectModel, ...]:
    root = Path(pybullet_data.getDataPath(), "random_urdfs")
    names = sorted(each.name for each in root.iterdir() if each.name.isdecimal())
    return tuple(
        _model("procedural", f"{int(name):04d}", root / name / f"{name}.urdf")
        for name in names
        if name not in _UNUSABLE
    )


@functools.cache
def _everyday() -> tuple[ObjectModel, ...]:
    return tuple(_model("everyday", name, path) for name, path in sorted(everyday_urdfs().items()))


def _user_objects(folder: Path) -> tuple[ObjectModel, ...]:
    paths = {
        path.relative_to(folder).with_suffix("").as_posix(): path
        for path in folder.rglob("*")
        if path.suffix.lower() == ".urdf" and path.is_file()
    }
    if not paths:
        raise ConfigError(f"objects.folder: expected URDF files (*.urdf) in {folder}, found none")
    return tuple(
        _model("folder", name, path, reach_m=_reach_m(path)) for name, path in sorted(paths.items())
    )


def _model(family: str, name: str, path: Path, **facts: float) -> ObjectModel:
    object_id = f"{family}/{name}"
    return ObjectModel(object_id, family, split_of(object_id), str(path), **facts)


def _reach_m(path: Path) -> float:
    try:
        return model_facts(str(path)).reach_m
    except DataError:  # said when a scene is to show it, with the scene's name
        return 0.1
