"""Files that a plan needs beside its settings, packed so that they reach every worker.

Textures, the user's objects and a trained model each become one file, whose digest stands for
them: where the user keeps them is no part of the data. Each is an item of `plan`: it is read,
checked and packed once for the same content.
"""

from __future__ import annotations

import math
import shutil
from pathlib import Path
from typing import Final, Literal

import numpy as np

from tasks.core.digests import digest, file_digest
from tasks.core.errors import ConfigError, DataError
from tasks.core.files import disk_fault
from tasks.core.ports import ItemFolder, Skipped, StageContext
from tasks.core.records import FileRef, Record
from tasks.grasping.config import PlanConfig
from tasks.grasping.looks.textures import generated_textures, read_textures, save_textures
from tasks.grasping.objects.archive import pack
from tasks.grasping.objects.catalogue import catalogue
from tasks.grasping.objects.checks import check_model as check_object
from tasks.grasping.objects.checks import model_facts
from tasks.grasping.policy_model import check_model
from tasks.grasping.workspace import BIN_INNER_M

NUM_TEXTURES: Final = 200
"""Textures that are generated where the user gives none."""
MAX_LAYERS: Final = 2.0
"""How often the objects of a scene may cover the bin's floor."""
_NUM_NAMED = 10

Kind = Literal["textures", "objects", "model"]


class PackTask(Record):
    """Something to pack.

    Attributes:
        item_id: What it is.
        path: The user's file or folder; empty for what is generated.
        fingerprint: Digest of all that lies there.
        size_px: Width and height of the pictures that a model will be shown.
        num_candidates: Motions that a model scores in each round.
        num_per_scene: Objects that must find room in the bin together.
    """

    schema_id = "grasping.pack_task/1"

    item_id: Kind
    path: str
    fingerprint: str
    size_px: int = 0
    num_candidates: int = 0
    num_per_scene: int = 0


class PackedFile(Record):
    """Something that was packed.

    Attributes:
        item_id: What it is.
        file: Textures as npz, objects as zip, a model as it was.
    """

    schema_id = "grasping.packed_file/1"

    item_id: Kind
    file: FileRef


def pack_files(config: PlanConfig, ctx: StageContext) -> dict[str, FileRef]:
    """Check and pack all that the settings ask for.

    Raises:
        ConfigError: A setting names a file or folder that is missing or empty.
        DataError: A file can't be used; the message names it and the fault.
    """
    tasks = pack_tasks(config)
    outcomes = ctx.items.map(pack_file, tasks, None)
    faults = [each.reason for each in outcomes if isinstance(each, Skipped)]
    if faults:
        raise DataError("; ".join(faults))
    return {each.item_id: each.file for each in outcomes if not isinstance(each, Skipped)}


def pack_tasks(config: PlanConfig) -> list[PackTask]:
    """Return what must be packed.

    Raises:
        ConfigError: A setting names a file or folder that is missing.
    """
    tasks = []
    if config.scene.looks != "plain":
        path = config.randomise.textures
        tasks.append(_of_folder("textures", path, "randomise.textures") if path else _GENERATED)
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
    return PackedFile(item_id=item.item_id, file=folder.add(pack_one[item.item_id](item, folder)))


def _pack_textures(item: PackTask, folder: ItemFolder) -> str:
    if item.path:
        textures = read_textures(Path(item.path))
    else:
        textures = generated_textures(folder.rng(), NUM_TEXTURES)
    if textures.num < 2:
        raise DataError(
            f"randomise.textures: expected at least 2 pictures in {item.path}, found one: half of "
            "them serve randomisation, the others the surrogate"
        )
    save_textures(folder.path / "textures.npz", textures)
    return "textures.npz"


def _pack_objects(item: PackTask, folder: ItemFolder) -> str:
    faults, footprints_m2 = [], []
    for model in catalogue("folder", Path(item.path)):
        try:
            check_object(model)
            longest_m, second_m, _ = model_facts(model.path).extent_m
            footprints_m2.append(longest_m * second_m)
        except DataError as error:
            if fault := disk_fault(error, model.path, "see to the disk"):
                raise fault from error
            faults.append(str(error))
    if faults:
        more = f"; and {len(faults) - _NUM_NAMED} more" if len(faults) > _NUM_NAMED else ""
        raise DataError(
            f"objects.folder: {len(faults)} objects can't be used: "
            f"{'; '.join(faults[:_NUM_NAMED])}{more}; repair them or take them out"
        )
    covered_m2, bin_m2 = item.num_per_scene * np.mean(footprints_m2), math.prod(BIN_INNER_M)
    if covered_m2 > MAX_LAYERS * bin_m2:
        raise DataError(
            f"objects.num_per_scene: {item.num_per_scene} objects of {item.path} cover "
            f"{covered_m2:.2f} m² on average, and the bin's floor is {bin_m2:.2f} m²: they would "
            f"fall out; show {int(MAX_LAYERS * bin_m2 / np.mean(footprints_m2))} at most, or "
            "smaller ones"
        )
    pack(Path(item.path), folder.path / "objects.zip")
    return "objects.zip"


def _pack_model(item: PackTask, folder: ItemFolder) -> str:
    check_model(Path(item.path), item.size_px, item.num_candidates)
    shutil.copyfile(item.path, folder.path / "model.pt2")
    return "model.pt2"


_GENERATED: Final = PackTask(item_id="textures", path="", fingerprint="")


def _of_folder(kind: Kind, path: str, setting: str) -> PackTask:
    folder = Path(path).expanduser().absolute()
    if not path or not folder.is_dir():
        raise ConfigError(f"{setting}: expected a folder, there is none at {path!r}")
    files = sorted(each for each in folder.rglob("*") if each.is_file())
    if not files:
        raise ConfigError(f"{setting}: expected files in {folder}, found none")
    found = [[each.relative_to(folder).as_posix(), file_digest(each)] for each in files]
    return PackTask(item_id=kind, path=str(folder), fingerprint=digest(found))


def _of_model(config: PlanConfig) -> PackTask:
    path = Path(config.policy.model).expanduser().absolute()
    if not config.policy.model or not path.is_file():
        raise ConfigError(
            "policy.model: expected a torch.export program (.pt2), there is none at "
            f"{config.policy.model!r}; name one or choose another policy.kind"
        )
    return PackTask(
        item_id="model",
        path=str(path),
        fingerprint=file_digest(path),
        size_px=config.world.camera.size_px,
        num_candidates=config.policy.model_candidates,
    )
