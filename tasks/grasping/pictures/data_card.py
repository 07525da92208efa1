"""The data card: what a data set is, so that nobody has to guess before using it.

After M. Mitchell et al., "Model Cards for Model Reporting" (FAT* 2019), and M. Pushkarna et al.,
"Data Cards: Purposeful and Transparent Dataset Documentation for Responsible AI" (FAccT 2022),
cut down to what can be read off simulated data by counting.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from tasks.grasping.data.schema import SCHEMA, SCHEMA_ID, STEP_FIELDS
from tasks.grasping.data.sums import edges
from tasks.grasping.manifests import GraspDataset, Tally
from tasks.report.estimates import Estimate, wilson
from tasks.report.page import (
    Histogram,
    Link,
    Picture,
    Section,
    Table,
    settings_section,
    skipped_section,
)

_NUM_NAMED = 10  # objects at either end of the ranking, skipped scenes, findings
_LEAST_SHOWN = 20  # attempts below which an object's success rate says nothing
_SAME = 1e-9  # relative spread below which values count as one

_INTRODUCTION = (
    "Simulated grasp attempts over a bin, one row per attempt: pictures with and without the arm, "
    "semantic masks, what was commanded (after Levine et al., IJRR 2018) and its outcome. Nothing "
    "here was recorded on a robot."
)
_WORLDS = {
    "bullet": "PyBullet: a Kuka iiwa with a parallel gripper over a tray.",
    "bullet-restyled": (
        "PyBullet with the surrogate's looks and camera: the control in which only appearance "
        "differs from the plain world."
    ),
    "bullet-structured": (
        "PyBullet with the surrogate's camera and with looks whose edges don't follow shape "
        "(textures at the objects' scale, prints on the floor, a blurred sensor): the control that "
        "standardising colour and contrast doesn't undo."
    ),
    "surrogate": (
        "MuJoCo, a stand-in for a real robot with another engine, renderer, camera and gripper. "
        "It is a simulation; results on it are no results on a robot."
    ),
}


def card_sections(
    dataset: GraspDataset,
    sample: pa.Table,
    poses: Mapping[str, Estimate],
    pictures: Sequence[Picture],
    text_file: str,
) -> list[Section]:
    """Put the card together.

    Args:
        dataset: What is described.
        sample: Rows of the data set with the columns `SAMPLE_COLUMNS`, for cameras and versions.
        poses: What poses alone tell of the outcome; see `tasks.grasping.readers.pose_only`.
        pictures: Contact sheets.
        text_file: The same card as Markdown, beside it.
    """
    return [
        _overview(dataset, text_file),
        Section("Pictures", pictures=tuple(pictures)),
        _success(dataset),
        _objects(dataset),
        pose_section(poses),
        _distributions(dataset),
        _cameras(sample),
        _checks(dataset),
        skipped_section((*dataset.plan.left_out, *dataset.skipped)),
        _settings(dataset),
        _software(sample),
        _columns(),
    ]


SAMPLE_COLUMNS = ("camera_matrix", "camera_from_base", "distortion", "versions")
"""Columns that the card reads from a sample of the rows."""


def rate_with_interval(tally: Tally) -> str:
    """Share of successes with its 95 % interval, in percent."""
    if not tally.attempts:
        return "-"
    low, high = wilson(tally.successes, tally.attempts)
    return f"{tally.successes / tally.attempts:.1%} ({low:.1%} to {high:.1%})"


def _overview(dataset: GraspDataset, text_file: str) -> Section:
    plan, figures = dataset.plan, dataset.report.figures
    world = plan.recipe["world"]
    num_bytes = sum(shard.file.num_bytes for shard in dataset.shards)
    facts = {
        "attempts": f"{figures['attempts']:,.0f}",
        "scenes": f"{sum(len(shard.scene_ids) for shard in dataset.shards):,}",
        "attempts per scene": str(plan.attempts_per_scene),
        "success rate": f"{figures['success_rate']:.1%}",
        "drawn uniformly over the bin": (
            f"{figures['uniform_share']:.1%} of the attempts, "
            f"{figures['uniform_success_rate']:.1%} of them successes"
        ),
        "split (by object)": plan.split,
        "world": f"{world['name']}: {_WORLDS[world['name']]}",
        "pictures": f"{figures['pictures']:,.0f} of {world['camera']['size_px']} px, PNG, RGB",
        "files": f"shards (Parquet): {len(dataset.shards):,}, {num_bytes / 1e6:,.1f} MB",
        "row schema": dataset.row_schema,
        "root seed": str(dataset.root_seed),
        "recipe": dataset.recipe_digest[:16],
    }
    rows = tuple(facts.items())
    links = (Link("This page as text", text_file),)
    return Section("Grasp attempts", (_INTRODUCTION,), (Table((), rows),), links=links)


def _success(dataset: GraspDataset) -> Section:
    report = dataset.report
    rows = [
        (policy, f"{tally.attempts:,}", rate_with_interval(tally))
        for policy, tally in report.by_policy.items()
    ]
    every = Tally(
        attempts=int(report.figures["attempts"]), successes=int(report.figures["successes"])
    )
    rows.append(("all", f"{every.attempts:,}", rate_with_interval(every)))
    text = (
        "Attempts of one scene share its objects and camera, so they are not independent: split "
        "by scene or by object, never by row. Intervals are of 95 %, as if rows were independent.",
    )
    table = Table(("policy", "attempts", "success (95 % interval)"), tuple(rows))
    return Section("Success by policy", text, (table,))


def _objects(dataset: GraspDataset) -> Section:
    shown = dataset.report.by_object
    ranked = sorted(
        (each for each in shown.items() if each[1].attempts >= _LEAST_SHOWN),
        key=lambda each: (-each[1].successes / each[1].attempts, each[0]),
    )
    head = ("object", "attempts in its scenes", "times lifted", "share (95 % interval)")
    text = (
        f"{len(shown)} objects are shown. An attempt counts for every object of its scene, so "
        "shares are of attempts in which the object could have been lifted.",
    )
    best = tuple(_object_row(*each) for each in ranked[:_NUM_NAMED])
    rest = ranked[_NUM_NAMED:]
    worst = tuple(_object_row(*each) for each in rest[-_NUM_NAMED:])
    tables = tuple(Table(head, rows) for rows in (best, worst) if rows)
    order = "Most often lifted first" + (", then the least often lifted." if worst else ".")
    return Section("Objects", (*text, order) if best else text, tables)


def _object_row(name: str, tally: Tally) -> tuple[str, ...]:
    return name, f"{tally.attempts:,}", f"{tally.successes:,}", rate_with_interval(tally)


def pose_section(poses: Mapping[str, Estimate]) -> Section:
    """What poses without pictures tell of the outcome.

    Args:
        poses: Area under the ROC curve, by column; empty where there is too little to tell.
    """
    text = (
        "Success predicted from the pose at which the fingers close, without a picture: as "
        "commanded, and as reached. Area under the ROC curve of extra-trees, cross-validated by "
        "scene; 0.5 is chance; intervals of 95 % by scene. What motions tell beyond commands is "
        "the outcome itself, since a gripper stops where it meets something: train on commands."
    )
    if not poses:
        return Section("What poses alone predict", (text, "There are too few scenes to tell."))
    rows = tuple(
        (name, f"{auc.num:,}", f"{auc.value:.3f} ({auc.low:.3f} to {auc.high:.3f})")
        for name, auc in poses.items()
    )
    table = Table(("column of a step", "attempts", "AUC (95 % interval)"), rows)
    return Section("What poses alone predict", (text,), (table,))


def _distributions(dataset: GraspDataset) -> Section:
    return Section(
        "Distributions",
        ("The first and the last bin hold what lies beyond them.",),
        histograms=tuple(
            Histogram(name, tuple(edges(name)), counts)
            for name, counts in dataset.report.histograms.items()
        ),
    )


def _cameras(sample: pa.Table) -> Section:
    matrices = np.array(sample["camera_matrix"].to_pylist()).reshape(-1, 3, 3)
    poses = np.array(sample["camera_from_base"].to_pylist()).reshape(-1, 4, 4)
    places_m = -np.einsum("nji,nj->ni", poses[:, :3, :3], poses[:, :3, 3])
    directions = poses[:, 2, :3]
    facts = {
        "different cameras among the rows looked at": str(len(np.unique(poses, axis=0))),
        "focal length, px": _spread(matrices[:, 0, 0]),
        "principal point x, px": _spread(matrices[:, 0, 2]),
        "principal point y, px": _spread(matrices[:, 1, 2]),
        **{f"place {axis}, m": _spread(places_m[:, i]) for i, axis in enumerate("xyz")},
        **{f"viewing direction {axis}": _spread(directions[:, i]) for i, axis in enumerate("xyz")},
        **{
            f"radial distortion k{i + 1}": _spread(values)
            for i, values in enumerate(np.array(sample["distortion"].to_pylist()).T)
        },
    }
    text = (
        f"From {len(sample):,} rows, in the base frame; mean and standard deviation where they "
        "differ. Each row holds its own camera.",
    )
    return Section("Cameras", text, (Table((), tuple(facts.items())),))


def _spread(values: Any) -> str:
    if np.ptp(values) < _SAME * max(1.0, np.max(np.abs(values))):
        return f"{values[0]:.4g}"
    return f"{np.mean(values):.4g} ± {np.std(values):.2g}"


def _settings(dataset: GraspDataset) -> Section:
    plan = dataset.plan
    text = [
        "All settings that decide the rows. The mixture of policies was fixed before the first "
        "row was collected."
    ]
    for name, file in (
        ("Textures", plan.textures),
        ("Objects", plan.objects),
        ("Policy model", plan.model),
    ):
        if file is not None:
            text.append(f"{name}: SHA-256 {file.sha256}.")
    found = settings_section({**plan.recipe, "mixture": plan.mixture}, tuple(text))
    if not plan.pilot:
        return found
    pilot = tuple((name, f"{value:.4g}") for name, value in sorted(plan.pilot.items()))
    chosen = Table(("figure the mixture was chosen by", "value"), pilot)
    return replace(found, tables=(*found.tables, chosen))


def _software(sample: pa.Table) -> Section:
    kinds = sorted(set(sample["versions"].to_pylist()))
    versions = tuple(
        (name, str(version)) for kind in kinds for name, version in json.loads(kind).items()
    )
    return Section("Software", tables=(Table(("software", "version"), versions),))


def _checks(dataset: GraspDataset) -> Section:
    figures, report = dataset.report.figures, dataset.report
    facts = {
        "visible objects whose mask lies off their pose": f"{figures['mask_miss_share']:.2%}",
        "mean distance of a mask from its projected centre": f"{figures['mask_offset_px']:.2f} px",
        "objects in the bin that are seen": f"{figures['visible_share']:.1%}",
        "dark pictures": f"{figures['dark_share']:.2%}",
        "mean grey value": f"{figures['mean_brightness']:.1f}",
        "attempts that were stopped early": f"{figures['stopped_early']:,.0f}",
        "scenes that could not be simulated": f"{figures['scenes_skipped']:,.0f}",
        "objects left out of a scene, outside of the bin": f"{figures['objects_lost']:,.0f}",
    }
    findings = [f"object {each.object_id}: {each.remark}" for each in dataset.plan.remarks]
    findings += [f"{each.check}, {each.where}: {each.problem}" for each in report.findings]
    said = "What was found and tolerated:" if findings else "Nothing was found."
    text = (
        "Every row was checked: schema, ids, commands and motions against poses, masks against "
        "poses, "
        f"brightness, outcomes. {said}"
    )
    return Section("Checks", (text, *findings[:_NUM_NAMED]), (Table((), tuple(facts.items())),))


def _columns() -> Section:
    frame = SCHEMA.metadata[b"orrery.frame"].decode()
    text = (
        f"Schema {SCHEMA_ID}. Frame: {frame}. Camera frame: "
        f"{SCHEMA.metadata[b'orrery.camera_frame'].decode()}. Pose: "
        f"{SCHEMA.metadata[b'orrery.pose'].decode()}. Command: "
        f"{SCHEMA.metadata[b'orrery.command'].decode()}. Motion: "
        f"{SCHEMA.metadata[b'orrery.motion'].decode()}. Classes: "
        f"{SCHEMA.metadata[b'orrery.classes'].decode()}.",
    )
    rows = [*map(_column, SCHEMA), *(_column(each, "steps[].") for each in STEP_FIELDS)]
    return Section("Columns", text, (Table(("column", "type", "unit", "meaning"), tuple(rows)),))


def _column(column: pa.Field, prefix: str = "") -> tuple[str, ...]:
    metadata = {k.decode(): v.decode() for k, v in (column.metadata or {}).items()}
    kind = "list<struct>, see below" if column.name == "steps" else str(column.type)
    kind = kind.replace("element: ", "").replace("item: ", "")
    return (prefix + column.name, kind, metadata.get("unit", ""), metadata.get("meaning", ""))
