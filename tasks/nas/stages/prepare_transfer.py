"""Second stage of a transfer: read all images, and keep them as arrays."""

from __future__ import annotations

from tasks.core.errors import ConfigError
from tasks.core.outside.copies import path_of
from tasks.core.ports import StageContext
from tasks.core.records import ArtifactRef
from tasks.core.stages import StageSpec, stage
from tasks.nas.data.prepare import counts, prepare_data_set
from tasks.nas.detection.prepare import prepare_boxes
from tasks.nas.manifests import ImageData
from tasks.nas.transfer.config import PrepareTransferConfig
from tasks.nas.transfer.manifests import TransferData
from tasks.nas.transfer.timm_file import keep_timm


@stage(
    StageSpec(
        name="nas.prepare_transfer",
        section="prepare_transfer",
        libraries=("numpy", "pillow", "torchvision", "opencv-python-headless"),
        draws=True,
        reads_outside=True,
    )
)
def prepare_transfer(config: PrepareTransferConfig, ctx: StageContext) -> ArtifactRef:
    """Read the larger images, CIFAR for first weights, and images with boxes.

    Raises:
        ConfigError: A folder or a file is not named.
        DataError: One can't be used; says which and why.
    """
    if not config.data:
        raise ConfigError(
            "prepare_transfer.data is empty: name the folder of the images that networks are "
            "transferred to"
        )
    boxes = prepare_boxes(config.boxes, ctx)
    share = config.max_skipped_fraction
    images = _images(config.data, config.side_px, config.num_validation, share, ctx)
    cifar = None
    if config.from_cifar:
        cifar = _images(config.cifar, 0, config.num_cifar_validation, share, ctx)
    timm = None
    if config.timm:
        timm = keep_timm(path_of(config.timm, "prepare_transfer.timm"), ctx)
    return ctx.store.write(TransferData(images=images, cifar=cifar, boxes=boxes, timm=timm))


def _images(
    data: str, side_px: int, num_validation: int, max_skipped_fraction: float, ctx: StageContext
) -> ImageData:
    images = prepare_data_set(data, "cifar10", side_px, num_validation, max_skipped_fraction, ctx)
    ctx.tracker.log_metrics({f"{images.name}_{name}": n for name, n in counts(images).items()})
    return images
