"""Last stage: gather what was rendered, report it, and export readable copies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tasks.core.config import config_json
from tasks.core.errors import ResourceError
from tasks.core.export import Export, export_files
from tasks.core.export_note import Source, Standing
from tasks.core.ports import ItemFolder, Skipped, StageContext
from tasks.core.records import ArtifactRef, FileRef, Record
from tasks.core.stages import StageSpec, stage
from tasks.panorama.archive.catalogue import CATALOGUE, files_of, rows_of, write_catalogue
from tasks.panorama.archive.published import SETTING, published_files
from tasks.panorama.check_records import WORST_FIRST
from tasks.panorama.config import PublishConfig
from tasks.panorama.input.photos import read_photo
from tasks.panorama.manifests import (
    Publication,
    PublishedCapture,
    RenderRecord,
    RenderSet,
)
from tasks.panorama.pictures.layout import fitted
from tasks.panorama.pictures.report import COLUMNS, report_sections
from tasks.panorama.pictures.viewer import Viewed, most_telling, viewed, viewer_page
from tasks.panorama.types import UNREPAIRED, ByteImage
from tasks.report.page import Link, Picture, html
from tasks.report.picture import encode
from tasks.report.sheet import Tile, contact_sheet

_REPORT_FILE, _VIEWER_FILE, _SHEET_FILE = "report.html", "viewer.html", "contact_sheet.jpg"
_SHEET_TITLE = "Before and after at the worst seams"
_PREVIEW_WIDTH_PX = 1400
_MAX_PICTURED = 60  # captures of the report that have pictures, so that a browser can open it
_MAX_VIEWED, _MAX_VIEWED_BYTES = 20, 30_000_000  # captures of the viewer, for the same reason
_VIEWED_WIDTHS_PX = ((6, 4096), (_MAX_VIEWED, 2048))  # up to so many captures: of the whole sphere
_MAX_TAGGED = 20  # captures that a tag names
_MAX_ON_SHEET = 120  # crops; a JPEG has at most 65,500 rows


class _Renders(Record):
    """All that the report is made from."""

    schema_id = "panorama.report_input/4"

    item_id: str
    captures: tuple[RenderRecord, ...]
    skipped: tuple[Skipped, ...]
    settings: dict[str, Any]


class _Report(Record):
    """The files of the report."""

    schema_id = "panorama.report/3"

    item_id: str
    report: FileRef
    viewer: FileRef
    contact_sheet: FileRef | None
    catalogue: FileRef


@stage(
    StageSpec(
        name="panorama.publish",
        section="publish",
        libraries=(
            "numpy",
            "scipy",
            "opencv-python-headless",
            "pillow",
            "simplejpeg",
            "jinja2",
            "pyarrow",
        ),
        reads_outside=True,
    )
)
def publish_captures(
    renders: list[ArtifactRef], config: PublishConfig, ctx: StageContext
) -> ArtifactRef:
    """Report all captures of all groups, and copy their panoramas to where people look."""
    sets = [ctx.store.read(ref, RenderSet) for ref in renders]
    captures = sorted((c for each in sets for c in each.captures), key=lambda c: c.item_id)
    skipped = sorted((s for each in sets for s in each.skipped), key=lambda s: s.item_id)
    item = _Renders(
        item_id="report",
        captures=tuple(sorted(captures, key=lambda c: WORST_FIRST.index(c.verdict))),
        skipped=tuple(skipped),
        settings=(sets[0].settings if sets else {}) | {"publish": config_json(config)},
    )
    (report,) = ctx.items.map(write_report, [item], config)
    if isinstance(report, Skipped):
        raise ResourceError(f"the report could not be made: {report.reason}")
    published = [_published(capture) for capture in captures]
    num_repaired = sum(capture.is_repaired for capture in captures)
    publication = Publication(
        captures=tuple(published),
        skipped=tuple(skipped),
        num_repaired=num_repaired,
        num_kept=len(captures) - num_repaired,
        num_suspect=sum(capture.verdict == "suspect" for capture in captures),
        num_rejected=sum(capture.verdict == "rejected" for capture in captures),
        figures=_means(published),
        report=report.report,
        viewer=report.viewer,
        contact_sheet=report.contact_sheet,
        catalogue=report.catalogue,
        exported_to=config.export_to,
    )
    if config.export_to:
        export = Export(
            files=lambda standing: _export_files(captures, skipped, report, ctx, standing),
            maker=ctx.stage,
            made_from=tuple(ref.sha256 for ref in renders),
            is_whole=False,  # captures of an earlier run stay
            fetch=ctx.store.fetch,
        )
        export_files(export, config.export_to, SETTING)
    _track(publication, ctx)
    return ctx.store.write(publication)


def write_report(item: _Renders, config: PublishConfig, folder: ItemFolder) -> _Report:
    """Write the report, the viewer and the contact sheet of all captures."""
    pictures = {
        capture.item_id: _pictures(capture, folder.fetch)
        for capture in item.captures[:_MAX_PICTURED]
    }
    published = [_published(capture) for capture in item.captures]
    crops = [crop for capture in item.captures for crop in capture.crops[: config.num_crops]]
    sheet, links = None, [Link("Look around in the panoramas", _VIEWER_FILE)]
    if crops:
        tiles = [Tile(_read(folder.fetch(crop))) for crop in crops[:_MAX_ON_SHEET]]
        sheet = folder.add_picture(_SHEET_FILE, contact_sheet(tiles, _SHEET_TITLE))
        links.append(Link("All captures on one sheet", _SHEET_FILE))
    page = html(report_sections(published, item.skipped, pictures, item.settings, links))
    (folder.path / _REPORT_FILE).write_text(page, encoding="utf-8")
    (folder.path / _VIEWER_FILE).write_text(_viewer(item.captures, folder.fetch), encoding="utf-8")
    by_id = sorted(item.captures, key=lambda capture: capture.item_id)
    write_catalogue(folder.path / CATALOGUE, rows_of(by_id, item.skipped))
    return _Report(
        item_id=item.item_id,
        report=folder.add(_REPORT_FILE),
        viewer=folder.add(_VIEWER_FILE),
        contact_sheet=sheet,
        catalogue=folder.add(CATALOGUE),
    )


def _viewer(captures: Sequence[RenderRecord], fetch: Callable[[FileRef], Path]) -> str:
    """The page to look around in, of as many captures as a browser can open."""
    chosen = most_telling(captures)[:_MAX_VIEWED]
    width_px = next(width for most, width in _VIEWED_WIDTHS_PX if len(chosen) <= most)
    shown: list[Viewed] = []
    for capture in chosen:
        shown.append(viewed(capture, _published(capture), fetch, width_px))
        if sum(each.num_bytes for each in shown) > _MAX_VIEWED_BYTES:
            break
    positions = {c.item_id: c.origin.position for c in captures if c.origin.position is not None}
    return viewer_page(shown, len(captures), positions)


def _published(capture: RenderRecord) -> PublishedCapture:
    return PublishedCapture(
        item_id=capture.item_id,
        verdict=capture.verdict,
        doubts=capture.doubts,
        published=capture.published,
        is_repaired=capture.is_repaired,
        reasons=capture.reasons,
        warnings=capture.warnings,
        before=capture.figures[UNREPAIRED],
        after=capture.figures[capture.published],
        panorama=capture.panorama,
        before_after=capture.before_after,
        quality=capture.quality,
    )


def _pictures(capture: RenderRecord, fetch: Callable[[FileRef], Path]) -> list[Picture]:
    panorama = fitted(_read(fetch(capture.panorama)), _PREVIEW_WIDTH_PX)
    titles = (f"{capture.item_id}: {each.title}, before and after" for each in capture.view.worst)
    return [
        Picture("panorama.jpg", f"{capture.item_id}: panorama", encode(panorama, "panorama.jpg")),
        *(
            Picture("crop.jpg", title, fetch(crop).read_bytes())
            for title, crop in zip(titles, capture.crops, strict=True)
        ),
    ]


def _means(captures: Sequence[PublishedCapture]) -> dict[str, float]:
    """Mean of each figure over the captures that have it, before and after."""
    means = {}
    for name, _, _, _ in COLUMNS:
        both = [
            (c.before[name], c.after[name])
            for c in captures
            if name in c.before and name in c.after
        ]
        if both:
            before, after = np.mean(both, axis=0)
            means[f"{name}_before"], means[f"{name}_after"] = float(before), float(after)
    return means


def _track(publication: Publication, ctx: StageContext) -> None:
    counts = {
        "captures": len(publication.captures),
        "captures_repaired": publication.num_repaired,
        "captures_kept": publication.num_kept,
        "captures_suspect": publication.num_suspect,
        "captures_rejected": publication.num_rejected,
        "captures_skipped": len(publication.skipped),
    }
    ctx.tracker.log_metrics({**{k: float(v) for k, v in counts.items()}, **publication.figures})
    ctx.tracker.set_tags(_verdict_tags(publication.captures))
    if not ctx.items.made:  # the run that made them shows them
        return
    ctx.tracker.log_figure(ctx.store.fetch(publication.report), _REPORT_FILE)
    ctx.tracker.log_figure(ctx.store.fetch(publication.viewer), _VIEWER_FILE)
    ctx.tracker.log_figure(ctx.store.fetch(publication.catalogue), CATALOGUE)
    if publication.contact_sheet is not None:
        ctx.tracker.log_figure(ctx.store.fetch(publication.contact_sheet), _SHEET_FILE)


def _verdict_tags(captures: Sequence[PublishedCapture]) -> dict[str, str]:
    """The worst verdict of a run, and the captures that are not good, the worst first."""
    worst_first = sorted(captures, key=lambda capture: WORST_FIRST.index(capture.verdict))
    doubted = [capture.item_id for capture in worst_first if capture.verdict != "good"]
    more = f" and {len(doubted) - _MAX_TAGGED} more" if len(doubted) > _MAX_TAGGED else ""
    return {
        "verdict": worst_first[0].verdict if worst_first else "",
        "doubted": ", ".join(doubted[:_MAX_TAGGED]) + more,
    }


def _export_files(
    captures: Sequence[RenderRecord],
    skipped: Sequence[Skipped],
    report: _Report,
    ctx: StageContext,
    standing: Standing,
) -> dict[str, Source]:
    """What people look at, by its place in their folder; the catalogue last."""
    files: dict[str, Source] = {_REPORT_FILE: report.report, _VIEWER_FILE: report.viewer}
    if report.contact_sheet is not None:
        files[_SHEET_FILE] = report.contact_sheet
    refs = {capture.item_id: files_of(capture) for capture in captures}
    rows = rows_of(captures, skipped)
    return files | published_files(refs, rows, ctx.run_id, ctx.scratch, standing)


def _read(path: Path) -> ByteImage:
    """Picture of a file, RGB."""
    return read_photo(path, 1)[..., ::-1]
