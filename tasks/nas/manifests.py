"""Records that the stages of `search_cells` and `transfer_cells` pass on."""

from __future__ import annotations

from typing import Any, ClassVar

from tasks.core.ports import Skipped
from tasks.core.records import FileRef, Record, Sha256
from tasks.nas.space.genotype_file import GenotypeRecord


class ImageSplit(Record):
    """Images with their labels.

    Attributes:
        images: uint8 (num_images, side, side, 3), RGB, as ``.npy``.
        labels: int64 (num_images,), as ``.npy``.
        photos: uint8 (num_images, 32), what names each image as it was before it was resized, as
            ``.npy``; see `tasks.nas.data.photos.name_photos`.
        num_images: How many.
        content: Digest of these photos and of their classes' names, in whatever order.
    """

    schema_id = "nas.image_split/2"

    images: FileRef
    labels: FileRef
    photos: FileRef
    num_images: int
    content: Sha256


class ImageData(Record):
    """A data set of square images of one size, ready for training.

    Attributes:
        name: What it is called, e.g. ``cifar10``.
        source: Where it comes from and what was done to it, for reports.
        classes: Names of the classes, in the order of their labels.
        side_px: Side of the images.
        mean: Mean of each channel over the training images, of 1.
        std: Standard deviation of the same.
        train: What networks are trained on. Any prefix is nearly balanced between classes.
        validation: What searches and choices look at.
        test: What only reports look at.
        skipped: Images that can't be used, and why.
    """

    schema_id = "nas.images/3"

    name: str
    source: str
    classes: tuple[str, ...]
    side_px: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    train: ImageSplit
    validation: ImageSplit
    test: ImageSplit
    skipped: tuple[Skipped, ...] = ()


class Rung(Record):
    """How much is spent on a child: the size of its network and of its training.

    Attributes:
        image_px: Side that images are brought to.
        num_filters: F.
        num_cells: N.
        num_images: Training images, from the front.
        num_validation: Validation images, from the front.
        num_epochs: Passes over the training images; each rung has an annealed schedule of its own.
    """

    schema_id = "nas.rung/1"

    image_px: int
    num_filters: float
    num_cells: int
    num_images: int
    num_validation: int
    num_epochs: int


class ChildTask(Record):
    """A child to train.

    Attributes:
        item_id: ``<hash>-r<rung>-s<replicate>``, the hash cut to 16 digits.
        genotype: Canonical form of its cells.
        genotype_hash: See `tasks.nas.space.canonical.genotype_hash`.
        rung: Number of the rung.
        budget: What the rung spends.
        replicate: Number that decides initial weights and order of images, with the hash.
    """

    schema_id = "nas.child_task/1"
    unit: ClassVar[str] = "children"

    item_id: str
    genotype: GenotypeRecord
    genotype_hash: str
    rung: int
    budget: Rung
    replicate: int


class ChildResult(Record):
    """A trained child.

    Attributes:
        item_id: That of its task.
        accuracy: Share of the validation images that it classifies rightly.
        train_loss: Mean loss of the last epoch.
        num_params: Its weights.
        mult_adds: Multiply-adds of one image.
        cpu_s: CPU seconds that it took, evaluation included.
    """

    schema_id = "nas.child/1"

    item_id: str
    accuracy: float
    train_loss: float
    num_params: int
    mult_adds: int
    cpu_s: float


class Trial(Record):
    """One end in the log of a campaign, in the order in which searches were told.

    Attributes:
        search: Name of the search, ``<strategy>-<seed>``.
        genotype_hash: The child.
        rung: The rung that it ended.
        accuracy: Validation accuracy; None if it could not be trained.
        reason: Why not; empty if it could.
        num_params: Weights, 0 if it could not be trained.
        mult_adds: Multiply-adds of one image, at this rung; 0 if it could not be trained.
        cpu_s: CPU seconds of its training; 0 where another trial had trained it.
        is_reused: Whether this search or another had its result already.
    """

    schema_id = "nas.trial/1"

    search: str
    genotype_hash: str
    rung: int
    accuracy: float | None
    reason: str
    num_params: int
    mult_adds: int
    cpu_s: float
    is_reused: bool


class SearchLog(Record):
    """What the searches of a run trained, in order.

    Attributes:
        images: The data.
        rungs: What each rung spends.
        searches: Names of the searches, the random control among them.
        control: Name of the random control.
        trials: All ends.
        genotypes: Cells by hash.
        accuracy: Best validation accuracy at the highest rung that was reached.
        children_cpu_s: CPU seconds of all children that were trained.
        driver_cpu_s: CPU seconds of the stage's own process.
    """

    schema_id = "nas.search/1"

    images: ImageData
    rungs: tuple[Rung, ...]
    searches: tuple[str, ...]
    control: str
    trials: tuple[Trial, ...]
    genotypes: dict[str, GenotypeRecord]
    accuracy: float
    children_cpu_s: float
    driver_cpu_s: float


class TrainTask(Record):
    """A network to train and score.

    Attributes:
        item_id: Unique within its stage.
        group: What it is compared within, e.g. ``top``, ``random``, ``final``, ``scratch``.
        name: What the network is called in reports, e.g. ``nasnet_a``, ``resnet``.
        search: Search that found it; empty for others.
        genotype: Its cells; None for a baseline.
        spec: `tasks.nas.models.sizes.NetworkSize` or `BaselineSize`, as JSON values.
        image_px: Side that images are brought to.
        num_images: Training images, from the front; 0 for all.
        recipe: `tasks.nas.training.config.TrainingConfig`, as JSON values.
        seed: Decides initial weights and the order of images.
        initial: Weights to begin with (``.pt``, a state dict), classifier apart; None: drawn.
    """

    schema_id = "nas.train_task/1"
    unit: ClassVar[str] = "networks"

    item_id: str
    group: str
    name: str
    search: str
    genotype: GenotypeRecord | None
    spec: dict[str, Any]
    image_px: int
    num_images: int
    recipe: dict[str, Any]
    seed: int
    initial: FileRef | None


class TrainedNetwork(Record):
    """A network that was trained and scored.

    Attributes:
        item_id: That of its task.
        validation_accuracy: Share of the validation images that it classifies rightly.
        test_accuracy: Share of the test images.
        train_loss: Mean loss of the last epoch.
        num_params: Its weights.
        mult_adds: Multiply-adds of one image.
        depthwise_share: Share of them that mixes no channels.
        train_cpu_s: CPU seconds of its training.
        image_cpu_s: CPU seconds to classify one image, measured over the test images.
        curve: Validation accuracy after each epoch.
        weights: Its state dict (``.pt``).
    """

    schema_id = "nas.trained/2"

    item_id: str
    validation_accuracy: float
    test_accuracy: float
    train_loss: float
    num_params: int
    mult_adds: int
    depthwise_share: float
    train_cpu_s: float
    image_cpu_s: float
    curve: tuple[float, ...]
    weights: FileRef


class RetrainedCells(Record):
    """The networks of a run that were trained longer.

    Attributes:
        search: What the searches found.
        tasks: What was trained, in order.
        networks: What came of it; tasks that failed are left out here and listed in `skipped`.
        skipped: Item ids of tasks that could not be trained, with the reason.
        winner: Hash of the cells that were chosen by validation accuracy.
        validation_accuracy: Mean of the winner.
    """

    schema_id = "nas.retrained/2"

    search: SearchLog
    tasks: tuple[TrainTask, ...]
    networks: tuple[TrainedNetwork, ...]
    skipped: dict[str, str]
    winner: str
    validation_accuracy: float


class SearchReport(Record):
    """What a run of `search_cells` found; what `transfer_cells` starts from.

    Attributes:
        genotype: The winner's cells.
        genotype_hash: Their hash.
        figures: Figures of the report, by name.
        files: Pages, plots and drawings, by name.
    """

    schema_id = "nas.search_report/1"

    genotype: GenotypeRecord
    genotype_hash: str
    figures: dict[str, float]
    files: dict[str, FileRef]
