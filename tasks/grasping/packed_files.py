"""Files that a plan needs beside its settings, packed so that they reach every worker.

Textures, the user's objects and a trained model each become one file, whose digest stands for
them: where the user keeps them is no part of the data. Each is an item of `plan`: it is read,
checked and packed once for the same content.
"""

from __future__ import annotations

import math
import shutil
from collections import Counter
from pathlib import Path
from typing import Final, Literal

import numpy as np
from pydantic import Field

from tasks.core.digests import digest, file_digest
from tasks.core.errors import ConfigError, DataError
from tasks.core.outside.copies import path_of
from tasks.core.outside.stored import is_stored
from tasks.core.ports import ItemFolder, Skipped, StageContext
from tasks.core.records import FileRef, Record
from tasks.grasping.config import PlanConfig
from tasks.grasping.looks.structured import structured_textures
from tasks.grasping.looks.textures import generated_textures, read_textures, save_textures
from tasks.grasping.manifests import ObjectRemark
from tasks.grasping.objects.archive import MAX_BYTES
from tasks.grasping.objects.catalogue import split_of
from tasks.grasping.objects.folder import MAX_ENTRIES, pack_folder
from tasks.grasping.policy_model import check_model
from tasks.grasping.types import Split
from tasks.grasping.workspace import BIN_INNER_M
from tasks.intake.folders import files_below

NUM_TEXTURES: Final = 200
"""Textures that are generated where the user gives none."""
MAX_LAYERS: Final = 2.0
"""How often the objects of a scene may cover the bin's floor."""

Kind = Literal["textures", "objects", "model"]


class PackTask(Record):
    """Something to pack.

    Attributes:
        item_id: What it is.
        path: The user's file or folder, or its URI; empty for what is generated.
        fingerprint: Digest of all that lies there.
        size_px: Width and height of the pictures that a model will be shown.
        num_candidates: Commands that a model scores in each round.
        num_per_scene: Objects that must find room in the bin together.
        is_structured: Whether textures are those of structured looks.
    """

    schema_id = "grasping.pack_task/1"

    item_id: Kind
    path: str
    fingerprint: str
    size_px: int = 0
    num_candidates: int = 0
    num_per_scene: int = 0
    is_structured: bool = False


class PackedFile(Record):
    """Something that was packed.

    Attributes:
        item_id: What it is.
        file: Textures as npz, objects as zip, a model as it was.
        skipped: What of the user's folder can't be used, and why.
        duplicates: Objects that are there already under another name.
        remarks: What a user should know of objects that are used.
        num_objects: Objects of each split.
    """

    schema_id = "grasping.packed_file/3"

    item_id: Kind
    file: FileRef
    skipped: tuple[Skipped, ...] = ()
    duplicates: tuple[Skipped, ...] = ()
    remarks: tuple[ObjectRemark, ...] = ()
    num_objects: dict[Split, int] = Field(default_factory=dict)


def pack_files(config: PlanConfig, ctx: StageContext) -> dict[str, PackedFile]:
    """Check and pack all that the settings ask for.

    Returns:
        What was packed, by its kind.

    Raises:
        ConfigError: A setting names a file or folder that is missing or empty.
        DataError: A file can't be used; the message names it and the fault.
    """
    tasks = pack_tasks(config)
    outcomes = ctx.items.map(pack_file, tasks, None)
    faults = [each.reason for each in outcomes if isinstance(each, Skipped)]
    if faults:
        raise DataError("; ".join(faults))
    return {each.item_id: each for each in outcomes if not isinstance(each, Skipped)}


def pack_tasks(config: PlanConfig) -> list[PackTask]:
    """Return what must be packed.

    Raises:
        ConfigError: A setting names a file or folder that is missing.
    """
    tasks = []
    if config.scene.looks != "plain":
        path = config.randomise.textures
        textures = _of_folder("textures", path, "randomise.textures") if path else _GENERATED
        is_structured = config.scene.looks == "structured"
        tasks.append(textures.model_copy(update={"is_structured": is_structured}))
    if config.objects.family == "folder":
        objects = _of_folder("objects", config.objects.folder, "objects.folder")
        num_per_scene = config.objects.num_per_scene
        tasks.append(objects.model_copy(update={"num_per_scene": num_per_scene}))
    if config.policy.kind == "model":
        tasks.append(_of_model(config))
    return tasks


def pack_file(item: PackTask, config: None, folder: ItemFolder) -> PackedFile:  # noqa: ARG001
    """Check one of them and pack it.

    Raises:
        DataError: It can't be used; the message names the file.
    """
    pack_one = {"textures": _pack_textures, "objects": _pack_objects, "model": _pack_model}
    return pack_one[item.item_id](item, folder)


def _pack_textures(item: PackTask, folder: ItemFolder) -> PackedFile:
    textures = read_textures(path_of(item.path, item.item_id)) if item.path else None
    if textures is not None and textures.num < 2:
        raise DataError(
            f"randomise.textures: expected at least 2 pictures in {item.path}, found one: half of "
            "them serve randomisation, the others the surrogate"
        )
    if item.is_structured:
        # Without the run's own seed: a target's stations are the same in all of its data sets.
        textures = structured_textures(textures)
    elif textures is None:
        textures = generated_textures(folder.rng(), NUM_TEXTURES)
    save_textures(folder.path / "textures.npz", textures)
    file = folder.add("textures.npz")
    return PackedFile(item_id=item.item_id, file=file, skipped=textures.skipped)


def _pack_objects(item: PackTask, folder: ItemFolder) -> PackedFile:
    packed = pack_folder(path_of(item.path, item.item_id), folder.path / "objects.zip")
    mean_m2, bin_m2 = float(np.mean(packed.footprints_m2)), math.prod(BIN_INNER_M)
    covered_m2 = item.num_per_scene * mean_m2
    if covered_m2 > MAX_LAYERS * bin_m2:
        raise DataError(
            f"objects.num_per_scene: {item.num_per_scene} objects of {item.path} cover "
            f"{covered_m2:.2f} m² on average, and the bin's floor is {bin_m2:.2f} m²: they would "
            f"fall out; show {int(MAX_LAYERS * bin_m2 / mean_m2)} at most, or smaller ones"
        )
    return PackedFile(
        item_id=item.item_id,
        file=folder.add("objects.zip"),
        skipped=tuple(packed.skipped),
        duplicates=tuple(packed.duplicates),
        remarks=tuple(packed.remarks),
        num_objects=dict(Counter(split_of(each.shape_digest) for each in packed.entries)),
    )


def _pack_model(item: PackTask, folder: ItemFolder) -> PackedFile:
    path = path_of(item.path, item.item_id)
    check_model(path, item.size_px, item.num_candidates)
    shutil.copyfile(path, folder.path / "model.pt2")
    return PackedFile(item_id=item.item_id, file=folder.add("model.pt2"))


_GENERATED: Final = PackTask(item_id="textures", path="", fingerprint="")


def _of_folder(kind: Kind, path: str, setting: str) -> PackTask:
    folder = path_of(path, setting)
    if not path or not folder.is_dir():
        raise ConfigError(f"{setting}: expected a folder, there is none at {path!r}")
    files, _ = files_below(folder, max_entries=MAX_ENTRIES)
    if not files:
        raise ConfigError(f"{setting}: expected files in {folder}, found none")
    num_bytes = sum(each.stat().st_size for each in files)
    if num_bytes > MAX_BYTES:
        raise ConfigError(
            f"{setting}: expected files of at most {MAX_BYTES:,} bytes in {folder}, got "
            f"{num_bytes:,}; name the folder that holds what is needed alone"
        )
    found = [[each.relative_to(folder).as_posix(), file_digest(each)] for each in files]
    return PackTask(item_id=kind, path=_named(path, folder), fingerprint=digest(found))


def _of_model(config: PlanConfig) -> PackTask:
    path = path_of(config.policy.model, "policy.model")
    if not config.policy.model or not path.is_file():
        raise ConfigError(
            "policy.model: expected a torch.export program (.pt2), there is none at "
            f"{config.policy.model!r}; name one or choose another policy.kind"
        )
    if path.stat().st_size > MAX_BYTES:
        raise ConfigError(
            f"policy.model: expected a file of at most {MAX_BYTES:,} bytes, got "
            f"{path.stat().st_size:,} in {path}; check that it is the right one"
        )
    return PackTask(
        item_id="model",
        path=_named(config.policy.model, path),
        fingerprint=file_digest(path),
        size_px=config.world.camera.size_px,
        num_candidates=config.policy.model_candidates,
    )


def _named(given: str, path: Path) -> str:
    """What a worker finds it by: another node has no copy of this one's."""
    return given if is_stored(given) else str(path)
