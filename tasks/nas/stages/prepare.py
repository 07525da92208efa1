"""First stage: read the images, wherever they are, and keep them as arrays with fixed splits."""

from __future__ import annotations

from tasks.core.ports import StageContext
from tasks.core.records import ArtifactRef
from tasks.core.seeds import rng
from tasks.core.stages import StageSpec, stage
from tasks.nas.config import PrepareConfig
from tasks.nas.data.keep import keep_images
from tasks.nas.data.read import deal, read_images


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
    raw = read_images(config.data, config.data_set, config.side_px)
    splits = deal(raw, config.num_validation, rng(ctx.seed, ctx.stage, raw.name))
    ctx.tracker.log_metrics(
        {f"{name}_images": float(len(part)) for name, part in vars(splits).items()}
    )
    return ctx.store.write(keep_images(raw, splits, ctx.store, ctx.scratch))
