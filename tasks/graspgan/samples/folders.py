"""Data sets that a user keeps in folders: what is there, by world and part of the objects.

A folder is looked at before anything is made of it: the rows of all shards, and the pictures of
each one's first attempt. Those of all others are looked at where they are read
(`tasks.graspgan.samples.checking`).
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Final, Literal, get_args

import pyarrow as pa
import pyarrow.compute as pc

from tasks.core.digests import file_digest
from tasks.core.errors import DataError
from tasks.core.outside.copies import path_of
from tasks.core.records import FileRef
from tasks.graspgan.manifests import AttemptSet
from tasks.graspgan.samples.checking import SIZE, checked_samples
from tasks.grasping.data.schema import read_shard
from tasks.grasping.readers.samples import Extra, shards_of
from tasks.grasping.types import Split
from tasks.intake.folders import files_below

Setting = Literal["collect.simulation", "collect.real"]
SIMULATION: Final = "bullet"
_SIMULATED, _REAL = get_args(Setting)
LEAST_SCENES: Final = 2  # how sure an area is comes of how scenes differ
_ABOUT: Final = ["world", "split", "scene_id", "is_success"]


def sets_below(place: str, setting: Setting) -> list[AttemptSet]:
    """The data sets in a folder.

    Args:
        place: The folder, as the user names it.
        setting: What names it: whether it should hold simulation, with G-buffers, or targets.

    Raises:
        ArtifactError: A shard is cut short, no Parquet file, or of another schema version.
        DataError: There are none; they are of the other kind of world; a shard is of two worlds
            or splits, a scene stands in two splits, a split is too small; pictures are not what
            they should be.
    """
    folder = path_of(place, setting)
    if not folder.is_dir():
        raise DataError(f"{setting}: expected a folder of published data sets, got {place!r}")
    # Exports in other formats that lie beside the shards are Parquet files too.
    shards = [
        path
        for path in files_below(folder)[0]
        if path.suffix == ".parquet" and (path.parent.name == "shards" or path.parent == folder)
    ]
    if not shards:
        raise DataError(f"{setting}: expected shards/*.parquet below {folder}, found none")
    by_kind: dict[tuple[str, Split], dict[Path, pa.Table]] = defaultdict(dict)
    scenes: dict[str, str] = {}
    for path in shards_of(sorted(shards)):
        rows = read_shard(path, _ABOUT)
        by_kind[_kind_of(path, rows, scenes)][path] = rows
    _check_worlds({world for world, _ in by_kind}, setting)
    # Other looks are painted over the pictures of simulation.
    also: tuple[Extra, ...] = ("masks", "g_buffers") if setting == _SIMULATED else ("masks",)
    return [_set_of(world, part, rows, also) for (world, part), rows in sorted(by_kind.items())]


def _check_worlds(worlds: set[str], setting: Setting) -> None:
    if setting == _SIMULATED and worlds != {SIMULATION}:
        others = ", ".join(sorted(worlds - {SIMULATION}))
        raise DataError(
            f"{setting}: expected attempts of the world {SIMULATION}, got some of {others}: name "
            f"their folder as {_REAL}"
        )
    if setting == _REAL and SIMULATION in worlds:
        raise DataError(
            f"{setting}: expected attempts of a target, got some of {SIMULATION}, which is the "
            f"simulation: name their folder as {_SIMULATED}"
        )


def _kind_of(path: Path, rows: pa.Table, scenes: dict[str, str]) -> tuple[str, Split]:
    """World and split of a shard; notes which split each scene is of."""
    kinds = {*zip(rows["world"].to_pylist(), rows["split"].to_pylist(), strict=True)}
    if len(kinds) != 1:
        raise DataError(f"{path}: expected attempts of one world and split, got {sorted(kinds)}")
    ((world, split),) = kinds
    for scene in set(rows["scene_id"].to_pylist()):
        other = scenes.setdefault(f"{world}/{scene}", split)
        if other != split:
            raise DataError(
                f"{path}: scene {scene} stands in two splits, {other} and {split}: keep it in one"
            )
    return world, split


def _set_of(
    world: str, split: Split, rows: dict[Path, pa.Table], also: tuple[Extra, ...]
) -> AttemptSet:
    every = pa.concat_tables(rows.values())
    num_scenes = pc.count_distinct(every["scene_id"]).as_py()
    if num_scenes < LEAST_SCENES:
        raise DataError(
            f"{next(iter(rows)).parent}: {world}, {split}: expected attempts in {LEAST_SCENES} "
            f"scenes or more, got {len(every)} in {num_scenes}: collect more of this split"
        )
    sizes_px = {len(next(checked_samples(path, also))["before"]): path for path in rows}
    if len(sizes_px) > 1:
        places = " and ".join(f"{size} px in {path}" for size, path in sorted(sizes_px.items()))
        raise DataError(
            f"{world}, {split}: expected pictures of one size, got {places}: collect all "
            f"with one {SIZE}"
        )
    return AttemptSet(
        world=world,
        split=split,
        shards=tuple(
            FileRef(uri=path.as_uri(), sha256=file_digest(path), num_bytes=path.stat().st_size)
            for path in rows
        ),
        num_attempts=len(every),
        num_successes=pc.sum(every["is_success"]).as_py() or 0,
        picture_px=next(iter(sizes_px)),
    )
