"""Records of trainings: what is trained on what, and what came of it."""

from __future__ import annotations

from typing import Any

from tasks.core.ports import Skipped
from tasks.core.records import FileRef, Record
from tasks.graspgan.manifests import CropSet, MethodSet, Prepared


class Material(Record):
    """Samples that a training looks at.

    Attributes:
        crops: The set that they are of.
        looks: Kinds of looks.
        adapted: Their pictures as a generator adapted them, in place of looks; None without.
        gives_colours: Set whose stations' colours the pictures get first; None without.
        domain: Whose batch norms they take.
    """

    schema_id = "graspgan.material/1"

    crops: CropSet
    looks: tuple[str, ...] = ()
    adapted: FileRef | None = None
    gives_colours: CropSet | None = None
    domain: int = 0

    @property
    def says(self) -> str:
        """World and look, for people."""
        return f"{self.crops.world}, {'adapted' if self.adapted else ' and '.join(self.looks)}"


class PredictorTask(Record):
    """A training of C.

    Attributes:
        item_id: Method, target and seed.
        method: Name of the method.
        target: World that it is for; empty for simulation alone.
        seed: Number of the training.
        labelled: What it is trained on, with the domain of each.
        unlabelled: The target's pictures, for a domain classifier or its norms; None without.
        validation: What the training is chosen by: the mean of their areas.
        domain: Whose batch norms serve where the predictor is used.
        label_share: Share of the labels of the target's samples, of whole scenes.
        initial: Weights that it begins with; None: drawn.
        standardises: Whether each crop is standardised.
        descent: `tasks.graspgan.trainings.config.DescentConfig` as JSON values; None where it
            stays as it began.
        adversary: `AdversaryConfig` alike; None without a domain classifier.
        adapts_norms: Whether batch norms take the target's statistics at last.
    """

    schema_id = "graspgan.predictor_task/1"

    item_id: str
    method: str
    target: str
    seed: int
    labelled: tuple[Material, ...]
    unlabelled: Material | None
    validation: tuple[Material, ...]
    domain: int
    label_share: float
    initial: FileRef | None
    standardises: bool
    descent: dict[str, Any] | None
    adversary: dict[str, Any] | None
    adapts_norms: bool


class TrainedPredictor(Record):
    """C, trained.

    Attributes:
        item_id: Method, target and seed.
        method: Its name.
        target: What it is for; empty for simulation alone.
        seed: Number of the training.
        domain: Whose batch norms serve where it is used.
        weights: State dict.
        validation_auc: Of the split that it was chosen by.
        curve: Points of the training: step, losses and values.
        num_labels: Labels of the target that it was trained on.
        cpu_s: CPU seconds.
        chosen_by: Worlds and looks of that split; empty where it stays as it began.
        standardises: Whether it standardises each crop.
    """

    schema_id = "graspgan.trained_predictor/1"

    item_id: str
    method: str
    target: str
    seed: int
    domain: int
    weights: FileRef
    validation_auc: float
    curve: tuple[dict[str, Any], ...]
    num_labels: int
    cpu_s: float
    chosen_by: tuple[str, ...] = ()
    standardises: bool = True


class GeneratorTask(Record):
    """A training of a generator.

    Attributes:
        item_id: Name, target and seed.
        name: `tasks.graspgan.methods.GeneratorName`.
        target: World whose pictures it learns to make.
        seed: Number of the training.
        source: Simulated samples that it adapts.
        validation: The same of the split to choose by, adapted with them.
        pictures: The target's pictures, without labels.
        num_stations: Stations of the target.
        initial: Weights of C.
        config: `tasks.graspgan.trainings.config.GeneratorConfig` as JSON values.
        num_looks: How often each sample is adapted.
    """

    schema_id = "graspgan.generator_task/1"

    item_id: str
    name: str
    target: str
    seed: int
    source: Material
    validation: Material
    pictures: Material
    num_stations: int
    initial: FileRef
    config: dict[str, Any]
    num_looks: int


class TrainedGenerator(Record):
    """A generator, trained, and what it made.

    Attributes:
        item_id: That of its task.
        name: Of the generator.
        target: World whose pictures it makes.
        seed: Number of the training.
        weights: State dict of the generator.
        adapted: Samples of the source as it adapted them, npz; in the source's order.
        adapted_validation: The same of the split to choose by.
        grid: Picture: simulated, adapted, the map that it predicts, and real ones.
        curve: Points of the training: step, losses and health.
        cpu_s: CPU seconds.
    """

    schema_id = "graspgan.trained_generator/1"

    item_id: str
    name: str
    target: str
    seed: int
    weights: FileRef
    adapted: FileRef
    adapted_validation: FileRef
    grid: FileRef
    curve: tuple[dict[str, Any], ...]
    cpu_s: float


class Pretrained(Record):
    """C as simulation taught it, seed by seed.

    Attributes:
        prepared: What it was trained on.
        methods: Which methods begin with it.
        predictors: From plain simulation, and from random looks after that; by method and seed.
        best_auc: Of the predictors that saw random looks, on simulated validation: the mean.
    """

    schema_id = "graspgan.pretrained/1"

    prepared: Prepared
    methods: MethodSet
    predictors: tuple[TrainedPredictor, ...]
    best_auc: float

    def of(self, method: str, seed: int) -> TrainedPredictor:
        """The predictor of a method and a seed."""
        return next(e for e in self.predictors if (e.method, e.seed) == (method, seed))


class Adapted(Record):
    """Generators of all targets.

    Attributes:
        pretrained: What they began with.
        generators: By name, target and seed.
        skipped: What could not be trained, and why.
        task_loss: Mean loss of C on adapted pictures at the end.
    """

    schema_id = "graspgan.adapted/1"

    pretrained: Pretrained
    generators: tuple[TrainedGenerator, ...]
    skipped: tuple[Skipped, ...]
    task_loss: float


class Trained(Record):
    """C trained by all methods.

    Attributes:
        adapted: What they began with.
        predictors: By method, target and seed.
        skipped: What could not be trained, and why.
        validation_auc: Mean over the predictors.
    """

    schema_id = "graspgan.trained/1"

    adapted: Adapted
    predictors: tuple[TrainedPredictor, ...]
    skipped: tuple[Skipped, ...]
    validation_auc: float
