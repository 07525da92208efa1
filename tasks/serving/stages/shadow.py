"""Third stage: the candidate answers what was asked before, beside the version that answers now.

Nobody is sent these answers. Without a request log the items of the bundle's own examples are
asked, one by one: how many of them are decided otherwise is what is counted.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tasks.bundle.arrays import read_golden
from tasks.bundle.manifest import Bundle, parse_bundle
from tasks.bundle.replay import items_of
from tasks.core.errors import ConfigError
from tasks.core.files import user_path
from tasks.core.models import BUNDLE_FILE
from tasks.core.ports import StageContext
from tasks.core.records import ArtifactRef
from tasks.core.stages import StageSpec, stage
from tasks.serving.differences import FAILED, Differences, compare_by
from tasks.serving.log import rows_of
from tasks.serving.release.client import Releasing
from tasks.serving.release.config import ShadowConfig
from tasks.serving.release.manifests import Candidate, CheckedBundle, Shadowed
from tasks.serving.types import Arrays

_EXAMPLES = "the bundle's examples"


@dataclass(frozen=True)
class _Question:
    signature: str
    arrays: Arrays


@stage(StageSpec(name="serving.shadow", section="shadow", reads_outside=True))
def ask_again(checked: ArtifactRef, config: ShadowConfig, ctx: StageContext) -> ArtifactRef:
    """Ask the candidate and the version that answers now what was asked before.

    Raises:
        ConfigError: The log can't be read, or has nothing of the model.
        TransientError: The server can't be reached.
    """
    found = ctx.store.read(checked, CheckedBundle)
    candidate, reasons = found.candidate, list(found.reasons)
    releasing = Releasing(ctx.server, candidate.served, candidate.holder)
    if not reasons and (why := releasing.wait_loaded(candidate.version, config.load_s)):
        reasons.append(f"load: {why}")
    told, source = Differences(), config.log or _EXAMPLES
    if not reasons:
        text = ctx.store.fetch(candidate.bundle[BUNDLE_FILE]).read_text("utf-8")
        bundle = parse_bundle(text, candidate.model)
        for each in _questions(candidate, bundle, config, ctx):
            told += _compared(releasing, candidate, bundle, each)
        reasons += _reasons(told, config)
    num_asked = told.num_compared + told.num_failed
    ctx.tracker.log_metrics(
        {
            "shadow_asked": num_asked,
            "shadow_failed": told.num_failed,
            "shadow_compared": told.num_compared,
            "shadow_disagreeing": told.num_disagreeing,
            "shadow_differing": told.num_differing,
        }
    )
    return ctx.store.write(
        Shadowed(
            checked=found,
            source=source,
            num_asked=num_asked,
            num_failed=told.num_failed,
            num_compared=told.num_compared,
            num_disagreeing=told.num_disagreeing,
            num_differing=told.num_differing,
            greatest=told.greatest if math.isfinite(told.greatest) else None,
            reasons=tuple(reasons),
        )
    )


def _questions(
    candidate: Candidate, bundle: Bundle, config: ShadowConfig, ctx: StageContext
) -> Iterator[_Question]:
    if not config.log:
        for name, signature in bundle.signatures.items():
            inputs, _ = read_golden(ctx.store.fetch(candidate.bundle[signature.golden]))
            yield from (_Question(name, item) for item in items_of(signature, inputs))
        return
    place = user_path(config.log, "log")
    if not place.exists():
        raise ConfigError(f"log: expected the folder or a file of a request log, got {place}")
    rows = (each for each in rows_of([Path(place)], candidate.served) if each.is_whole)
    newest = heapq.nlargest(
        config.max_rows, (each for each in rows if "+" not in each.signature), lambda x: x.asked_s
    )
    if not newest:
        raise ConfigError(
            f"log: {place} has no whole request of {candidate.served}; name another, or none for "
            f"{_EXAMPLES}"
        )
    for each in reversed(newest):
        yield _Question(each.signature, each.inputs())


def _compared(
    releasing: Releasing, candidate: Candidate, bundle: Bundle, question: _Question
) -> Differences:
    """How the candidate's answer differs from the other version's."""
    name = question.signature
    mine = releasing.infer(candidate.version, name, question.arrays)
    if mine is None or name not in bundle.signatures:
        return FAILED
    other = mine
    if candidate.stable is not None:
        asked = releasing.infer(candidate.stable, name, question.arrays)
        if asked is None:
            return Differences()  # nothing to compare with: it fails already
        other = asked
    return compare_by(bundle.signatures[name], other, mine)


def _reasons(told: Differences, config: ShadowConfig) -> Iterator[str]:
    num_asked = told.num_compared + told.num_failed
    for what, num, total, limit in (
        ("failed", told.num_failed, num_asked, config.max_failed),
        ("disagreeing", told.num_disagreeing, told.num_compared, config.max_disagreeing),
        ("differing", told.num_differing, told.num_compared, config.max_differing),
    ):
        if num > limit * total:
            yield (
                f"shadow: {num} of {total} answers are {what}, {limit:.1%} is allowed; look at the "
                f"differences, or change shadow.max_{what}"
            )
