"""A user's folder of objects: found, checked, rewritten and packed.

Whatever can't be used is left out and named, with the reason; few may be. Of objects that are the
same to the byte once they are rewritten, one is packed: a copy adds nothing, and counts twice.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tasks.core.digests import digest
from tasks.core.errors import ConfigError, DataError
from tasks.core.files import disk_fault
from tasks.core.ports import Skipped
from tasks.grasping.manifests import ObjectRemark
from tasks.grasping.objects.archive import MAX_BYTES, IndexEntry, pack
from tasks.grasping.objects.checks import check_solid, remarks
from tasks.grasping.objects.rewriting import URDF, Solid, read_solid, rewritten
from tasks.intake.folders import files_below
from tasks.intake.skips import check_few

MAX_ENTRIES = 200_000
"""Files and folders above which a folder is refused."""
_NUM_SAID = 3  # of what can't be used, in a message


@dataclass
class PackedObjects:
    """What became of a folder.

    Attributes:
        entries: What was packed.
        footprints_m2: Of each, the two greatest lengths of the box around it, multiplied.
        skipped: What can't be used, and why.
        duplicates: What is there already under another name.
        remarks: What a user should know of an object that is used.
    """

    entries: list[IndexEntry] = field(default_factory=list)
    footprints_m2: list[float] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    duplicates: list[Skipped] = field(default_factory=list)
    remarks: list[ObjectRemark] = field(default_factory=list)


def user_urdfs(folder: Path) -> tuple[dict[str, Path], list[Skipped]]:
    """Find URDF files by the object's id; and what of the folder can't be used.

    Raises:
        ConfigError: There is none.
        DataError: The folder can't be read.
    """
    files, odd = files_below(folder, max_entries=MAX_ENTRIES)
    found: dict[str, Path] = {}
    for path in files:
        if path.suffix.lower() == ".urdf":
            inside = path.relative_to(folder)
            object_id = f"folder/{inside.with_suffix('').as_posix()}"
            if (first := found.setdefault(object_id, path)) is not path:
                reason = f"{first.name} beside it has the same id, {object_id}; rename one of them"
                odd.append(Skipped(item_id=inside.as_posix(), reason=reason))
    if not found:
        said = "".join(f"; {each.item_id}: {each.reason}" for each in odd[:_NUM_SAID])
        raise ConfigError(
            f"objects.folder: expected URDF files (*.urdf) in {folder}, found none{said}"
        )
    return dict(sorted(found.items())), odd


def pack_folder(folder: Path, zip_path: Path) -> PackedObjects:
    """Pack the objects of a folder.

    Args:
        folder: URDF files, meshes and their pictures, in any subfolders.
        zip_path: File to write; it appears whole.

    Raises:
        ConfigError: The folder has no URDF file.
        DataError: More than a few can't be used; the message names the first and the reasons.
    """
    urdfs, odd = user_urdfs(folder)
    done = PackedObjects(skipped=odd)
    pack(zip_path, _usable(folder, urdfs, done))
    check_few(done.skipped, len(urdfs), "objects")
    return done


def _usable(
    folder: Path, urdfs: Mapping[str, Path], done: PackedObjects
) -> Iterator[tuple[IndexEntry, dict[str, bytes]]]:
    """Read one object after the other, and keep count of what came of it."""
    first_of: dict[str, str] = {}
    num_bytes = 0
    for object_id, path in urdfs.items():
        try:
            solid = read_solid(path, folder)
            check_solid(solid)
            files = rewritten(solid)
        except DataError as error:
            if fault := disk_fault(error, str(path), "see to the disk"):
                raise fault from error
            done.skipped.append(Skipped(item_id=object_id, reason=_inside(error, folder)))
            continue
        content = digest(sorted((name, each.hex()) for name, each in files.items()))
        if (same := first_of.setdefault(content, object_id)) != object_id:
            reason = f"it is the same as {same}, which is used"
            done.duplicates.append(Skipped(item_id=object_id, reason=reason))
            continue
        num_bytes += sum(len(each) for each in files.values())
        if num_bytes > MAX_BYTES:
            raise ConfigError(
                f"objects.folder: expected models of at most {MAX_BYTES:,} bytes in {folder}, got "
                "more; name the folder that holds fewer, or simplify their meshes"
            )
        yield _entry(object_id, solid, done), files


def _entry(object_id: str, solid: Solid, done: PackedObjects) -> IndexEntry:
    done.remarks += [ObjectRemark(object_id=object_id, remark=text) for text in remarks(solid)]
    longest_m, second_m, _ = solid.extent_m
    done.footprints_m2.append(longest_m * second_m)
    urdf = f"{len(done.entries):05d}/{URDF}"
    reach_m = math.ceil(1e6 * solid.reach_m) / 1e6
    done.entries.append(IndexEntry(object_id, urdf, solid.shape_digest, reach_m))
    return done.entries[-1]


def _inside(error: DataError, folder: Path) -> str:
    return str(error).replace(f"{folder}/", "")
