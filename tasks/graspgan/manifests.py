"""Records that the first stages of `train_graspgan` pass on: attempts, and what is seen of them."""

from __future__ import annotations

from typing import Any, Literal

from tasks.core.ports import Skipped
from tasks.core.records import FileRef, Record
from tasks.grasping.types import Split

NetworkName = Literal["crop", "picture"]
"""Which network C is: see `tasks.graspgan.networks.grasp_networks`."""
MethodSet = Literal["few", "headline", "all"]
"""Which methods are compared: see `tasks.graspgan.methods`."""


class AttemptSet(Record):
    """Attempts of one world and one part of the objects.

    Attributes:
        world: Where they were made.
        split: Part of the objects that they show.
        shards: Their rows, Parquet.
        num_attempts: Attempts.
        num_successes: Those that lifted something.
        picture_px: Side of their pictures.
    """

    schema_id = "graspgan.attempt_set/1"

    world: str
    split: Split
    shards: tuple[FileRef, ...]
    num_attempts: int
    num_successes: int
    picture_px: int


class TargetWorld(Record):
    """A world in which grasps can be tried.

    Attributes:
        world: Its name.
        recipe: `tasks.grasping.config.SceneConfig` with held-out objects, as JSON values.
        textures: What its looks are painted with.
    """

    schema_id = "graspgan.target_world/1"

    world: str
    recipe: dict[str, Any]
    textures: FileRef | None


class Attempts(Record):
    """All attempts that there are to learn from.

    Attributes:
        simulation: World of the simulation.
        targets: Worlds that C is to work in; what stands in for reality.
        sets: The attempts: of each world, to train on, to choose by and to test on.
        worlds: Targets in which grasps can be tried; a robot's is none.
        objects: Family of the simulation's objects; empty where only their data set knows.
        skipped: Scenes that could not be simulated, and why.
    """

    schema_id = "graspgan.attempts/1"

    simulation: str
    targets: tuple[str, ...]
    sets: tuple[AttemptSet, ...]
    worlds: tuple[TargetWorld, ...]
    objects: str = ""
    skipped: tuple[Skipped, ...] = ()

    def of(self, world: str, split: Split) -> AttemptSet:
        """The attempts of a world and a part of the objects."""
        return next(each for each in self.sets if (each.world, each.split) == (world, split))


class CuttingTask(Record):
    """A target whose pictures textures are cut from.

    Attributes:
        item_id: The target's world.
        shards: Attempts of which pictures without the arm and cameras are read, nothing else.
        seed: Decides where is cut.
    """

    schema_id = "graspgan.cutting_task/1"

    item_id: str
    shards: tuple[FileRef, ...]
    seed: int


class CuttingFile(Record):
    """Textures of a target; see `tasks.graspgan.samples.painters.Cuttings`."""

    schema_id = "graspgan.cutting_file/1"

    item_id: str
    file: FileRef


class CropTask(Record):
    """A shard to read as crops.

    Attributes:
        item_id: World, split, kind of looks and number of the shard.
        shard: The rows.
        looks: Kinds of looks, with how many of each.
        has_labels: Whether outcomes and masks are read.
        side_px: Side of the crops.
        pictures: ``before`` or ``both``.
        seed: Decides looks.
        cuttings: What looks of the kind ``cut`` are painted with.
        network: Whose samples: ``picture``'s are whole pictures in place of crops.
    """

    schema_id = "graspgan.crop_task/1"

    item_id: str
    shard: FileRef
    looks: dict[str, int]
    has_labels: bool
    side_px: int
    pictures: str
    seed: int
    cuttings: FileRef | None = None
    network: NetworkName = "crop"


class CropFile(Record):
    """Attempts as crops.

    Attributes:
        item_id: That of its task.
        arrays: By name, see `tasks.graspgan.samples.reading.read_crops`; npz.
        num: Attempts.
    """

    schema_id = "graspgan.crop_file/1"

    item_id: str
    arrays: FileRef
    num: int


class CropSet(Record):
    """Attempts of one set as crops, and where they stand.

    Attributes:
        world: World of the attempts.
        split: Part of the objects.
        target: Target whose own textures were painted; empty for all other looks.
        has_labels: Whether the files hold outcomes and masks.
        num_looks: Looks of each kind.
        files: Shard by shard.
        network: Whose samples they are.
    """

    schema_id = "graspgan.crop_set/1"

    world: str
    split: Split
    target: str
    has_labels: bool
    num_looks: dict[str, int]
    files: tuple[CropFile, ...]
    network: NetworkName = "crop"

    @property
    def has_heights(self) -> bool:
        """Whether the files hold heights, too: of simulation alone, which other looks show."""
        return self.has_labels and any(look != "plain" for look in self.num_looks)


def set_name(crops: CropSet) -> str:
    """What a set is called among shared arrays, and among scores."""
    labels = "labelled" if crops.has_labels else "unlabelled"
    return "-".join(filter(None, (crops.world, crops.split, crops.target, labels)))


class Prepared(Record):
    """What networks are trained and tested on.

    Attributes:
        attempts: What it was read from.
        sets: Crops. Pictures of a target that training may look at without labels stand in a set
            of their own, whose files hold no outcome and no mask.
        side_px: Side of the crops.
        pictures: ``before`` or ``both``.
        stations: Of each world, what its stations are called, in the order of their numbers.
        network: Whose samples they are.
    """

    schema_id = "graspgan.prepared/1"

    attempts: Attempts
    sets: tuple[CropSet, ...]
    side_px: int
    pictures: str
    stations: dict[str, tuple[str, ...]]
    network: NetworkName = "crop"

    def of(self, world: str, split: Split, *, target: str = "", has_labels: bool = True) -> CropSet:
        """The crops of a set."""
        wanted = world, split, target, has_labels
        return next(
            each
            for each in self.sets
            if (each.world, each.split, each.target, each.has_labels) == wanted
        )
