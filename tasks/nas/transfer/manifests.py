"""Records that the stages of `transfer_cells` pass on, beside those of `tasks.nas.manifests`."""

from __future__ import annotations

from typing import Any

from tasks.core.ports import Skipped
from tasks.core.records import FileRef, Record
from tasks.nas.detection.manifests import BoxData, DetectTask, TrainedDetector
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


class TimmBackbone(Record):
    """A network with weights of timm, for detectors that leave them as they are.

    Attributes:
        name: What reports call it.
        genotype: Its cells; None for a ResNet.
        spec: `tasks.nas.models.sizes.NetworkSize` or `BaselineSize`, as JSON values.
        standard: Mean and deviation that its weights want images to be standardised by, of 1.
        weights: Its state dict (``.pt``), under the names of the network that is built here.
    """

    schema_id = "nas.timm_backbone/1"

    name: str
    genotype: GenotypeRecord | None
    spec: dict[str, Any]
    standard: tuple[tuple[float, ...], tuple[float, ...]]
    weights: FileRef


class TransferData(Record):
    """All images of a run.

    Attributes:
        images: What networks are transferred to.
        cifar: What their weights come from; None for no such training.
        boxes: Images with boxes; None for no detection.
        timm: A backbone with weights of timm; None where no file is named.
    """

    schema_id = "nas.transfer_data/2"

    images: ImageData
    cifar: ImageData | None
    boxes: BoxData | None
    timm: TimmBackbone | None = None


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
        files: The files of its bundle, its answers and its genotype, by name.
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
