"""Records of detection: images with boxes, and detectors that are trained on them."""

from __future__ import annotations

from typing import Any, ClassVar

from tasks.core.ports import Skipped
from tasks.core.records import FileRef, Record
from tasks.nas.space.genotype_file import GenotypeRecord


class BoxSplit(Record):
    """Square images of one size with the objects in them.

    Attributes:
        images: uint8 (num_images, side, side, 3), RGB, as ``.npy``.
        objects: ``boxes``, ``labels``, ``is_crowd`` and ``owners`` of
            `tasks.nas.detection.types.AnnotatedImages`, as ``.npz``.
        num_images: How many.
        num_objects: How many objects in all.
        num_small: Objects that are left out, because at this size they are too small to be seen.
    """

    schema_id = "nas.box_split/2"

    images: FileRef
    objects: FileRef
    num_images: int
    num_objects: int
    num_small: int = 0


class BoxData(Record):
    """A data set for detection.

    Attributes:
        name: What it is called.
        source: Where it comes from, for reports.
        classes: Names of the classes, in the order of their labels.
        side_px: Side of the images.
        mean: Mean of each channel over the training images, of 1.
        std: Standard deviation of the same.
        train: What detectors are trained on.
        test: What they are scored on.
        skipped: Images and annotations that can't be used, and why.
    """

    schema_id = "nas.boxes/2"

    name: str
    source: str
    classes: tuple[str, ...]
    side_px: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    train: BoxSplit
    test: BoxSplit
    skipped: tuple[Skipped, ...] = ()


class DetectTask(Record):
    """A detector to train and score.

    Attributes:
        item_id: Unique within its stage.
        name: What its backbone is called in reports.
        genotype: Cells of the backbone; None for a baseline.
        spec: `tasks.nas.models.sizes.NetworkSize` or `BaselineSize`, as JSON values.
        detector: `tasks.nas.detection.config.DetectorConfig`, as JSON values.
        recipe: `tasks.nas.detection.config.DetectorTrainingConfig`, as JSON values.
        seed: Decides initial weights and the order of images.
        initial: Weights of the backbone to begin with; None: drawn.
        frozen_standard: Of a backbone whose weights stay as they are: mean and deviation that it
            standardises images by, of 1. None: it is trained, and standardises by those of the
            training images.
    """

    schema_id = "nas.detect_task/1"
    unit: ClassVar[str] = "detectors"

    item_id: str
    name: str
    genotype: GenotypeRecord | None
    spec: dict[str, Any]
    detector: dict[str, Any]
    recipe: dict[str, Any]
    seed: int
    initial: FileRef | None
    frozen_standard: tuple[tuple[float, ...], tuple[float, ...]] | None = None


class CurvePoint(Record):
    """Where the training of a detector stood.

    Attributes:
        step: Steps done.
        loss: Mean loss since the point before.
        cpu_s: CPU seconds of training so far.
        mean_ap: Of the test images, IoU 0.5 to 0.95.
        ap50: The same at IoU 0.5.
    """

    schema_id = "nas.curve_point/1"

    step: int
    loss: float
    cpu_s: float
    mean_ap: float
    ap50: float


class TrainedDetector(Record):
    """A detector that was trained and scored.

    Attributes:
        item_id: That of its task.
        mean_ap: AP over IoU 0.5 to 0.95.
        ap50: AP at IoU 0.5.
        ap75: AP at IoU 0.75.
        ap_of_overlap: AP at IoU 0.5, 0.55, … 0.95.
        precision50: Precision at recall 0, 0.01, … 1; IoU 0.5, mean over classes.
        ap50_of_class: AP at IoU 0.5 by class, of those that occur.
        curve: How it went.
        num_params: Weights of the whole detector.
        backbone_mult_adds: Multiply-adds of the backbone for one image.
        backbone_depthwise_share: Share of them that mixes no channels.
        backbone_params: Weights of the backbone.
        train_cpu_s: CPU seconds of its training, scoring apart.
        image_cpu_s: CPU seconds for one image, measured over the test images.
        weights: Its state dict (``.pt``).
        picture: Test images with truth and detections (``.png``).
    """

    schema_id = "nas.detector/2"

    item_id: str
    mean_ap: float
    ap50: float
    ap75: float
    ap_of_overlap: tuple[float, ...]
    precision50: tuple[float, ...]
    ap50_of_class: dict[str, float]
    curve: tuple[CurvePoint, ...]
    num_params: int
    backbone_mult_adds: int
    backbone_depthwise_share: float
    backbone_params: int
    train_cpu_s: float
    image_cpu_s: float
    weights: FileRef
    picture: FileRef
