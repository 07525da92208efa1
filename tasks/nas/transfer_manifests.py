"""Records that the stages of `transfer_cells` pass on, beside those of `tasks.nas.manifests`."""

from __future__ import annotations

from typing import Any, ClassVar

from tasks.core.ports import Skipped
from tasks.core.records import FileRef, Record
from tasks.nas.manifests import ImageData, TrainedNetwork, TrainTask
from tasks.nas.space.genotype_file import GenotypeRecord


class ChosenCells(Record):
    """The cells that are transferred.

    Attributes:
        name: What reports call them: the published name, or ``cells``.
        origin: Where they come from.
        genotype: The cells.
        genotype_hash: Their hash.
    """

    schema_id = "nas.chosen_cells/1"

    name: str
    origin: str
    genotype: GenotypeRecord
    genotype_hash: str


class BoxSplit(Record):
    """Square images of one size with the objects in them.

    Attributes:
        images: uint8 (num_images, side, side, 3), RGB, as ``.npy``.
        objects: ``boxes``, ``labels``, ``is_crowd`` and ``owners`` of
            `tasks.nas.detection.types.AnnotatedImages`, as ``.npz``.
        num_images: How many.
        num_objects: How many objects in all.
    """

    schema_id = "nas.box_split/1"

    images: FileRef
    objects: FileRef
    num_images: int
    num_objects: int


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
    """

    schema_id = "nas.boxes/1"

    name: str
    source: str
    classes: tuple[str, ...]
    side_px: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    train: BoxSplit
    test: BoxSplit


class TransferData(Record):
    """All images of a run.

    Attributes:
        images: What networks are transferred to.
        cifar: What their weights come from; None for no such training.
        boxes: Images with boxes; None for no detection.
    """

    schema_id = "nas.transfer_data/1"

    images: ImageData
    cifar: ImageData | None
    boxes: BoxData | None


class TransferredNetworks(Record):
    """Classifiers of the larger images.

    Attributes:
        cells: What was transferred.
        data: The images.
        tasks: What was trained, in order; those of group ``cifar`` come first.
        size_of: Size of each task, ``small``, ``medium`` or ``large``, by item id.
        networks: What came of the tasks; failed ones are left out.
        skipped: Tasks that could not be trained, with the reason.
        test_accuracy: Best mean over seeds, share of the test images.
    """

    schema_id = "nas.transferred/1"

    cells: ChosenCells
    data: TransferData
    tasks: tuple[TrainTask, ...]
    size_of: dict[str, str]
    networks: tuple[TrainedNetwork, ...]
    skipped: tuple[Skipped, ...]
    test_accuracy: float


class DetectTask(Record):
    """A detector to train and score.

    Attributes:
        item_id: Unique within its stage.
        name: What its backbone is called in reports.
        genotype: Cells of the backbone; None for a baseline.
        spec: `tasks.nas.specs.NetworkSpec` or `BaselineSpec`, as JSON values.
        detector: `tasks.nas.detection.recipe.DetectorSettings`, as JSON values.
        recipe: `tasks.nas.detection.recipe.DetectionRecipe`, as JSON values.
        seed: Decides initial weights and the order of images.
        initial: Weights of the backbone to begin with; None: drawn.
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
        backbone_params: Weights of the backbone.
        train_cpu_s: CPU seconds of its training, scoring apart.
        image_cpu_s: CPU seconds for one image, measured over the test images.
        weights: Its state dict (``.pt``).
        picture: Test images with truth and detections (``.png``).
    """

    schema_id = "nas.detector/1"

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
    backbone_params: int
    train_cpu_s: float
    image_cpu_s: float
    weights: FileRef
    picture: FileRef


class TrainedDetectors(Record):
    """The detectors of a run.

    Attributes:
        boxes: The images; None if there was nothing to detect.
        tasks: What was trained, in order.
        detectors: What came of it; failed ones are left out.
        skipped: Tasks that could not be trained, with the reason.
        mean_ap: Best mean over seeds; 0 if there was nothing to detect.
    """

    schema_id = "nas.detectors/1"

    boxes: BoxData | None
    tasks: tuple[DetectTask, ...]
    detectors: tuple[TrainedDetector, ...]
    skipped: tuple[Skipped, ...]
    mean_ap: float


class ModelEntry(Record):
    """A winning model, and what became of it in the registry.

    Attributes:
        model: Its name in the registry.
        network: What reports call the network.
        item_id: Training that its weights come from.
        data: Data set that it is for.
        metric: Name of the figure by which it competes.
        value: The figure.
        version: Its version; None where there is no registry.
        is_champion: Whether the alias points to it.
        reason: Why, or why not.
        files: The package: network (``.pt2``), genotype, golden inputs and outputs.
    """

    schema_id = "nas.model_entry/1"

    model: str
    network: str
    item_id: str
    data: str
    metric: str
    value: float
    version: int | None
    is_champion: bool
    reason: str
    files: dict[str, FileRef]


class RegisteredModels(Record):
    """The winning models of a run.

    Attributes:
        models: At most one for each data set.
        num_models: How many.
    """

    schema_id = "nas.registered_models/1"

    models: tuple[ModelEntry, ...]
    num_models: int


class TransferReport(Record):
    """What a run of `transfer_cells` found: what the asset's event names.

    Attributes:
        cells: What was transferred.
        figures: Figures of the report, by name.
        models: The winning models.
        files: Pages, plots and tables, by name.
    """

    schema_id = "nas.transfer_report/1"

    cells: ChosenCells
    figures: dict[str, float]
    models: tuple[ModelEntry, ...]
    files: dict[str, FileRef]
