"""Last stage: the candidate answers all, or nobody; and the page that says why."""

from __future__ import annotations

import logging

from tasks.core.ports import StageContext
from tasks.core.records import ArtifactRef
from tasks.core.stages import StageSpec, stage
from tasks.report.page import write_page
from tasks.serving.release.client import Releasing
from tasks.serving.release.config import DecideConfig
from tasks.serving.release.manifests import Canaried, Decision
from tasks.serving.release.report import figures_of, sections_of

_SHOWN = (".png", ".html", ".md")

logger = logging.getLogger(__name__)


@stage(
    StageSpec(
        name="serving.decide",
        section="decide",
        libraries=("matplotlib", "jinja2"),
        reads_outside=True,
    )
)
def decide_release(canaried: ArtifactRef, config: DecideConfig, ctx: StageContext) -> ArtifactRef:
    """Promote the candidate if nothing speaks against it, else roll back; let go of the model.

    Raises:
        ConfigError: Another release holds the model.
        TransientError: The server can't be reached.
    """
    found = ctx.store.read(canaried, Canaried)
    candidate = found.shadowed.checked.candidate
    reasons = found.reasons
    if not reasons and not config.promotes:
        reasons = ("decide.promotes is off: it passed, and is left to a person",)
    is_promoted, figures = not reasons, figures_of(found)
    verdict = "promoted" if is_promoted else "rolled back"
    note = {"verdict": verdict, "version": candidate.version, "reasons": [*reasons]}
    Releasing(ctx.server, candidate.served, candidate.holder).end(
        candidate.version if is_promoted else None, {**note, "run": ctx.run_id}
    )
    logger.info(
        "%s version %d: %s%s",
        candidate.served,
        candidate.version,
        verdict,
        "".join(f"; {each}" for each in reasons),
    )
    sections = sections_of(found, verdict, reasons)
    files = {name: ctx.scratch / name for name in write_page(sections, ctx.scratch)}
    ctx.tracker.log_metrics({**figures, "promoted": float(is_promoted)})
    ctx.tracker.set_tags({"verdict": verdict, "reasons": "; ".join(reasons) or "none"})
    for name, path in files.items():
        if path.suffix in _SHOWN:
            ctx.tracker.log_figure(path, name)
    return ctx.store.write(
        Decision(
            model=candidate.model,
            version=candidate.version,
            before=candidate.stable,
            is_promoted=is_promoted,
            reasons=reasons,
            figures=figures,
            files={name: ctx.store.add(path, name) for name, path in files.items()},
        )
    )
