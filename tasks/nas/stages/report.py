"""Last stage: say what the search found, what it cost, and whether it is better than chance."""

from __future__ import annotations

from pathlib import Path

from tasks.core.errors import DataError
from tasks.core.export import Export, export_files
from tasks.core.ports import StageContext
from tasks.core.records import ArtifactRef
from tasks.core.stages import StageSpec, stage
from tasks.nas.config import ReportConfig
from tasks.nas.manifests import RetrainedCells, SearchReport
from tasks.nas.pictures.cell_drawing import draw_genotype
from tasks.nas.pictures.render import svg
from tasks.nas.report.child_runs import promoted_children
from tasks.nas.report.contents import agreements, cell_png, report_sections
from tasks.nas.report.export import trials_csv
from tasks.nas.report.statistics import figures
from tasks.nas.report.tables import driver_share
from tasks.nas.space.genotype_file import genotype_json
from tasks.report.page import Link, write_page

GENOTYPE_FILE = "genotype.json"
_TRIALS_FILE, _CELL_FILE = "trials.csv", "cell.png"
_LINKS = (
    Link("This page as text", "report.md"),
    Link("All trials (CSV)", _TRIALS_FILE),
    Link("The found cells (JSON)", GENOTYPE_FILE),
)
_SHOWN = (".png", ".svg", ".html", ".md", ".csv")


@stage(
    StageSpec(
        name="nas.report", section="report", libraries=("numpy", "scipy", "matplotlib", "jinja2")
    )
)
def report_search(retrained: ArtifactRef, config: ReportConfig, ctx: StageContext) -> ArtifactRef:
    """Write the report of a search, track it, and copy it to where people look."""
    found = ctx.store.read(retrained, RetrainedCells)
    if found.winner not in found.search.genotypes:
        raise DataError(
            f"the winner {found.winner[:16]} is not among the cells of the search; make "
            "nas.retrain anew from the same search"
        )
    files = write_files(found, ctx.scratch)
    kept = {name: ctx.store.add(path, name) for name, path in files.items()}
    report = SearchReport(
        genotype=found.search.genotypes[found.winner],
        genotype_hash=found.winner,
        figures=all_figures(found),
        files=kept,
    )
    _track(report, found, files, ctx)
    if config.export_to:
        export = Export(
            files=files,
            maker=ctx.stage,
            made_from=(retrained.sha256,),
            same={"data": found.search.images.name},
        )
        export_files(export, config.export_to, "report.export_to")
    return ctx.store.write(report)


def write_files(found: RetrainedCells, folder: Path) -> dict[str, Path]:
    """Write page, text, plots, drawings and tables; returns them by name."""
    genotype = found.search.genotypes[found.winner].genotype()
    contents: dict[str, bytes] = {
        GENOTYPE_FILE: genotype_json(genotype).encode(),
        _TRIALS_FILE: trials_csv(found.search).encode(),
        _CELL_FILE: cell_png(found),
    }
    for name, data in contents.items():
        (folder / name).write_bytes(data)
    page = write_page(report_sections(found, _LINKS), folder)
    return {name: folder / name for name in (*contents, *page)}


def all_figures(found: RetrainedCells) -> dict[str, float]:
    """Figures of the run, those of its costs and of the ranking included."""
    measured = figures(found) | {"driver_share": driver_share(found.search)}
    ranking = agreements(found)
    for each in ranking.rungs:
        if each.spearman.low is not None:
            measured[f"spearman_rung_{each.lower}_{each.higher}"] = each.spearman.value
    if ranking.retrained is not None and ranking.retrained.spearman.low is not None:
        measured["spearman_rung_0_retrained"] = ranking.retrained.spearman.value
    return measured


def _track(
    report: SearchReport, found: RetrainedCells, files: dict[str, Path], ctx: StageContext
) -> None:
    tracker = ctx.tracker
    tracker.log_metrics(report.figures)
    tracker.set_tags({"winner": report.genotype_hash, "data": found.search.images.name})
    tracker.log_json(report.genotype.model_dump(mode="json"), GENOTYPE_FILE)
    for name, path in files.items():
        if path.suffix in _SHOWN:
            tracker.log_figure(path, name)
    for child in promoted_children(found):
        drawing = ctx.scratch / f"{child.name}.svg"
        cells = found.search.genotypes[child.genotype_hash].genotype()
        drawing.write_text(svg(draw_genotype(cells)), encoding="utf-8")
        is_winner = child.genotype_hash == report.genotype_hash
        tracker.log_child(
            child.name,
            params=child.params,
            metrics=child.metrics,
            tags={"winner": "yes" if is_winner else "no"},
            figures={"cell.svg": drawing},
        )
