"""The pilot: how often each policy succeeds, measured before the mixture is chosen.

Its scenes have ids and generators of their own, so that none of them is in the data.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import pyarrow.compute as pc

from tasks.core.errors import ArtifactError, ConfigError
from tasks.core.outcomes import split
from tasks.core.outside.copies import path_of
from tasks.core.ports import ItemFolder, StageContext
from tasks.core.records import Record
from tasks.grasping.algorithms.policies import PolicyName
from tasks.grasping.algorithms.steering import Rate, kinds_of, rate_of
from tasks.grasping.config import PlanConfig, PolicyConfig
from tasks.grasping.data.schema import open_shard
from tasks.grasping.manifests import SceneTask, Tally
from tasks.grasping.scene_trials import SceneInputs, try_scene, workshop_of
from tasks.intake.folders import files_below

MAX_SKIPPED: Final = 0.05
"""Part of the pilot's scenes that may fail."""
_ROWS_AT_ONCE, _MAX_LABEL_BYTES = 4096, 500
_LEAST_EARLIER = 40  # attempts of a policy, as many as the smallest pilot


class PilotScene(Record):
    """What came of one scene.

    Attributes:
        item_id: The scene's id.
        by_policy: Attempts and successes of each policy.
    """

    schema_id = "grasping.pilot_scene/1"

    item_id: str
    by_policy: dict[str, Tally]


def run_pilot(
    config: PlanConfig, settings: SceneInputs, ctx: StageContext
) -> dict[PolicyName, Rate]:
    """Try all policies of a mixture equally often in new scenes.

    Args:
        config: How many attempts, and of which policies.
        settings: What the scenes have in common, with the pilot's mixture.
        ctx: Runs the scenes.

    Raises:
        DataError: Too many scenes failed; the message names them and the reasons.
    """
    kinds = kinds_of(config.policy)
    num_scenes = -(-len(kinds) * config.policy.pilot_attempts // config.attempts_per_scene)
    tasks = [
        SceneTask(
            item_id=f"pilot-{config.objects.split}-{settings.root_seed}-{index:05d}",
            index=index,
            num_attempts=config.attempts_per_scene,
        )
        for index in range(num_scenes)
    ]
    scenes, _ = split(ctx.items.map(try_pilot_scene, tasks, settings), MAX_SKIPPED)
    return {
        kind: rate_of([_counts(scene.by_policy.get(kind)) for scene in scenes]) for kind in kinds
    }


def try_pilot_scene(item: SceneTask, config: SceneInputs, folder: ItemFolder) -> PilotScene:
    """Simulate one scene of the pilot.

    Raises:
        DataError: It can't be simulated; says which object or file is at fault.
    """
    workshop = workshop_of(config, folder.fetch)
    done = try_scene(workshop, item.item_id, item.num_attempts, folder.rng())
    attempts = Counter(each.policy for each in done.tried)
    successes = Counter(each.policy for each in done.tried if each.attempt.is_success)
    return PilotScene(
        item_id=item.item_id,
        by_policy={
            policy: Tally(attempts=number, successes=successes[policy])
            for policy, number in sorted(attempts.items())
        },
    )


def read_earlier(config: PlanConfig) -> dict[PolicyName, Rate]:
    """Measure the policies of a mixture in an earlier data set.

    Args:
        config: Names its folder: Parquet shards as `publish` exports them.

    Raises:
        ConfigError: The folder is missing or holds no shards, they were made in another world,
            or they hold too few attempts of a policy.
        ArtifactError: A shard is damaged or of another schema version.
    """
    folder = path_of(config.policy.earlier, "policy.earlier")
    paths = _shards_in(folder)
    counts: Counter[tuple[str, str, bool]] = Counter()
    for path in paths:
        counts.update(_rows_of(path, config))
    kinds = kinds_of(config.policy)
    rates = {}
    for kind in kinds:
        scenes = sorted({scene for policy, scene, _ in counts if policy == kind})
        each = [
            (counts[kind, scene, True] + counts[kind, scene, False], counts[kind, scene, True])
            for scene in scenes
        ]
        if sum(attempts for attempts, _ in each) < _LEAST_EARLIER:
            raise ConfigError(
                f"policy.earlier: {folder} holds {sum(n for n, _ in each)} attempts of the policy "
                f"{kind}, at least {_LEAST_EARLIER} are needed to steer by; leave it empty and let "
                "a pilot measure them"
            )
        rates[kind] = rate_of(each)
    return rates


def pilot_figures(rates: dict[PolicyName, Rate]) -> dict[str, float]:
    """Return what was measured as named figures."""
    figures: dict[str, float] = {}
    for kind, rate in rates.items():
        low, high = rate.interval
        figures |= {
            f"{kind}_attempts": float(rate.attempts),
            f"{kind}_successes": float(rate.successes),
            f"{kind}_share": rate.share,
            f"{kind}_low": low,
            f"{kind}_high": high,
            f"{kind}_design_effect": rate.design_effect,
        }
    return figures


def is_steered(policy: PolicyConfig) -> bool:
    """Whether there is a mixture to choose."""
    return policy.steer and len(kinds_of(policy)) > 1


def _counts(tally: Tally | None) -> tuple[int, int]:
    return (tally.attempts, tally.successes) if tally else (0, 0)


def _shards_in(folder: Path) -> Sequence[Path]:
    """Return the shards: those in the folder, else those in its folder ``shards``."""
    for place in (folder, folder / "shards", folder / "data"):
        files = files_below(place)[0] if place.is_dir() else []
        if paths := [each for each in files if each.parent == place and each.suffix == ".parquet"]:
            return paths
    raise ConfigError(
        f"policy.earlier: expected a folder with Parquet shards, found none in {str(folder)!r}"
    )


def _rows_of(path: Path, config: PlanConfig) -> Iterator[tuple[str, str, bool]]:
    columns, labels = ["policy", "scene_id", "is_success", "world"], ["policy", "scene_id", "world"]
    with open_shard(path, columns, labels) as file:
        for batch in file.iter_batches(_ROWS_AT_ONCE, columns=columns):
            for name in labels:
                longest = pc.max(pc.binary_length(batch[name].dictionary)).as_py() or 0
                if longest > _MAX_LABEL_BYTES:
                    raise ArtifactError(
                        f"{path}: expected a {name} of at most {_MAX_LABEL_BYTES} bytes, got one "
                        f"of {longest:,}; remove the file and collect again"
                    )
            worlds = {str(world) for world in batch["world"].unique().to_pylist()}
            if worlds - {config.world.name}:
                raise ConfigError(
                    f"policy.earlier: {path} was made in the world {', '.join(sorted(worlds))}, "
                    f"and {config.world.name} is to be collected: shares of successes don't carry "
                    "over; leave it empty and let a pilot measure them"
                )
            yield from zip(*(batch[name].to_pylist() for name in columns[:3]), strict=True)
