"""Last stage: describe the data set, and hand it over.

The result names the shards, the data card and its pictures; the event of the pipeline's asset
carries its reference, so that a training can start from it. On request a copy goes into a
folder of the user's, with exports beside it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path

import pyarrow as pa

from tasks.core.errors import ConfigError, ResourceError
from tasks.core.export import Export, export_files
from tasks.core.outside.stored import is_stored, local_path
from tasks.core.ports import ItemFolder, Skipped, StageContext
from tasks.core.records import ArtifactRef, FileRef, Record
from tasks.core.stages import StageSpec, stage
from tasks.grasping.config import PublishConfig
from tasks.grasping.data.schema import read_shard
from tasks.grasping.manifests import GraspDataset, Publication, ShardRecord
from tasks.grasping.pictures.data_card import SAMPLE_COLUMNS, card_sections
from tasks.grasping.pictures.sheets import card_pictures
from tasks.report.page import write_page

_CARD = "data_card"
_CARD_FILE, _TEXT_FILE, _ABOUT_FILE = f"{_CARD}.html", f"{_CARD}.md", "dataset.json"
_REPORT_FILE = "report.html"  # what every run calls the page that says how it went
_NUM_SAMPLED = 20  # shards that the card's cameras are read from
_PICTURED_BYTES = 48e6  # of shards that its pictures are taken from


class _CardTask(Record):
    """All that the card is made from."""

    schema_id = "grasping.card_task/1"

    item_id: str
    dataset: GraspDataset


class _Card(Record):
    """The files of the card."""

    schema_id = "grasping.card/2"

    item_id: str
    card: FileRef
    card_text: FileRef
    pictures: dict[str, FileRef]
    figures: dict[str, float]


@stage(
    StageSpec(
        name="grasping.publish",
        section="publish",
        libraries=(
            "numpy",
            "scipy",
            "scikit-learn",
            "opencv-python-headless",
            "pyarrow",
            "matplotlib",
            "pillow",
            "jinja2",
        ),
    )
)
def publish_dataset(checked: ArtifactRef, config: PublishConfig, ctx: StageContext) -> ArtifactRef:
    """Describe the data set and copy it to where people look."""
    _check_settings(config)
    dataset = ctx.store.read(checked, GraspDataset)
    (card,) = ctx.items.map(write_card, [_CardTask(item_id="card", dataset=dataset)], None)
    if isinstance(card, Skipped):
        raise ResourceError(f"the data card could not be made: {card.reason}")
    _track(dataset, card, ctx)
    exports: tuple[str, ...] = ()
    if config.export_to:
        export_files(_copy(checked, dataset, card, ctx), config.export_to, "publish.export_to")
        shards = [ctx.store.fetch(shard.file) for shard in dataset.shards]
        exports = _export(shards, local_path(config.export_to), config)
    return ctx.store.write(
        Publication(
            dataset=dataset,
            card=card.card,
            card_text=card.card_text,
            pictures=card.pictures,
            exported_to=config.export_to,
            exports=exports,
        )
    )


def write_card(item: _CardTask, config: None, folder: ItemFolder) -> _Card:  # noqa: ARG001
    """Write the data card and its pictures."""
    from tasks.grasping.readers.pose_only import POSE_COLUMNS, pose_only_auc  # loads scikit-learn

    shards = item.dataset.shards
    step = max(1, len(shards) // _NUM_SAMPLED)
    sample = pa.concat_tables(
        read_shard(folder.fetch(shard.file), [*SAMPLE_COLUMNS, *POSE_COLUMNS])
        for shard in shards[::step]
    )
    poses = pose_only_auc(sample)
    success = item.dataset.report.success
    pictures = card_pictures([folder.fetch(shard.file) for shard in _pictured(shards)], success)
    sections = card_sections(item.dataset, sample, poses, pictures, _TEXT_FILE)
    card, text, *shown = (folder.add(name) for name in write_page(sections, folder.path, _CARD))
    return _Card(
        item_id=item.item_id,
        card=card,
        card_text=text,
        pictures={each.name: file for each, file in zip(pictures, shown, strict=True)},
        figures={f"pose_only_auc_{name}": auc.value for name, auc in poses.items()},
    )


def _check_settings(config: PublishConfig) -> None:
    """Raise where an export has no place to go, before anything is done."""
    wished = [name for name in ("lerobot", "webdataset", "rlds") if getattr(config, name)]
    if wished and not config.export_to:
        raise ConfigError(
            f"publish.{wished[0]} is on, but publish.export_to is empty: name the folder that "
            "receives the export"
        )
    if wished and is_stored(config.export_to):
        raise ConfigError(
            f"publish.{wished[0]} is on, and publish.export_to is {config.export_to!r}: other "
            "formats are written to a disk; name a folder there, or leave them off"
        )


def _pictured(shards: Sequence[ShardRecord]) -> list[ShardRecord]:
    """The first shards, so many that they are not too large to hold, and one at least."""
    sizes = accumulate(shard.file.num_bytes for shard in shards)
    return [s for s, size in zip(shards, sizes, strict=True) if size <= _PICTURED_BYTES] or [
        shards[0]
    ]


def _track(dataset: GraspDataset, card: _Card, ctx: StageContext) -> None:
    metrics = dataset.report.figures | card.figures
    for policy, tally in dataset.report.by_policy.items():
        metrics[f"success_rate_{policy}"] = tally.successes / max(tally.attempts, 1)
        metrics[f"attempts_{policy}"] = float(tally.attempts)
    metrics["shards"] = float(len(dataset.shards))
    metrics["megabytes"] = sum(shard.file.num_bytes for shard in dataset.shards) / 1e6
    ctx.tracker.log_metrics(metrics)
    ctx.tracker.set_tags(
        {"world": dataset.plan.recipe["world"]["name"], "split": dataset.plan.split}
    )
    ctx.tracker.log_figure(ctx.store.fetch(card.card), _REPORT_FILE)
    ctx.tracker.log_json([each.model_dump() for each in dataset.report.success], "success.json")
    for name, file in _card_files(card).items():
        ctx.tracker.log_figure(ctx.store.fetch(file), name)


def _card_files(card: _Card) -> dict[str, FileRef]:
    return {_CARD_FILE: card.card, _TEXT_FILE: card.card_text, **card.pictures}


def _copy(checked: ArtifactRef, dataset: GraspDataset, card: _Card, ctx: StageContext) -> Export:
    """Shards, card and a description; only a later state of the same data set goes on with it."""
    refs = {f"shards/{shard.item_id}.parquet": shard.file for shard in dataset.shards}
    refs |= _card_files(card)
    same: dict[str, str | int] = {
        "row_schema": dataset.row_schema,
        "recipe_digest": dataset.recipe_digest,
        "root_seed": dataset.root_seed,
    }
    about = same | {
        "num_attempts": sum(shard.num_attempts for shard in dataset.shards),
        "num_scenes": sum(len(shard.scene_ids) for shard in dataset.shards),
        "num_scenes_skipped": len(dataset.skipped),
        "num_objects_lost": sum(shard.num_lost_objects for shard in dataset.shards),
        "split": dataset.plan.split,
        "world": dataset.plan.recipe["world"]["name"],
        "files": {name: ref.sha256 for name, ref in sorted(refs.items())},
    }
    described = ctx.scratch / _ABOUT_FILE
    described.write_text(json.dumps(about, indent=2) + "\n", "utf-8")
    files = {name: ctx.store.fetch(ref) for name, ref in refs.items()}
    return Export(
        files=files | {_ABOUT_FILE: described},
        maker=ctx.stage,
        made_from=(checked.sha256,),
        same=same,
    )


def _export(shards: Sequence[Path], folder: Path, config: PublishConfig) -> tuple[str, ...]:
    """Write the formats that are switched on; returns their ids."""
    done = []
    if config.lerobot:
        from tasks.grasping.exports.lerobot import export_lerobot

        done.append(export_lerobot(shards, folder / "lerobot").format_id)
    if config.webdataset:
        from tasks.grasping.exports.webdataset import export_webdataset

        done.append(export_webdataset(shards, folder / "webdataset").format_id)
    if config.rlds:
        from tasks.grasping.exports.rlds import export_rlds

        done.append(export_rlds(shards, folder / "rlds").format_id)
    return tuple(done)
