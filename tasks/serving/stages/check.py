"""Second stage: each network of the bundle must give the golden outputs, in any company."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from tasks.bundle.curve import measure
from tasks.bundle.folders import gather
from tasks.bundle.manifest import parse_bundle
from tasks.bundle.replay import replay_network
from tasks.bundle.runtimes import Servable
from tasks.core.models import BUNDLE_FILE
from tasks.core.ports import ItemFolder, Skipped, StageContext
from tasks.core.records import ArtifactRef
from tasks.core.stages import StageSpec, stage
from tasks.serving.release.config import CheckConfig
from tasks.serving.release.manifests import (
    Candidate,
    CheckedBundle,
    CheckedNetwork,
    NetworkToCheck,
)


@stage(
    StageSpec(
        name="serving.check",
        section="check",
        libraries=("numpy", "onnxruntime", "torch"),
        tolerances=(("num_signatures", 0.0),),  # times differ
    )
)
def check_bundle(candidate: ArtifactRef, config: CheckConfig, ctx: StageContext) -> ArtifactRef:
    """Replay a candidate's golden examples in all its networks, and measure what batches gain."""
    found = ctx.store.read(candidate, Candidate)
    manifest = ctx.store.fetch(found.bundle[BUNDLE_FILE])
    names = parse_bundle(manifest.read_text("utf-8"), found.model).networks
    items = [NetworkToCheck(item_id=name, bundle=found.bundle) for name in names]
    outcomes = ctx.items.map(check_network, items, config)
    made = tuple(each for each in outcomes if not isinstance(each, Skipped))
    skipped = [each for each in outcomes if isinstance(each, Skipped)]
    for network in made:
        for size, us in network.curve:
            ctx.tracker.log_metrics({f"{network.item_id}_cpu_us_an_item": us}, size)
    return ctx.store.write(
        CheckedBundle(
            candidate=found,
            num_signatures=sum(each.num_signatures for each in made),
            networks=made,
            reasons=(*(f"check: {each.reason}" for each in skipped), *_slow(made, config)),
        )
    )


def _slow(made: tuple[CheckedNetwork, ...], config: CheckConfig) -> Iterator[str]:
    if config.max_us is None or not made or not made[0].curve:
        return
    _, us = made[0].curve[0]
    if us > config.max_us:
        yield (
            f"check: an item takes {us:,.0f} us in network {made[0].item_id}, expected at "
            f"most {config.max_us:,.0f}; make it smaller, or change check.max_us"
        )


def check_network(
    item: NetworkToCheck,
    config: CheckConfig,  # noqa: ARG001 - of the stage
    folder: ItemFolder,
) -> CheckedNetwork:
    """Check one network.

    Raises:
        DataError: The bundle is none, or the network gives something else.
    """
    with tempfile.TemporaryDirectory(prefix="orrery-check-") as place:
        bundle_folder = Path(place) / "bundle"
        files = {name: folder.fetch(file) for name, file in item.bundle.items()}
        bundle = gather(files, bundle_folder)
        servable = Servable(bundle_folder, bundle, item.item_id)
        replayed = replay_network(servable)
        curve = measure(servable)
    return CheckedNetwork(
        item_id=item.item_id,
        runtime=bundle.networks[item.item_id].runtime,
        num_signatures=len(replayed),
        difference=max(each.difference for each in replayed),
        curve=curve,
    )
