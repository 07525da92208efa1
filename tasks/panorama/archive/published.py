"""The files of an archive that people see, and how publishing and rolling back move them.

What is published of a capture lies in its folder, what was before in ``former`` in that folder.
A file is known by the digest that the catalogue gives for its version: so a run that was killed
midway is gone on with, and never takes a new picture for a former one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from tasks.core.errors import ConfigError
from tasks.core.export import Export, export_files
from tasks.core.export_note import NOTE, Earlier, Source, Standing
from tasks.core.outside.stored import is_stored, local_path
from tasks.core.records import FileRef
from tasks.panorama.archive.catalogue import (
    CATALOGUE,
    Row,
    publish,
    read_catalogue,
    roll_back,
    write_catalogue,
)

MAKER = "panorama.publish"
SETTING = "publish.export_to"
_FORMER = "former"


def published_files(
    captures: Mapping[str, Mapping[str, FileRef]],
    rows: Sequence[Row],
    run: str,
    scratch: Path,
    standing: Standing,
) -> dict[str, Source]:
    """What a run puts into an archive, given what stands there; the catalogue last.

    Args:
        captures: Files of each capture of the run, by its id and by their names.
        rows: What the run has to say; see `tasks.panorama.archive.catalogue.rows_of`.
        run: The run's name.
        scratch: Folder for the new catalogue.
        standing: What stands there.
    """
    now = datetime.now(UTC).replace(microsecond=0)
    turn = publish(read_catalogue(standing.read(CATALOGUE)), rows, run, now)
    files: dict[str, Source] = {}
    for row in turn.replaced:
        files |= _as_former(row, standing)
    for name, refs in captures.items():
        if name not in turn.held:
            files |= {f"{name}/{file}": ref for file, ref in refs.items()}
    write_catalogue(scratch / CATALOGUE, turn.rows)
    return files | {CATALOGUE: scratch / CATALOGUE}


def roll_back_files(
    export_to: str, captures: Collection[str], run: str, scratch: Path
) -> list[str]:
    """Publish the former versions again; what is published now becomes the former one.

    Args:
        export_to: The archive: a folder, on a disk or in an object store.
        captures: Captures to roll back.
        run: A run, all of whose versions are rolled back; empty for none.
        scratch: Folder for the new catalogue.

    Returns:
        The captures that were rolled back.

    Raises:
        ConfigError: There is no such archive, or nothing to go back to.
        TransientError: A run is writing it.
    """
    names: list[str] = []
    if not is_stored(export_to) and not (local_path(export_to) / NOTE).is_file():
        raise ConfigError(f"{export_to!r}: expected a folder of exported panoramas, found none")

    def files(standing: Standing) -> dict[str, Source]:
        rows, swapped = roll_back(read_catalogue(standing.read(CATALOGUE)), captures, run)
        names.extend(now.capture for now, _ in swapped)
        if missing := sorted(set(captures) - set(names)) or (not names and [run]):
            raise ConfigError(
                f"{export_to}: expected a former version to go back to, there is none of "
                f"{', '.join(missing)}; nothing was changed"
            )
        write_catalogue(scratch / CATALOGUE, rows)
        found: dict[str, Source] = {}
        for now, before in swapped:
            found |= _as_published(now, standing) | _as_former(before, standing)
        return found | {CATALOGUE: scratch / CATALOGUE}

    export_files(Export(files, MAKER, is_whole=False), export_to, SETTING)
    return names


def _as_former(row: Row, standing: Standing) -> dict[str, Source]:
    return {f"{row.capture}/{_FORMER}/{name}": each for name, each in _where(row, standing).items()}


def _as_published(row: Row, standing: Standing) -> dict[str, Source]:
    found = _where(row, standing)
    if gone := sorted(dict(row.files).keys() - found.keys()):
        raise ConfigError(
            f"{row.capture}/{_FORMER}/{gone[0]} is not what was published as version "
            f"{row.version}: put it back, or name the other captures alone; nothing was changed"
        )
    return {f"{row.capture}/{name}": each for name, each in found.items()}


def _where(row: Row, standing: Standing) -> dict[str, Earlier]:
    """Where the files of a version stand now, by their names."""
    found = {}
    for name, sha256 in row.files:
        for place in (f"{row.capture}/{name}", f"{row.capture}/{_FORMER}/{name}"):
            if place in standing.refs and standing.refs[place].sha256 == sha256:
                found[name] = Earlier(place)
                break
    return found
