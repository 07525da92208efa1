"""First stage: find captures, check every photo, read or calibrate their rigs."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from tasks.core.config import config_json
from tasks.core.digests import digest, file_digest
from tasks.core.errors import ConfigError, DataError
from tasks.core.files import disk_fault
from tasks.core.outcomes import split
from tasks.core.outside.stored import is_stored, local_path
from tasks.core.ports import ItemFolder, Skipped, StageContext
from tasks.core.records import ArtifactRef, FileRef
from tasks.core.stages import StageSpec, stage
from tasks.panorama.archive.selection import check_selection, selects
from tasks.panorama.config import IngestConfig, InspectConfig
from tasks.panorama.input.captures import fingerprints, frames_of, survey
from tasks.panorama.input.inspection import CheckedPhoto, inspect_capture
from tasks.panorama.input.rig_files.rig_json import write_rig_json
from tasks.panorama.input.search import find_captures, frame_id, told_apart
from tasks.panorama.input.stored_captures import StoredCaptures, fetch_capture
from tasks.panorama.manifests import (
    CaptureFolder,
    CaptureRecord,
    CaptureSet,
    ImageRecord,
    LeftOut,
)
from tasks.panorama.photo_records import Origin
from tasks.panorama.pictures.imprint import position_of
from tasks.panorama.types import ByteImage
from tasks.report.sheet import Tile, contact_sheet

_LOG = logging.getLogger(__name__)
_RIG_FILE, _SHEET_FILE = "rig.json", "contact_sheet.jpg"
_RIG_CHARS = 12
_LOCAL_CHARS = len("2026-05-06T07:08:09")  # a time without its zone


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
    check_selection(config)
    found = _find(config.captures, ctx.scratch)
    items = [item for item in found if isinstance(item, CaptureFolder)]
    unreadable = [item for item in found if isinstance(item, Skipped)]
    inspect = InspectConfig(config.min_overlap, config.trust_rigs, config.thumbnail_px)
    outcomes = [*ctx.items.map(ingest_one, items, inspect), *unreadable]
    usable, skipped = split(outcomes, config.max_skipped_fraction)
    captures = [capture for capture in usable if selects(config, capture)]
    if len(captures) < len(usable):
        _LOG.info("%d of %d captures are of this place, rig and time", len(captures), len(usable))
    ctx.tracker.log_metrics(
        {
            "captures_not_selected": float(len(usable) - len(captures)),
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
    files = survey(place, item.frame)
    photos, used = inspect_capture(files, config)
    reasons = {**files.odd, **used.left_out}
    left_out = tuple(LeftOut(name=name, reason=why) for name, why in reasons.items())
    for each in left_out:
        _LOG.warning("%s: %s is left out: %s", item.item_id, each.name, each.reason)
    write_rig_json(folder.path / _RIG_FILE, used.rig)
    refer = partial(_file_ref, place=place, at=item.path)
    by_name = {photo.name: photo for photo in photos}
    images = tuple(
        _image_record(by_name[camera.name], index, refer, folder)
        for index, camera in enumerate(used.rig.cameras)
    )
    rig = folder.add(_RIG_FILE)
    return CaptureRecord(
        item_id=item.item_id,
        images=images,
        rig=rig,
        left_out=left_out,
        contact_sheet=folder.add_picture(_SHEET_FILE, _contact_sheet(item.item_id, photos)),
        # The simulator's truth is read as a folder, which files of a store are not in.
        truth={
            name: refer(path)
            for name, path in files.truth.items()
            if not is_stored(item.path) and not item.frame
        },
        check=used.check,
        origin=_origin(images, rig, used.source),
        forward_deg=used.forward_deg,
    )


def _origin(images: Sequence[ImageRecord], rig: FileRef, source: str) -> Origin:
    times = [image.facts.taken_at[:_LOCAL_CHARS] for image in images if image.facts.taken_at]
    return Origin(
        digest=digest([rig.model_dump(), *(image.model_dump() for image in images)]),
        rig=f"{source}-{rig.sha256[:_RIG_CHARS]}",
        time=min(times, default=None),
        position=position_of(image.facts for image in images),
    )


def _is_doubted(capture: CaptureRecord) -> bool:
    return bool(capture.check.rig_fault or capture.check.photos)


def _find(captures: str, scratch: Path) -> list[CaptureFolder | Skipped]:
    if is_stored(captures):
        return told_apart(StoredCaptures(captures).find(scratch / "outline"))
    folders, odd = find_captures(local_path(captures))
    found = [each for item_id, folder in folders.items() for each in _look_at(item_id, folder)]
    return told_apart([*found, *odd])


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
            raise type(error)(str(error).replace(copy, item.path)) from error


def _look_at(item_id: str, folder: Path) -> list[CaptureFolder | Skipped]:
    """A capture, or each of its frames."""
    frames = frames_of(folder) or ("",)
    try:
        prints = fingerprints(folder, frames)
    except DataError as error:
        if fault := disk_fault(error, str(folder), "see to the disk"):
            raise fault from error
        return [Skipped(item_id=item_id, reason=str(error))]
    return [
        CaptureFolder(
            item_id=frame_id(item_id, frame, frames),
            path=str(folder),
            fingerprint=prints[frame],
            frame=frame,
        )
        for frame in frames
    ]


def _contact_sheet(item_id: str, photos: Sequence[CheckedPhoto]) -> ByteImage:
    tiles = [Tile(photo.thumbnail[..., ::-1], photo.name) for photo in photos]
    return contact_sheet(tiles, item_id, f"{len(photos)} photos, turned upright.")


def _image_record(
    photo: CheckedPhoto,
    index: int,
    refer: Callable[[Path], FileRef],
    folder: ItemFolder,
) -> ImageRecord:
    mask = f"mask_{index}.png"
    if photo.mask_png is not None:
        (folder.path / mask).write_bytes(photo.mask_png)
    return ImageRecord(
        name=photo.name,
        file=refer(photo.path),
        orientation=photo.orientation,
        width_px=photo.size_px[0],
        height_px=photo.size_px[1],
        mask=None if photo.mask_png is None else folder.add(mask),
        facts=photo.facts,
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
