"""Seventh stage: say what came out, in one page."""

from __future__ import annotations

from tasks.core.export import Export, export_files
from tasks.core.ports import StageContext
from tasks.core.records import ArtifactRef, FileRef, Record
from tasks.core.stages import StageSpec, stage
from tasks.graspgan.config import ReportConfig
from tasks.graspgan.judging.manifests import Evaluation
from tasks.graspgan.report.claims import nearest_control
from tasks.graspgan.report.contents import report_sections
from tasks.report.page import Link, write_page

_LINKS = (Link("This page as text", "report.md"),)
_SHOWN = (".png", ".html", ".md")


class Report(Record):
    """The page, and the figures that runs are compared by.

    Attributes:
        figures: By name.
        files: The page and its pictures.
    """

    schema_id = "graspgan.report/1"

    figures: dict[str, float]
    files: dict[str, FileRef]


@stage(
    StageSpec(name="graspgan.report", section="report", libraries=("numpy", "matplotlib", "jinja2"))
)
def write_report(found: ArtifactRef, config: ReportConfig, ctx: StageContext) -> ArtifactRef:
    """Write the page, track it, and copy it to where people look."""
    evaluation = ctx.store.read(found, Evaluation)
    generators = evaluation.trained.adapted.generators
    grids = {g.item_id: ctx.store.fetch(g.grid).read_bytes() for g in generators if g.seed == 0}
    films = {
        f"{result.target}/{name}": ctx.store.fetch(film).read_bytes()
        for result in evaluation.targets
        for name, film in result.films.items()
    }
    sections = report_sections(evaluation, grids, films, _LINKS)
    files = {name: ctx.scratch / name for name in write_page(sections, ctx.scratch)}
    report = Report(
        figures=_figures(evaluation),
        files={name: ctx.store.add(path, name) for name, path in files.items()},
    )
    ctx.tracker.log_metrics(report.figures)
    for name, path in files.items():
        if path.suffix in _SHOWN:
            ctx.tracker.log_figure(path, name)
    if config.export_to:
        attempts = evaluation.trained.adapted.pretrained.prepared.attempts
        export = Export(
            files=files,
            maker=ctx.stage,
            made_from=(found.sha256,),
            same={"targets": " ".join(attempts.targets)},
        )
        export_files(export, config.export_to, "report.export_to")
    return ctx.store.write(report)


def _figures(evaluation: Evaluation) -> dict[str, float]:
    """Of each target: areas that the claims are about, and what they come to."""
    found = {f"simulation_{name}": each.value for name, each in evaluation.simulation.items()}
    for result in evaluation.targets:
        by_name = {each.method: each for each in result.methods}
        best, control = by_name[result.best_adapted], by_name[result.best_control]
        named = {
            "best_control": control.area,
            "adapted": best.area,
            "adapted_minus_control": best.over_control,
            "adapted_minus_randomised": best.over_randomised,
            "closed_share": result.closed_share,
            "label_factor": result.label_factor,
            "label_factor_randomised": result.label_factor_randomised,
            **{f"closed_of_randomised_{k}": v for k, v in result.closed_of_randomised.items()},
            "label_equivalent": result.label_equivalent,
            "success_gain": result.success_gain,
            "success_ratio": result.success_ratio,
            "labels_minus_nearest_control": (nearest_control(result) or ("", None))[1],
        }
        found |= {f"{result.target}_{k}": v.value for k, v in named.items() if v is not None}
    return found
