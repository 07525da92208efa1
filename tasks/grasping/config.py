"""Settings of the `collect_grasps` pipeline: the science, not the machines."""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from tasks.core.config import MAX_WHOLE, SETTINGS, setting
from tasks.grasping.workspace import MAX_OBJECTS


@dataclass(frozen=True, config=SETTINGS)
class PhysicsConfig:
    """How a world is simulated."""

    rate_hz: int = setting(240, ge=30, le=2000, unit="Hz", help="Physics steps per second.")
    solver_iterations: int = setting(
        150, ge=1, le=1000, help="Iterations of the contact solver per step, at most."
    )
    solver_residual: float = setting(
        1e-4,
        ge=0,
        le=1,
        label="Residual of the solver",
        help="PyBullet's solver stops where an iteration changes less; 1e-7 is its own default.",
    )
    servo: Literal["one_shot", "closed_loop"] = setting(
        "one_shot",
        help="One open-loop descent from above, or a sequence of commands, each after a picture.",
    )
    num_servo_steps: int = setting(
        4, ge=1, le=20, help="Commands of a closed-loop attempt; the fingers close after the last."
    )
    opening_m: float = setting(
        0.08, ge=0.02, le=0.085, unit="m", help="Distance between the open finger tips."
    )
    early_stop: bool = setting(
        True,
        help="Leave out the rest of a closing that has come to a stop, and of a lift once the "
        "fingers touch nothing; see the audit.",
    )


@dataclass(frozen=True, config=SETTINGS)
class CameraConfig:
    """The over-the-shoulder camera."""

    size_px: int = setting(64, ge=16, le=1024, unit="px", help="Width and height of a picture.")
    view_deg: float = setting(
        34.0,
        ge=5,
        le=100,
        unit="deg",
        label="Field of view",
        help="Field of view; 24 shows the bin alone.",
    )
    g_buffers: bool = setting(
        False,
        label="Depth, parts and shading",
        help="Store depth, parts and shading too, to paint other looks afterwards.",
    )


@dataclass(frozen=True, config=SETTINGS)
class WorldConfig:
    """Which world, and how it is simulated and seen."""

    name: Literal["bullet", "bullet-restyled", "bullet-structured", "surrogate"] = setting(
        "bullet",
        param="world",
        help="bullet: PyBullet. bullet-restyled: the same physics with the surrogate's looks. "
        "bullet-structured: with looks whose edges don't follow shape. "
        "surrogate: MuJoCo, which stands in for a real robot.",
    )
    physics: PhysicsConfig = Field(default_factory=PhysicsConfig)
    camera: CameraConfig = Field(default_factory=CameraConfig)


@dataclass(frozen=True, config=SETTINGS)
class ObjectsConfig:
    """What lies in the bin."""

    family: Literal["procedural", "everyday", "folder"] = setting(
        "procedural",
        help="procedural: the 1,000 random shapes of pybullet_data. everyday: shapes and meshes "
        "of things in daily use. folder: URDF files of your own.",
    )
    folder: str = setting(
        "",
        path="read",
        stores=True,
        help="Folder, or s3://…, of URDF files, for the family of that name.",
    )
    split: Literal["train", "validation", "held_out"] = setting(
        "train", help="Part of the objects that may be used; fixed for each object."
    )
    num_per_scene: int = setting(
        5, ge=1, le=MAX_OBJECTS, label="Objects per scene", help="Objects in one scene."
    )


@dataclass(frozen=True, config=SETTINGS)
class RandomiseConfig:
    """What is drawn anew for each scene. Every draw is recorded with the attempt."""

    appearance: bool = setting(
        False, help="Textures, colours and lights, painted over the rendered surfaces."
    )
    camera: bool = setting(False, help="Pose and focal length of the camera.")
    dynamics: bool = setting(False, help="Mass, friction, restitution and damping.")
    textures: str = setting(
        "",
        path="read",
        stores=True,
        help="Folder, or s3://…, of pictures to use as textures; empty: generated ones.",
    )
    camera_shift_m: float = setting(
        0.03, ge=0, le=0.5, unit="m", help="Standard deviation of the camera's place."
    )
    camera_turn_deg: float = setting(
        2.0, ge=0, le=30, unit="deg", help="Standard deviation of the camera's direction."
    )
    mass_factor: float = setting(
        2.0, ge=1, le=10, help="Masses lie between 1/factor and factor of the model's own."
    )
    friction_low: float = setting(0.5, gt=0, le=5, help="Least friction coefficient.")
    friction_high: float = setting(1.2, gt=0, le=5, help="Greatest friction coefficient.")
    restitution_high: float = setting(0.2, ge=0, le=1, help="Greatest restitution.")
    damping_high: float = setting(0.2, ge=0, le=1, help="Greatest velocity damping.")


@dataclass(frozen=True, config=SETTINGS)
class PolicyConfig:
    """Where grasps are tried. A part is always drawn uniformly over the bin, and marked so."""

    kind: Literal["mixture", "uniform", "model"] = setting(
        "mixture",
        help="uniform: anywhere in the bin. mixture: also near objects. model: also where a "
        "trained model expects success.",
    )
    uniform_share: float = setting(
        0.3, ge=0.05, le=1, help="Least part of the attempts that is drawn uniformly."
    )
    spread_m: float = setting(
        0.02, gt=0, le=0.2, unit="m", help="Standard deviation about an object's centre."
    )
    model: str = setting(
        "",
        path="read",
        stores=True,
        help="Trained model (a torch.export program, .pt2) that the policy asks.",
    )
    model_candidates: int = setting(
        64, ge=4, le=4096, help="Commands that the model scores in each of its rounds."
    )
    steer: bool = setting(
        True, help="Choose the mixture by a pilot so that success lies between the two bounds."
    )
    success_low: float = setting(0.3, ge=0, le=1, help="Least share of successes.")
    success_high: float = setting(0.6, ge=0, le=1, help="Greatest share of successes.")
    pilot_attempts: int = setting(
        240, ge=40, le=100_000, help="Attempts of each kind in the pilot."
    )
    earlier: str = setting(
        "",
        path="read",
        stores=True,
        help="Folder, or s3://…, of an earlier data set to steer by, in place of a pilot.",
    )


@dataclass(frozen=True, config=SETTINGS)
class SceneConfig:
    """The part of a plan that decides what a scene is and how it is simulated.

    Plans keep it as JSON values, under the name ``recipe``; rows name the digest of these, of the
    mixture and of the packed files ``recipe_digest``.

    Attributes:
        world: Which world, its physics and its camera.
        objects: What lies in the bin.
        randomise: What is drawn anew for each scene.
    """

    world: WorldConfig = Field(default_factory=WorldConfig)
    objects: ObjectsConfig = Field(default_factory=ObjectsConfig)
    randomise: RandomiseConfig = Field(default_factory=RandomiseConfig)

    @property
    def is_seen_by_surrogate(self) -> bool:
        """Whether cameras are the surrogate's, and looks those of a target."""
        return self.world.name != "bullet"

    @property
    def looks(self) -> Literal["plain", "randomise", "surrogate", "structured"]:
        """Where a scene's look comes from: the world's own, or one of three distributions."""
        if self.world.name == "bullet-structured":
            return "structured"
        if self.is_seen_by_surrogate:
            return "surrogate"
        return "randomise" if self.randomise.appearance else "plain"


@dataclass(frozen=True, config=SETTINGS)
class PlanConfig:
    """What to collect. All of it is frozen in the plan that the other stages read."""

    num_attempts: int = setting(
        1200, ge=1, le=1_000_000_000, param="num_attempts", help="Grasp attempts to collect."
    )
    attempts_per_scene: int = setting(
        12, ge=1, le=200, help="Attempts that start from the same state of one scene."
    )
    scenes_per_shard: int = setting(50, ge=1, le=10_000, help="Scenes in one Parquet file.")
    world: WorldConfig = Field(default_factory=WorldConfig)
    objects: ObjectsConfig = Field(default_factory=ObjectsConfig)
    randomise: RandomiseConfig = Field(default_factory=RandomiseConfig)
    policy: PolicyConfig = Field(default_factory=PolicyConfig)

    @property
    def scene(self) -> SceneConfig:
        """What scenes are drawn from."""
        return SceneConfig(world=self.world, objects=self.objects, randomise=self.randomise)


@dataclass(frozen=True, config=SETTINGS)
class CollectConfig:
    """Running the plan."""

    max_skipped_fraction: float = setting(
        0.05, ge=0, le=1, help="Share of scenes that may fail before the stage fails."
    )


@dataclass(frozen=True, config=SETTINGS)
class CheckConfig:
    """When a data set may be published."""

    min_success: float = setting(0.05, ge=0, le=1, help="Least share of successes.")
    max_success: float = setting(0.95, ge=0, le=1, help="Greatest share of successes.")
    min_brightness: float = setting(
        8.0, ge=0, le=255, help="Least mean grey value of a picture; darker ones are black."
    )
    max_mask_misses: float = setting(
        0.02, ge=0, le=1, help="Share of visible objects whose mask may lie off their pose."
    )


@dataclass(frozen=True, config=SETTINGS)
class PublishConfig:
    """The data card, and where copies of the data go."""

    export_to: str = setting(
        "",
        path="write",
        stores=True,
        help="Folder, or s3://…, that receives shards, data card and exports; empty for none.",
    )
    lerobot: bool = setting(False, label="LeRobot", help="Export as a LeRobotDataset too.")
    webdataset: bool = setting(
        False, label="WebDataset", help="Export as WebDataset tar files too."
    )
    rlds: bool = setting(False, label="RLDS", help="Export as RLDS (TFDS) too.")


@dataclass(frozen=True, config=SETTINGS)
class CollectGraspsConfig:
    """All settings of `collect_grasps`, one section per stage."""

    seed: int = setting(0, ge=0, le=MAX_WHOLE, help="Root seed of all random draws.")
    plan: PlanConfig = Field(default_factory=PlanConfig)
    collect: CollectConfig = Field(default_factory=CollectConfig)
    check: CheckConfig = Field(default_factory=CheckConfig)
    publish: PublishConfig = Field(default_factory=PublishConfig)
