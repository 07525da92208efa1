"""Fourth stage: the candidate answers a share of the live requests, which grows by steps.

How far it is stands at the server, beside the share that it has: whoever goes on after a crash, of
this stage or of the server, goes on from there.
"""

from __future__ import annotations

import logging
import time

from tasks.core.ports import StageContext
from tasks.core.records import ArtifactRef
from tasks.core.stages import StageSpec, stage
from tasks.serving.release.canary import GUARDS, Canary
from tasks.serving.release.client import Releasing
from tasks.serving.release.config import CanaryConfig
from tasks.serving.release.counts import Counts
from tasks.serving.release.manifests import Canaried, Candidate, Shadowed

_NOTE = "canary"

logger = logging.getLogger(__name__)


@stage(StageSpec(name="serving.canary", section="canary", reads_outside=True))
def try_live(shadowed: ArtifactRef, config: CanaryConfig, ctx: StageContext) -> ArtifactRef:
    """Let the candidate answer more and more, until all steps are done or a guard takes it back.

    Where no version answered before there is nothing to compare with, and no canary.

    Raises:
        ConfigError: Another release holds the model.
        TransientError: The server can't be reached.
    """
    found = ctx.store.read(shadowed, Shadowed)
    candidate = found.checked.candidate
    if found.reasons or candidate.stable is None:
        return ctx.store.write(Canaried(shadowed=found, canary=None, reasons=found.reasons))
    canary = _watch(
        Releasing(ctx.server, candidate.served, candidate.holder), candidate, config, ctx
    )
    reasons = (f"canary: {canary.reason}",) if canary.reason else ()
    return ctx.store.write(Canaried(shadowed=found, canary=canary, reasons=reasons))


def _watch(
    releasing: Releasing, candidate: Candidate, config: CanaryConfig, ctx: StageContext
) -> Canary:
    note = releasing.look().note.get(_NOTE)
    canary = _begin(releasing, candidate, config) if note is None else Canary.model_validate(note)
    looked_s = time.monotonic()
    while True:
        if releasing.look().candidate != candidate.version:
            return canary.model_copy(update={"reason": "ended: somebody let go of the model"})
        releasing.hold(
            candidate.version, canary.share(config), {_NOTE: canary.model_dump(mode="json")}
        )
        if canary.is_over(config):
            return canary
        time.sleep(config.poll_s)
        before, passed_s = canary, time.monotonic() - looked_s
        canary = canary.look(_counts(releasing, candidate, canary.limit_s), passed_s, config)
        looked_s += passed_s
        _tell(canary, before, config, ctx)


def _begin(releasing: Releasing, candidate: Candidate, config: CanaryConfig) -> Canary:
    assert candidate.stable is not None  # noqa: S101 - else there is no canary
    limit_s = releasing.counted().p99_s(candidate.stable)
    seen = _counts(releasing, candidate, limit_s)
    return Canary.begin(limit_s, seen, config)


def _counts(releasing: Releasing, candidate: Candidate, limit_s: float) -> tuple[Counts, Counts]:
    assert candidate.stable is not None  # noqa: S101 - else there is no canary
    counted = releasing.counted()
    return (
        counted.of(candidate.version, limit_s),
        counted.of(candidate.stable, limit_s, shadow=candidate.version),
    )


def _tell(canary: Canary, before: Canary, config: CanaryConfig, ctx: StageContext) -> None:
    mine, other = canary.total
    evidence = {f"evidence_{name}": canary.evidence(name) for name in GUARDS}
    ctx.tracker.log_metrics({"share": canary.share(config), **evidence}, mine.num)
    if canary.step != before.step or canary.reason:
        logger.info(
            "step %d of %d: %d answers of the candidate, %d of the other version; %s",
            min(before.step + 1, len(config.steps)),
            len(config.steps),
            mine.num,
            other.num,
            canary.reason or "passed",
        )
