"""Records that the stages of `collect_grasps` pass on."""

from __future__ import annotations

from typing import Any, ClassVar

from tasks.core.ports import Skipped
from tasks.core.records import FileRef, Record
from tasks.grasping.types import Split


class ShardPlan(Record):
    """Scenes that go into one Parquet file.

    Attributes:
        item_id: Name of the shard, e.g. ``shard-00012``.
        first_scene: Index of its first scene.
        num_scenes: Consecutive scenes.
    """

    schema_id = "grasping.shard_plan/1"

    item_id: str
    first_scene: int
    num_scenes: int


class ObjectRemark(Record):
    """What a user should know of an object that is used."""

    schema_id = "grasping.object_remark/1"

    object_id: str
    remark: str


class GraspPlan(Record):
    """What to collect: frozen, so that collecting draws but no longer decides.

    Attributes:
        recipe: `tasks.grasping.config.SceneConfig` as JSON values.
        mixture: `tasks.grasping.algorithms.policies.Mixture` as JSON values.
        pilot: Figures of the pilot or of the earlier data set that the mixture was chosen by.
        textures: The textures that looks are painted with (npz); None where none is needed.
        objects: The user's object models (zip); None for a family that ships with the software.
        model: The model that the policy asks; None without one.
        left_out: The user's objects that are not used: broken, or there under another name.
        remarks: What a user should know of those that are used.
        num_attempts: Attempts that were asked for; the last scene has as many as are left.
        attempts_per_scene: Attempts that start from the same state of one scene.
        scenes_per_shard: Scenes in one file.
        split: Part of the objects that scenes may show.
        shards: This group's shards; all else is equal in all groups.
    """

    schema_id = "grasping.plan/2"

    recipe: dict[str, Any]
    mixture: dict[str, Any]
    pilot: dict[str, float]
    textures: FileRef | None
    objects: FileRef | None
    model: FileRef | None
    left_out: tuple[Skipped, ...] = ()
    remarks: tuple[ObjectRemark, ...] = ()
    num_attempts: int
    attempts_per_scene: int
    scenes_per_shard: int
    split: Split
    shards: tuple[ShardPlan, ...]


class SceneTask(Record):
    """A scene to simulate.

    Attributes:
        item_id: The scene's id; it decides all draws.
        index: Number of the scene in the data set.
        num_attempts: Attempts to make.
    """

    schema_id = "grasping.scene_task/1"
    unit: ClassVar[str] = "attempts"

    item_id: str
    index: int
    num_attempts: int

    @property
    def num_units(self) -> int:
        """What the progress counts."""
        return self.num_attempts


class SceneRows(Record):
    """A simulated scene.

    Attributes:
        item_id: The scene's id.
        index: Number of the scene in the data set.
        num_attempts: Rows in the file.
        num_successes: Rows that are successes.
        num_lost_objects: Objects that were left out of it, as they didn't stay in the bin.
        rows: The rows, Parquet.
    """

    schema_id = "grasping.scene_rows/2"

    item_id: str
    index: int
    num_attempts: int
    num_successes: int
    num_lost_objects: int
    rows: FileRef


class ShardTask(Record):
    """Scenes to pack into one file, in order.

    Attributes:
        item_id: Name of the shard.
        first_scene: Index of its first scene.
        num_scenes: Scenes that were planned; those that failed are missing from `scenes`.
        scenes: The scenes that were made.
    """

    schema_id = "grasping.shard_task/1"

    item_id: str
    first_scene: int
    num_scenes: int
    scenes: tuple[SceneRows, ...]


class ShardRecord(Record):
    """A shard: one Parquet file with whole scenes, in order.

    Attributes:
        item_id: Name of the shard.
        first_scene: Index of its first scene.
        num_scenes: Scenes that were planned.
        scene_ids: Scenes that it holds; those that failed are missing.
        num_attempts: Rows.
        num_successes: Rows that are successes.
        num_lost_objects: Objects that were left out of its scenes, as they didn't stay in the bin.
        file: The rows.
    """

    schema_id = "grasping.shard/2"

    item_id: str
    first_scene: int
    num_scenes: int
    scene_ids: tuple[str, ...]
    num_attempts: int
    num_successes: int
    num_lost_objects: int
    file: FileRef


class ShardSet(Record):
    """A group of shards.

    Attributes:
        plan: What was to be collected.
        recipe_digest: Digest of all settings that decide the rows, as the rows name it.
        root_seed: Root of all random draws.
        shards: What was collected.
        skipped: Scenes that could not be simulated, and why.
    """

    schema_id = "grasping.shards/1"

    plan: GraspPlan
    recipe_digest: str
    root_seed: int
    shards: tuple[ShardRecord, ...]
    skipped: tuple[Skipped, ...]


class Finding(Record):
    """Something wrong with the data.

    Attributes:
        check: Name of the check, e.g. ``pictures``.
        where: Shard, and attempt if it is one.
        problem: What was expected and what was found.
    """

    schema_id = "grasping.finding/1"

    check: str
    where: str
    problem: str


class Tally(Record):
    """Attempts and successes of one kind of row."""

    schema_id = "grasping.tally/1"

    attempts: int
    successes: int


class ShardReport(Record):
    """What the checks found in one shard.

    Attributes:
        item_id: Name of the shard.
        findings: What is wrong, at most some of each check.
        num_findings: How many there are of each check.
        figures: Sums over the shard's rows, by name; empty for one that can't be read.
        histograms: Counts of a column's values in fixed bins, by column.
    """

    schema_id = "grasping.shard_report/2"

    item_id: str
    findings: tuple[Finding, ...]
    num_findings: dict[str, int]
    figures: dict[str, float]
    histograms: dict[str, tuple[int, ...]]


class GroupSuccess(Record):
    """How often grasps of one group succeed.

    Attributes:
        kind: What attempts were grouped by, one of `tasks.grasping.readers.statistics.KINDS`.
        group: The value that they share, e.g. ``near_object``; empty for all attempts.
        num_attempts: Attempts.
        num_successes: Successes.
        rate: Share of successes.
        rate_low: Lower end of its 95 % interval (E. Wilson, JASA 1927).
        rate_high: Upper end.
        num_stopped_early: Attempts whose end was left out.
        mean_lift_m: Mean rise of the highest object, over successes and failures; of an object,
            over the attempts that lifted it.
    """

    schema_id = "grasping.group_success/1"

    kind: str
    group: str
    num_attempts: int
    num_successes: int
    rate: float
    rate_low: float
    rate_high: float
    num_stopped_early: int
    mean_lift_m: float


class CheckReport(Record):
    """What the checks found in all shards.

    Attributes:
        findings: What is wrong but no reason to hold the data back.
        num_findings: How many there are of each check.
        success: How often grasps succeed: all, then by world, split, policy, object.
        figures: Numbers for the tracker and the data card, by name.
        histograms: Counts of a column's values in fixed bins, by column.
    """

    schema_id = "grasping.check_report/2"

    findings: tuple[Finding, ...]
    num_findings: dict[str, int]
    success: tuple[GroupSuccess, ...]
    figures: dict[str, float]
    histograms: dict[str, tuple[int, ...]]

    @property
    def by_policy(self) -> dict[str, Tally]:
        """Attempts and successes of each policy."""
        return self._tallies("policy")

    @property
    def by_object(self) -> dict[str, Tally]:
        """Attempts in scenes that show an object, and how often it was lifted."""
        return self._tallies("object")

    def _tallies(self, kind: str) -> dict[str, Tally]:
        return {
            each.group: Tally(attempts=each.num_attempts, successes=each.num_successes)
            for each in self.success
            if each.kind == kind
        }


class GraspDataset(Record):
    """A data set that passed the checks: what training reads.

    Attributes:
        plan: What was to be collected, with the shards of all groups.
        recipe_digest: Digest of all settings that decide the rows, as the rows name it.
        root_seed: Root of all random draws.
        row_schema: Version of the rows.
        shards: The Parquet files in order.
        skipped: Scenes that could not be simulated, and why.
        report: What the checks counted.
    """

    schema_id = "grasping.dataset/2"

    plan: GraspPlan
    recipe_digest: str
    root_seed: int
    row_schema: str
    shards: tuple[ShardRecord, ...]
    skipped: tuple[Skipped, ...]
    report: CheckReport


class Publication(Record):
    """A data set with its card: what the asset's event names.

    Attributes:
        dataset: The data.
        card: Data card, one HTML page.
        card_text: The same as Markdown.
        pictures: Contact sheets, by name.
        exported_to: The user's folder that holds a copy; empty if there is none.
        exports: Formats that were exported there.
    """

    schema_id = "grasping.publication/2"

    dataset: GraspDataset
    card: FileRef
    card_text: FileRef
    pictures: dict[str, FileRef]
    exported_to: str
    exports: tuple[str, ...]
