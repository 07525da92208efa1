"""Last stage of a transfer: say how the cells did beside the others, in tables and pictures."""

from __future__ import annotations

from tasks.core.export import Export, export_files
from tasks.core.ports import StageContext
from tasks.core.records import ArtifactRef
from tasks.core.stages import StageSpec, stage
from tasks.nas.transfer.config import CompareConfig
from tasks.nas.transfer.contents import report_sections
from tasks.nas.transfer.figures import figures_of
from tasks.nas.transfer.manifests import (
    RegisteredModels,
    TrainedDetectors,
    TransferredNetworks,
    TransferReport,
)
from tasks.nas.transfer.scores import detector_scores, network_scores
from tasks.report.page import Link, write_page

_LINKS = (Link("This page as text", "report.md"),)
_SHOWN = (".png", ".svg", ".html", ".md")


@stage(
    StageSpec(
        name="nas.compare", section="compare", libraries=("numpy", "scipy", "matplotlib", "jinja2")
    )
)
def compare_networks(
    networks: ArtifactRef,
    detectors: ArtifactRef,
    models: ArtifactRef,
    config: CompareConfig,
    ctx: StageContext,
) -> ArtifactRef:
    """Write the report of a transfer, track it, and copy it to where people look."""
    trained = ctx.store.read(networks, TransferredNetworks)
    detecting = ctx.store.read(detectors, TrainedDetectors)
    entries = ctx.store.read(models, RegisteredModels).models
    sheets = _sheets(detecting, ctx)
    sections = report_sections(trained, detecting, entries, sheets, _LINKS)
    files = {name: ctx.scratch / name for name in write_page(sections, ctx.scratch)}
    report = TransferReport(
        cells=trained.cells,
        figures=figures_of(network_scores(trained), detector_scores(detecting), trained.cells.name),
        models=entries,
        files={name: ctx.store.add(path, name) for name, path in files.items()},
    )
    ctx.tracker.log_metrics(report.figures)
    ctx.tracker.set_tags({"cells": trained.cells.name, "data": trained.data.images.name})
    for name, path in files.items():
        if path.suffix in _SHOWN:
            ctx.tracker.log_figure(path, name)
    if config.export_to:
        export = Export(
            files=files,
            maker=ctx.stage,
            made_from=tuple(ref.sha256 for ref in (networks, detectors, models)),
            same={"data": trained.data.images.name, "cells": trained.cells.name},
        )
        export_files(export, config.export_to, "compare.export_to")
    return ctx.store.write(report)


def _sheets(found: TrainedDetectors, ctx: StageContext) -> dict[str, bytes]:
    """Pictures of detections, one of each backbone."""
    return {
        each.name: ctx.store.fetch(each.any_one.picture).read_bytes()
        for each in detector_scores(found)
    }
