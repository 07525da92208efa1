"""Fourth stage of a transfer: train detectors on the cells and on backbones of equal cost."""

from __future__ import annotations

from tasks.core.outcomes import split
from tasks.core.ports import StageContext
from tasks.core.records import ArtifactRef
from tasks.core.stages import StageSpec, stage
from tasks.nas.detection.item import train_one_detector
from tasks.nas.detection.settings import DetectionSettings, shared_box_arrays
from tasks.nas.transfer.detectors import detect_tasks
from tasks.nas.transfer.outcomes import DetectorScore, scores_of
from tasks.nas.transfer_config import DetectConfig
from tasks.nas.transfer_manifests import TrainedDetectors, TransferredNetworks


@stage(
    StageSpec(
        name="nas.detect",
        section="detect",
        libraries=("numpy", "torch", "torchvision", "faster-coco-eval", "matplotlib"),
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
    tasks, hopeless = split([*detect_tasks(found, boxes, config)], 1.0)
    settings = DetectionSettings(boxes=boxes, device=ctx.resources.device)
    arrays = shared_box_arrays(boxes, ctx.store)
    outcomes = ctx.items.map(train_one_detector, tasks, settings, shared=arrays)
    made, skipped = split([*hopeless, *outcomes], config.max_failed_fraction)
    scores = scores_of(tasks, made)
    _track(scores, len(skipped), ctx)
    return ctx.store.write(
        TrainedDetectors(
            boxes=boxes,
            tasks=tuple(tasks),
            detectors=made,
            skipped=skipped,
            mean_ap=max((each.mean_ap.value for each in scores), default=0.0),
        )
    )


def _track(scores: list[DetectorScore], num_failed: int, ctx: StageContext) -> None:
    metrics = {f"mean_ap_{each.name}": each.mean_ap.value for each in scores}
    metrics |= {f"ap50_{each.name}": each.ap50.value for each in scores}
    ctx.tracker.log_metrics(metrics | {"detectors_failed": float(num_failed)})
    for each in scores:
        one = each.any_detector
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
