"""Second stage: search cells, beside a random control, with children trained in parallel.

Each child is an item that is committed by the worker that trained it and kept under its canonical
hash, budget, replicate and code: other searches and later runs find it. The order of the ends is
noted, so that a search killed at any moment is replayed to the same state and goes on.
"""

from __future__ import annotations

import time

from tasks.core.ports import StageContext
from tasks.core.records import ArtifactRef
from tasks.core.stages import StageSpec, stage
from tasks.nas.config import SearchConfig
from tasks.nas.manifests import ImageData, SearchLog
from tasks.nas.search.loop import check_failures, run
from tasks.nas.search.opening import CONTROL, expected, open_campaign, rungs_of, screen_of
from tasks.nas.training.child import ChildImages, train_child
from tasks.nas.training.shared_images import shared_arrays


@stage(
    StageSpec(
        name="nas.search",
        section="search",
        libraries=("numpy", "torch", "numba"),
        device="any",
        tolerances=(("accuracy", 0.02),),
        replays=True,
    )
)
def search_cells(images: ArtifactRef, config: SearchConfig, ctx: StageContext) -> ArtifactRef:
    """Run all searches of a campaign to their ends."""
    begun_s = time.process_time()
    data = ctx.store.read(images, ImageData)
    shared = ChildImages(
        images=data,
        device=ctx.resources.device,
        learning_rate=config.learning_rate,
        batch_size=config.batch_size,
    )
    sides = [rung.image_px for rung in rungs_of(config)]
    arrays = shared_arrays(data, sides, ctx.store)
    campaign = open_campaign(config, screen_of(config, shared, arrays))
    with ctx.items.pool(train_child, shared, expected(config), shared=arrays) as pool:
        run(campaign, pool, config, ctx)
    check_failures(campaign.trials, config.max_failed_fraction)
    top = max(trial.rung for trial in campaign.trials)
    return ctx.store.write(
        SearchLog(
            images=data,
            rungs=tuple(campaign.rungs),
            searches=tuple(each.name for each in campaign.searches),
            control=CONTROL,
            trials=tuple(campaign.trials),
            genotypes=campaign.genotypes,
            accuracy=max(t.accuracy or 0.0 for t in campaign.trials if t.rung == top),
            children_cpu_s=sum(trial.cpu_s for trial in campaign.trials),
            driver_cpu_s=time.process_time() - begun_s,
        )
    )
