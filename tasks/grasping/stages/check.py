"""Third stage: whether the data may be published.

Every shard is looked at in full, and all that is wrong with it is said. Faults that can't
happen to sound data hold it back; so do too many objects off their masks, dark pictures, and a
share of successes out of bounds. Successes are counted here, once, for all that is said of them
later.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import pyarrow as pa

from tasks.core.errors import ArtifactError, DataError
from tasks.core.ports import ItemFolder, Skipped, StageContext
from tasks.core.records import ArtifactRef, Record
from tasks.core.stages import StageSpec, stage
from tasks.grasping.config import CheckConfig
from tasks.grasping.data import checks, sums
from tasks.grasping.data.rows import scene_name
from tasks.grasping.data.schema import SCENE_COLUMNS, SCHEMA, SCHEMA_ID, read_shard
from tasks.grasping.data.shards import num_attempts_of, plan_shards, scene_id
from tasks.grasping.manifests import (
    CheckReport,
    Finding,
    GraspDataset,
    GraspPlan,
    GroupSuccess,
    ShardPlan,
    ShardRecord,
    ShardReport,
    ShardSet,
)

_LOG = logging.getLogger(__name__)
_NUM_LISTED = 20  # findings of one check and shard that are named one by one
_NUM_SAID = 10  # findings in the message of an error
_MAX_DARK = 0.001  # share of dark pictures that randomised lights may make
_TOLERATED = {"poses", "dark"}  # up to a share; see `_excesses`
_BATCH_ROWS = 64  # whose pictures are held at a time
_SUMMED = ("steps", "pictures", "dark_pictures", "objects", "visible_objects", "missed_objects")


class _ShardTask(Record):
    """A shard to check, and what its rows must say."""

    schema_id = "grasping.check_task/1"

    item_id: str
    shard: ShardRecord
    world: str
    opening_m: float
    num_attempts: dict[str, int]
    expected: dict[str, Any]


@stage(
    StageSpec(
        name="grasping.check",
        section="check",
        libraries=("numpy", "scipy", "opencv-python-headless", "pandas", "pyarrow"),
    )
)
def check_dataset(groups: list[ArtifactRef], config: CheckConfig, ctx: StageContext) -> ArtifactRef:
    """Check the shards of all groups and put them together."""
    sets = [ctx.store.read(ref, ShardSet) for ref in groups]
    shards = sorted((s for each in sets for s in each.shards), key=lambda s: s.first_scene)
    tasks = {shard.item_id: _task(sets[0], shard) for shard in shards}
    outcomes = ctx.items.map(check_shard, list(tasks.values()), config)
    lost = [each for each in outcomes if isinstance(each, Skipped)]
    reports = [each for each in outcomes if not isinstance(each, Skipped)]
    success = _count([tasks[each.item_id].shard for each in reports if each.figures], ctx)
    report = _merged(reports, [*_between(sets, shards), *_unchecked(lost)], success)
    skipped = sorted((s for each in sets for s in each.skipped), key=_item_id)
    figures = _figures(report) | _scene_figures(shards, skipped)
    ctx.tracker.log_metrics(figures)
    ctx.tracker.log_json(report.model_dump(mode="json"), "checks.json")
    _raise_if_unsound(report, figures, config)
    first = sets[0]
    return ctx.store.write(
        GraspDataset(
            plan=first.plan.model_copy(update={"shards": _planned(first.plan)}),
            recipe_digest=first.recipe_digest,
            root_seed=first.root_seed,
            row_schema=SCHEMA_ID,
            shards=tuple(shards),
            skipped=tuple(skipped),
            report=report.model_copy(update={"figures": figures}),
        )
    )


def check_shard(item: _ShardTask, config: CheckConfig, folder: ItemFolder) -> ShardReport:
    """Look at every row of a shard."""
    try:
        table = read_shard(folder.fetch(item.shard.file))
    except ArtifactError as error:
        return _unread(item, str(error))
    if not table.schema.equals(SCHEMA):
        return _unread(item, f"expected the columns of {SCHEMA_ID}, got {table.schema.names}")
    pictures, masks = checks.PictureCount(), checks.MaskCount()
    findings = list(
        checks.check_ids(
            table["attempt_id"].to_pylist(),
            item.world,
            item.num_attempts,
        )
    )
    rows = []
    for row in _rows(table):
        findings.extend(_row_findings(row, item, config, pictures, masks))
        rows.append(_light(row))
    return _report(item, findings, rows, pictures, masks)


def _item_id(skipped: Skipped) -> str:
    return skipped.item_id


def _task(first: ShardSet, shard: ShardRecord) -> _ShardTask:
    plan, last = first.plan, shard.first_scene + shard.num_scenes
    num_attempts = {
        scene_id(plan.split, first.root_seed, index): num_attempts_of(
            index, plan.num_attempts, plan.attempts_per_scene
        )
        for index in range(shard.first_scene, last)
    }
    return _ShardTask(
        item_id=shard.item_id,
        shard=shard,
        world=plan.recipe["world"]["name"],
        opening_m=plan.recipe["world"]["physics"]["opening_m"],
        num_attempts={
            scene_name(scene, first.recipe_digest): num_attempts[scene] for scene in shard.scene_ids
        },
        expected={
            "world": plan.recipe["world"]["name"],
            "recipe_digest": first.recipe_digest,
            "root_seed": first.root_seed,
            "split": plan.split,
        },
    )


def _rows(table: pa.Table) -> Iterator[dict[str, Any]]:
    for batch in table.to_batches(max_chunksize=_BATCH_ROWS):
        yield from batch.to_pylist()


def _row_findings(
    row: Mapping[str, Any],
    item: _ShardTask,
    config: CheckConfig,
    pictures: checks.PictureCount,
    masks: checks.MaskCount,
) -> Iterator[Finding]:
    yield from checks.check_origin(row, item.expected)
    yield from checks.check_outcome(row)
    yield from checks.check_gap(row, item.opening_m)
    yield from checks.check_motion(row)
    if row["attempt_index"] == 0:  # the picture without the arm is the scene's
        before = {name.removesuffix("_before"): row[name] for name in SCENE_COLUMNS}
        where = f"{row['attempt_id']}, before"
        yield from checks.check_pictures(where, before, config.min_brightness, pictures)
        yield from checks.check_masks(row, masks)
        yield from checks.check_places(row)
    for index, step in enumerate(row["steps"]):
        where = f"{row['attempt_id']}, step {index}"
        yield from checks.check_pictures(where, step, config.min_brightness, pictures)


def _light(row: Mapping[str, Any]) -> dict[str, Any]:
    """What the histograms need of a row, without its pictures."""
    steps = row["steps"]
    return {
        "lift_height_m": row["lift_height_m"],
        "finger_gap_m": row["finger_gap_m"],
        "closing": steps[-1]["reached"] if steps else None,
        "num_steps": len(steps),
    }


def _report(
    item: _ShardTask,
    findings: Sequence[Finding],
    rows: Sequence[Mapping[str, Any]],
    pictures: checks.PictureCount,
    masks: checks.MaskCount,
) -> ShardReport:
    return ShardReport(
        item_id=item.item_id,
        findings=_listed(findings),
        num_findings=_counted(findings),
        figures={
            "steps": sum(row["num_steps"] for row in rows),
            "pictures": pictures.num_pictures,
            "dark_pictures": pictures.num_dark,
            "brightness_sum": sum(pictures.brightness),
            "objects": masks.num_objects,
            "visible_objects": masks.num_visible,
            "missed_objects": masks.num_missed,
            "mask_offset_px_sum": masks.offset_px,
        },
        histograms=sums.histograms(rows, pictures.brightness),
    )


def _unread(item: _ShardTask, problem: str) -> ShardReport:
    findings = [Finding(check="schema", where=item.item_id, problem=problem)]
    return ShardReport(
        item_id=item.item_id,
        findings=_listed(findings),
        num_findings=_counted(findings),
        figures={},
        histograms={},
    )


def _listed(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """The first findings of each check."""
    kinds = dict.fromkeys(each.check for each in findings)
    return tuple(
        each
        for kind in kinds
        for each in islice((f for f in findings if f.check == kind), _NUM_LISTED)
    )


def _counted(findings: Sequence[Finding]) -> dict[str, int]:
    return dict(sorted(Counter(each.check for each in findings).items()))


def _between(sets: Sequence[ShardSet], shards: Sequence[ShardRecord]) -> Iterator[Finding]:
    """Compare the groups with each other and with the plan."""
    first = sets[0]
    for each in sets[1:]:
        same = each.plan.model_copy(update={"shards": first.plan.shards}) == first.plan
        if not same or each.recipe_digest != first.recipe_digest:
            problem = "its plan differs from the first group's; collect both again"
            where = each.plan.shards[0].item_id
            yield Finding(check="plan", where=where, problem=problem)
    counts = Counter(shard.item_id for shard in shards)
    skipped = {each.item_id for group in sets for each in group.skipped}
    for plan in _planned(first.plan):
        indices = range(plan.first_scene, plan.first_scene + plan.num_scenes)
        scenes = [scene_id(first.plan.split, first.root_seed, index) for index in indices]
        found = [name for s in shards if s.item_id == plan.item_id for name in s.scene_ids]
        missing = [name for name in scenes if name not in skipped and name not in found]
        if counts[plan.item_id] > 1:
            problem = f"stands {counts[plan.item_id]} times"
            yield Finding(check="duplicates", where=plan.item_id, problem=problem)
        if missing:
            problem = f"{len(missing)} of {len(scenes)} scenes are missing, {missing[0]} first"
            yield Finding(check="missing", where=plan.item_id, problem=problem)


def _unchecked(lost: Sequence[Skipped]) -> Iterator[Finding]:
    for each in lost:
        yield Finding(check="unchecked", where=each.item_id, problem=each.reason)


def _planned(plan: GraspPlan) -> tuple[ShardPlan, ...]:
    """All shards of the plan, whatever group they were dealt to."""
    return plan_shards(plan.num_attempts, plan.attempts_per_scene, plan.scenes_per_shard)


def _count(shards: Sequence[ShardRecord], ctx: StageContext) -> tuple[GroupSuccess, ...]:
    """Count attempts and successes where the shards are read, on the executor's workers."""
    from tasks.grasping.readers.statistics import success_counts, success_table

    if not shards:
        return ()
    files = [shard.file for shard in shards]
    return tuple(success_table(ctx.executor.compute(success_counts(files, ctx.store.fetch))))


def _merged(
    reports: Sequence[ShardReport], more: Sequence[Finding], success: tuple[GroupSuccess, ...]
) -> CheckReport:
    counts = Counter(_counted(more))
    for report in reports:
        counts.update(report.num_findings)
    return CheckReport(
        findings=_listed([*more, *(each for report in reports for each in report.findings)]),
        num_findings=dict(sorted(counts.items())),
        success=success,
        figures=sums.added_figures(report.figures for report in reports),
        histograms=sums.added_histograms(report.histograms for report in reports),
    )


def _figures(report: CheckReport) -> dict[str, float]:
    """Counts and shares for the tracker and the card."""
    total = Counter(report.figures)
    figures = {**_success_figures(report.success), **{name: float(total[name]) for name in _SUMMED}}
    figures["dark_share"] = total["dark_pictures"] / max(total["pictures"], 1)
    figures["mean_brightness"] = total["brightness_sum"] / max(total["pictures"], 1)
    figures["visible_share"] = total["visible_objects"] / max(total["objects"], 1)
    figures["mask_miss_share"] = total["missed_objects"] / max(total["visible_objects"], 1)
    figures["mask_offset_px"] = total["mask_offset_px_sum"] / max(total["visible_objects"], 1)
    figures["findings"] = float(sum(report.num_findings.values()))
    return figures


def _scene_figures(shards: Sequence[ShardRecord], skipped: Sequence[Skipped]) -> dict[str, float]:
    """Count what is there and what was left out; says the latter."""
    num_lost = sum(shard.num_lost_objects for shard in shards)
    for each in skipped:
        _LOG.warning("scene %s is left out: %s", each.item_id, each.reason)
    if num_lost:
        _LOG.warning("objects left out of scenes, as they didn't stay in the bin: %d", num_lost)
    return {
        "scenes": float(sum(len(shard.scene_ids) for shard in shards)),
        "scenes_skipped": float(len(skipped)),
        "objects_lost": float(num_lost),
    }


def _success_figures(success: Sequence[GroupSuccess]) -> dict[str, float]:
    found = {(each.kind, each.group): each for each in success}
    every, uniform = found.get(("all", "")), found.get(("policy", "uniform"))
    num_attempts = every.num_attempts if every else 0
    num_uniform = uniform.num_attempts if uniform else 0
    return {
        "attempts": float(num_attempts),
        "successes": float(every.num_successes if every else 0),
        "uniform_attempts": float(num_uniform),
        "stopped_early": float(every.num_stopped_early if every else 0),
        "success_rate": every.rate if every else 0.0,
        "uniform_success_rate": uniform.rate if uniform else 0.0,
        "uniform_share": num_uniform / max(num_attempts, 1),
    }


def _raise_if_unsound(
    report: CheckReport, figures: Mapping[str, float], config: CheckConfig
) -> None:
    """Raise where the data must not be published.

    Raises:
        DataError: Says all that is wrong, and what to do.
    """
    excesses = [*_excesses(figures, config)]
    faults = [each for each in report.findings if each.check not in _TOLERATED]
    for each in report.findings:
        _LOG.warning("%s, %s: %s", each.check, each.where, each.problem)
    num_faults = sum(n for check, n in report.num_findings.items() if check not in _TOLERATED)
    if not excesses and not num_faults:
        return
    said = [f"{each.check}, {each.where}: {each.problem}" for each in faults[:_NUM_SAID]]
    more = [f"and {num_faults - _NUM_SAID} more findings"] if num_faults > _NUM_SAID else []
    raise DataError(
        "the data set must not be published: " + "; ".join([*excesses, *said, *more]) + ". "
        "Bounds are the settings of 'check'; a damaged shard is made again when its folder is "
        "removed and the run repeated"
    )


def _excesses(figures: Mapping[str, float], config: CheckConfig) -> Iterator[str]:
    rate, low, high = figures["success_rate"], config.min_success, config.max_success
    if not figures["attempts"]:
        yield "it has no attempts"
    elif not low <= rate <= high:
        yield (
            f"success rate: expected {low:.0%} to {high:.0%} (check.min_success, "
            f"check.max_success), got {rate:.1%}"
        )
    if figures["dark_share"] > _MAX_DARK:
        yield (
            f"pictures: {figures['dark_pictures']:.0f} of {figures['pictures']:.0f} are darker "
            f"than {config.min_brightness} (check.min_brightness)"
        )
    if figures["mask_miss_share"] > config.max_mask_misses:
        yield (
            f"masks: {figures['missed_objects']:.0f} of {figures['visible_objects']:.0f} visible "
            f"objects lie off their poses, at most {config.max_mask_misses:.0%} may "
            "(check.max_mask_misses)"
        )
