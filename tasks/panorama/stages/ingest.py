"""First stage: find captures, check every photo, read or calibrate their rigs."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from tasks.core.config import config_json
from tasks.core.digests import file_digest
from tasks.core.errors import ConfigError, DataError
from tasks.core.files import disk_fault
from tasks.core.outcomes import split
from tasks.core.outside.stored import is_stored, local_path
from tasks.core.ports import ItemFolder, Skipped, StageContext
from tasks.core.records import ArtifactRef, FileRef
from tasks.core.stages import StageSpec, stage
from tasks.panorama.config import IngestConfig, InspectConfig
from tasks.panorama.input.captures import CaptureFiles, find_captures, fingerprint, survey
from tasks.panorama.input.inspection import CheckedPhoto, inspect_capture
from tasks.panorama.input.rig_files.rig_json import write_rig_json
from tasks.panorama.input.stored_captures import StoredCaptures, fetch_capture
from tasks.panorama.manifests import (
    CaptureFolder,
    CaptureRecord,
    CaptureSet,
    ImageRecord,
    LeftOut,
)
from tasks.panorama.types import ByteImage
from tasks.report.sheet import Tile, contact_sheet

_LOG = logging.getLogger(__name__)
_RIG_FILE, _SHEET_FILE = "rig.json", "contact_sheet.jpg"


@stage(
    StageSpec(
        name="panorama.ingest",
        section="ingest",
        libraries=("numpy", "scipy", "opencv-python-headless", "pillow", "simplejpeg"),
        reads_outside=True,
        fans_out=True,
    )
)
def ingest_captures(config: IngestConfig, ctx: StageContext) -> list[ArtifactRef]:
    """Find and check all captures, and deal them out to groups."""
    if not config.captures:
        raise ConfigError(
            "captures: expected the path of a folder with captures, found nothing; set the param "
            "'captures'."
        )
    found = _find(config.captures, ctx.scratch)
    items = [item for item in found if isinstance(item, CaptureFolder)]
    unreadable = [item for item in found if isinstance(item, Skipped)]
    inspect = InspectConfig(config.min_overlap, config.trust_rigs, config.thumbnail_px)
    outcomes = [*ctx.items.map(ingest_one, items, inspect), *unreadable]
    captures, skipped = split(outcomes, config.max_skipped_fraction)
    ctx.tracker.log_metrics(
        {
            "captures": float(len(captures)),
            "captures_skipped": float(len(skipped)),
            "photos": float(sum(len(capture.images) for capture in captures)),
            "captures_doubted": float(sum(_is_doubted(capture) for capture in captures)),
            "photos_left_out": float(sum(len(capture.left_out) for capture in captures)),
        }
    )
    return _write_groups(captures, skipped, config, ctx)


def ingest_one(item: CaptureFolder, config: InspectConfig, folder: ItemFolder) -> CaptureRecord:
    """Check one capture.

    Raises:
        DataError: It can't be stitched; says which file or figure is at fault.
    """
    with _on_disk(item, folder) as place:
        return _checked(item, place, config, folder)


def _checked(
    item: CaptureFolder, place: Path, config: InspectConfig, folder: ItemFolder
) -> CaptureRecord:
    """Check a capture that lies on this disk, at its own place or as a copy."""
    files = survey(place)
    photos, used = inspect_capture(files, config)
    reasons = {**files.odd, **used.left_out}
    left_out = tuple(LeftOut(name=name, reason=why) for name, why in reasons.items())
    for each in left_out:
        _LOG.warning("%s: photo %s is left out: %s", item.item_id, each.name, each.reason)
    write_rig_json(folder.path / _RIG_FILE, used.rig)
    refer = partial(_file_ref, place=place, at=item.path)
    by_name = {photo.name: photo for photo in photos}
    return CaptureRecord(
        item_id=item.item_id,
        images=tuple(
            _image_record(by_name[camera.name], index, files, refer, folder)
            for index, camera in enumerate(used.rig.cameras)
        ),
        rig=folder.add(_RIG_FILE),
        rig_source=used.source,
        left_out=left_out,
        calibration=dict(used.figures),
        contact_sheet=folder.add_picture(_SHEET_FILE, _contact_sheet(item.item_id, photos)),
        # The simulator's truth is read as a folder, which files of a store are not in.
        check=used.check,
        truth={n: refer(path) for n, path in files.truth.items() if not is_stored(item.path)},
    )


def _is_doubted(capture: CaptureRecord) -> bool:
    return bool(capture.check.rig_fault or capture.check.photos)


def _find(captures: str, scratch: Path) -> list[CaptureFolder | Skipped]:
    if is_stored(captures):
        return StoredCaptures(captures).find(scratch / "outline")
    folders, odd = find_captures(local_path(captures))
    return [*(_look_at(item_id, folder) for item_id, folder in folders.items()), *odd]


@contextmanager
def _on_disk(item: CaptureFolder, folder: ItemFolder) -> Iterator[Path]:
    """The capture's folder, or a copy of it as long as it is needed."""
    if not is_stored(item.path):
        yield Path(item.path)
        return
    with tempfile.TemporaryDirectory(prefix="capture-", dir=folder.path) as copy:
        try:
            fetch_capture(item, Path(copy))
            yield Path(copy)
        except DataError as error:  # the copy's own path differs every time
            raise DataError(str(error).replace(copy, item.path)) from error


def _look_at(item_id: str, folder: Path) -> CaptureFolder | Skipped:
    try:
        return CaptureFolder(item_id=item_id, path=str(folder), fingerprint=fingerprint(folder))
    except DataError as error:
        if fault := disk_fault(error, str(folder), "see to the disk"):
            raise fault from error
        return Skipped(item_id=item_id, reason=str(error))


def _contact_sheet(item_id: str, photos: Sequence[CheckedPhoto]) -> ByteImage:
    tiles = [Tile(photo.thumbnail[..., ::-1], photo.name) for photo in photos]
    return contact_sheet(tiles, item_id, f"{len(photos)} photos, turned upright.")


def _image_record(
    photo: CheckedPhoto,
    index: int,
    files: CaptureFiles,
    refer: Callable[[Path], FileRef],
    folder: ItemFolder,
) -> ImageRecord:
    mask = f"mask_{index}.png"
    if photo.mask_png is not None:
        (folder.path / mask).write_bytes(photo.mask_png)
    return ImageRecord(
        name=photo.name,
        file=refer(files.photos[photo.name]),
        orientation=photo.orientation,
        width_px=photo.size_px[0],
        height_px=photo.size_px[1],
        mask=None if photo.mask_png is None else folder.add(mask),
    )


def _file_ref(path: Path, place: Path, at: str) -> FileRef:
    """Refer to a user's own file of a capture, where it lies."""
    begin = at if is_stored(at) else f"file://{at}"
    uri = f"{begin}/{path.relative_to(place).as_posix()}"
    return FileRef(uri=uri, sha256=file_digest(path), num_bytes=path.stat().st_size)


def _write_groups(
    captures: Sequence[CaptureRecord],
    skipped: Sequence[Skipped],
    config: IngestConfig,
    ctx: StageContext,
) -> list[ArtifactRef]:
    num_groups = max(1, min(ctx.num_groups, len(captures)))
    return [
        ctx.store.write(
            CaptureSet(
                captures=tuple(captures[group::num_groups]),
                skipped=tuple(skipped) if group == 0 else (),
                settings={"ingest": config_json(config)},
            )
        )
        for group in range(num_groups)
    ]
