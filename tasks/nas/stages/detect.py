"""Fourth stage of a transfer: train detectors on the cells and on backbones of equal cost."""

from __future__ import annotations

from tasks.core.ports import StageContext
from tasks.core.records import ArtifactRef
from tasks.core.stages import StageSpec, stage
from tasks.nas.detection.item import train_one_detector
from tasks.nas.detection.shared_boxes import SharedBoxes, shared_box_arrays
from tasks.nas.training.train_all import train_all
from tasks.nas.transfer.config import DetectConfig
from tasks.nas.transfer.detectors import detect_tasks
from tasks.nas.transfer.manifests import TrainedDetectors, TransferredNetworks
from tasks.nas.transfer.scores import DetectorScore, scores_of


@stage(
    StageSpec(
        name="nas.detect",
        section="detect",
        libraries=("numpy", "torch", "torchvision", "numba", "faster-coco-eval", "matplotlib"),
        device="any",
        tolerances=(("mean_ap", 0.05),),
    )
)
def detect_objects(networks: ArtifactRef, config: DetectConfig, ctx: StageContext) -> ArtifactRef:
    """Train detectors with several seeds; nothing where the run has no images with boxes.

    Raises:
        ConfigError: No width of a backbone costs what is asked.
        DataError: Too many trainings failed; says which and why.
    """
    found = ctx.store.read(networks, TransferredNetworks)
    boxes = found.data.boxes
    if boxes is None:
        return ctx.store.write(
            TrainedDetectors(boxes=None, tasks=(), detectors=(), skipped=(), mean_ap=0.0)
        )
    ends = train_all(
        train_one_detector,
        detect_tasks(found, boxes, config),
        SharedBoxes(boxes=boxes, device=ctx.resources.device),
        shared_box_arrays(boxes, ctx.store),
        config.max_failed_fraction,
        ctx,
    )
    scores = scores_of(ends.tasks, ends.made)
    _track(scores, len(ends.skipped), ctx)
    return ctx.store.write(
        TrainedDetectors(
            boxes=boxes,
            tasks=ends.tasks,
            detectors=ends.made,
            skipped=ends.skipped,
            mean_ap=max((each.mean_ap.value for each in scores), default=0.0),
        )
    )


def _track(scores: list[DetectorScore], num_failed: int, ctx: StageContext) -> None:
    metrics = {f"mean_ap_{each.name}": each.mean_ap.value for each in scores}
    metrics |= {f"ap50_{each.name}": each.ap50.value for each in scores}
    ctx.tracker.log_metrics(metrics | {"detectors_failed": float(num_failed)})
    for each in scores:
        one = each.any_one
        ctx.tracker.log_child(
            f"detector-{each.name}",
            params={"backbone": each.name},
            metrics={
                "mean_ap": each.mean_ap.value,
                "ap50": each.ap50.value,
                "backbone_mult_adds": float(one.backbone_mult_adds),
                "num_params": float(one.num_params),
                "train_cpu_s": each.mean("train_cpu_s"),
                "image_cpu_s": each.mean("image_cpu_s"),
            },
            figures={"detections.png": ctx.store.fetch(one.picture)},
        )
