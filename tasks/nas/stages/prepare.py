"""First stage: read the images, wherever they are, and keep them as arrays with fixed splits."""

from __future__ import annotations

from tasks.core.ports import StageContext
from tasks.core.records import ArtifactRef
from tasks.core.stages import StageSpec, stage
from tasks.nas.config import PrepareConfig
from tasks.nas.data.prepare import counts, prepare_data_set


@stage(
    StageSpec(
        name="nas.prepare",
        section="prepare",
        libraries=("numpy", "pillow", "torchvision"),
        draws=True,
        reads_outside=True,
    )
)
def prepare_images(config: PrepareConfig, ctx: StageContext) -> ArtifactRef:
    """Read a data set, deal it out to splits and keep them."""
    images = prepare_data_set(
        config.data,
        config.data_set,
        config.side_px,
        config.num_validation,
        config.max_skipped_fraction,
        ctx,
    )
    ctx.tracker.log_metrics(counts(images))
    return ctx.store.write(images)
