"""Records of tests: what is asked, and what it came to."""

from __future__ import annotations

from pydantic import Field

from tasks.core.records import FileRef, Record
from tasks.graspgan.manifests import CropSet
from tasks.graspgan.trainings.manifests import Trained, TrainedPredictor


class ScoreTask(Record):
    """A predictor to ask about samples.

    Attributes:
        item_id: Predictor, with what it is asked about.
        predictor: C.
        asked: Sets whose samples it is asked about.
    """

    schema_id = "graspgan.score_task/1"

    item_id: str
    predictor: TrainedPredictor
    asked: tuple[CropSet, ...]


class TreesTask(Record):
    """Trees to train on few numbers, and to ask.

    Attributes:
        item_id: Kind, training set and seed.
        kind: `tasks.graspgan.judging.scoring.TREES`.
        trained_on: Set with labels.
        seed: Decides the trees.
        asked: Sets whose samples they are asked about.
    """

    schema_id = "graspgan.trees_task/1"

    item_id: str
    kind: str
    trained_on: CropSet
    seed: int
    asked: tuple[CropSet, ...]


class Scores(Record):
    """What was said of samples.

    Attributes:
        item_id: That of its task.
        scores: By name of the set, (n,); npz.
    """

    schema_id = "graspgan.scores/1"

    item_id: str
    scores: FileRef


class ProgramTask(Record):
    """A predictor to export.

    Attributes:
        item_id: That of the predictor.
        predictor: C.
    """

    schema_id = "graspgan.program_task/1"

    item_id: str
    predictor: TrainedPredictor


class PredictorProgram(Record):
    """A predictor as a program that a policy asks.

    Attributes:
        item_id: That of its task.
        method: Name of the method.
        target: World.
        program: ``.pt2``; see `tasks.grasping.policy_model`.
    """

    schema_id = "graspgan.predictor_program/1"

    item_id: str
    method: str
    target: str
    program: FileRef


class GraspTask(Record):
    """A scene in which a predictor's grasps are tried.

    Attributes:
        item_id: Method, target and scene.
        scene_id: The scene's id; it decides all draws, for all methods alike.
        method: Name of the method.
        target: World.
        program: C as a program, ``.pt2``.
        num_grasps: Grasps to try.
        seed: Number of the training.
    """

    schema_id = "graspgan.grasp_task/1"

    item_id: str
    scene_id: str
    method: str
    target: str
    program: FileRef
    num_grasps: int
    seed: int = 0


class GraspOutcome(Record):
    """What came of the grasps in a scene.

    Attributes:
        item_id: That of its task.
        scene_id: The scene.
        successes: Outcomes, grasp by grasp.
        film: Picture of some of them.
        seed: Number of the training that chose them.
    """

    schema_id = "graspgan.grasp_outcome/1"

    item_id: str
    scene_id: str
    successes: tuple[bool, ...]
    film: FileRef
    seed: int = 0


class Value(Record):
    """An estimate; see `tasks.report.estimates.Estimate`."""

    schema_id = "graspgan.value/1"

    value: float
    error: float | None
    low: float | None
    high: float | None
    num: int


class MethodResult(Record):
    """How a method did on the test split of a target.

    Attributes:
        method: Its name.
        says: What is done.
        target: World.
        num_seeds: Trainings.
        num_labels: Labels of the target that each used.
        is_control: Whether nothing was adapted by a network, without labels.
        area: Area under the ROC curve over all grasps of the mixture.
        uniform: Of those that were drawn uniformly over the bin.
        near: Of those near objects.
        validation: On the target's validation split, which names the best control.
        over_randomised: Area less that of randomised looks with as many steps.
        over_control: Area less that of the best control.
        success: Share of its grasps that lifted something, in closed loop; None where not tried.
        below_labels: Area of all labels less that of this method.
    """

    schema_id = "graspgan.method_result/1"

    method: str
    says: str
    target: str
    num_seeds: int
    num_labels: int
    is_control: bool
    area: Value
    uniform: Value | None
    near: Value | None
    validation: float
    over_randomised: Value | None
    over_control: Value | None
    success: Value | None = None
    below_labels: Value | None = None


class RawGain(Record):
    """What a generator gives to raw inputs, as the paper had them, beside a line of code.

    Attributes:
        method: The method, whose raw row is meant.
        gain: Its area less that of randomised looks, both of inputs as they are.
        standardised: Area of randomised looks of standardised inputs less that of inputs as they
            are.
        share: Of the first, the second; None where there is no gain.
    """

    schema_id = "graspgan.raw_gain/1"

    method: str
    gain: Value
    standardised: Value
    share: Value | None


class TargetResult(Record):
    """What a target's test came to.

    Attributes:
        target: World.
        best_control: The control that labels of the validation split named, before the test was
            opened.
        best_network: The best of the controls that are networks, alike: trees can't grasp.
        best_adapted: The adaptation that simulation's validation in the target's own textures
            named: no label of the target chose it.
        opened_at: When the test split was opened.
        methods: Results, in the order of the methods.
        closed_share: Share of the gap between best control and all labels that is closed.
        closed_of_randomised: Of what randomised looks leave, the share that each GraspGAN closes,
            by method.
        dann_adds: Area of GraspGAN and DANN less that of GraspGAN alone.
        curve_of: Control and adaptation whose curves over labels are compared: the best, alike,
            of those that were trained with some of the labels; empty where none was.
        label_factor: See `tasks.graspgan.judging.labels`; at 5 % of the labels.
        label_factor_randomised: The same over randomised looks.
        label_equivalent: Labels that the adaptation without labels is worth.
        success_gain: Success of the best adaptation less that of the best network.
        success_ratio: Success of the best adaptation over that of all labels.
        films: Pictures of grasps, by method and scene.
        grasps: What came of each scene, by method; empty where none were tried. Scenes are dealt
            out over trainings, the same for all methods.
        best_grasps: What came of each scene where one training of the best adaptation grasps in all
            of them: that which simulation's validation in the target's own textures names.
        raw_gains: Of the generators whose raw rows were trained.
    """

    schema_id = "graspgan.target_result/1"

    target: str
    best_control: str
    best_network: str
    best_adapted: str
    opened_at: str
    methods: tuple[MethodResult, ...]
    closed_share: Value | None
    closed_of_randomised: dict[str, Value]
    dann_adds: Value | None
    curve_of: tuple[str, str] | None
    label_factor: Value | None
    label_factor_randomised: Value | None
    label_equivalent: Value | None
    success_gain: Value | None
    success_ratio: Value | None
    films: dict[str, FileRef]
    grasps: dict[str, tuple[GraspOutcome, ...]]
    best_grasps: tuple[GraspOutcome, ...] = ()
    raw_gains: tuple[RawGain, ...] = ()


class Evaluation(Record):
    """What all tests came to.

    Attributes:
        trained: What was tested.
        simulation: Areas on the simulation's own test split: of ``predictor``, of trees, oracles
            among them, and differences to oracles, whose names begin with ``over_``.
        simulation_uniform: The same of uniform proposals; empty where they had one outcome.
        simulation_near: The same of those near objects.
        simulation_network: The method that is ``predictor``: the best on simulation's validation
            split, of the networks that saw simulation alone.
        targets: Results.
        programs: The predictors that grasped, as programs: by target and method, the best training
            of each by simulation's validation in the target's own textures.
        best_auc: Greatest area of an adaptation without labels.
    """

    schema_id = "graspgan.evaluation/1"

    trained: Trained
    simulation: dict[str, Value]
    simulation_uniform: dict[str, Value] = Field(default_factory=dict)
    simulation_near: dict[str, Value] = Field(default_factory=dict)
    simulation_network: str = ""
    targets: tuple[TargetResult, ...]
    programs: dict[str, FileRef]
    best_auc: float
