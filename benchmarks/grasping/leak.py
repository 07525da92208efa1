"""What poses alone tell of the outcome: as commanded, which is little, and as reached.

Attempts are the pipeline's, collected by its stages with its mixture of policies without steering;
no outcome depends on a picture, so pictures are as small as may be. See
`tasks.grasping.readers.pose_only`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pyarrow as pa

from benchmarks.grasping.collecting import Collector, job
from benchmarks.results_file import Figure
from operators.stage.local import LocalRun
from tasks.grasping.config import CollectConfig
from tasks.grasping.data.schema import read_shard
from tasks.grasping.manifests import ShardSet
from tasks.grasping.readers.pose_only import POSE_COLUMNS, pose_only_auc
from tasks.grasping.stages.collect import collect_shards

FULL_SCENES: Final = 100  # per seed: 3 x 100 x 12 = 3,600 attempts
QUICK_SCENES: Final = 20
_PICTURE_PX = 16


def measure(seed_numbers: Sequence[int], num_scenes: int) -> dict[str, Figure]:
    """Collect scenes of some seeds and predict success from poses alone.

    Args:
        seed_numbers: Root seeds.
        num_scenes: Scenes of each.
    """
    with tempfile.TemporaryDirectory(prefix="orrery-bench-") as name:
        found = [collected(seed, num_scenes, Path(name, str(seed))) for seed in seed_numbers]
    return figures_of(pa.concat_tables(found))


def collected(seed: int, num_scenes: int, folder: Path) -> pa.Table:
    """Rows of some scenes with the columns `POSE_COLUMNS`."""
    plan = Collector(job(seed, num_scenes, size_px=_PICTURE_PX), folder / "plan").plan
    local = LocalRun(folder / "rows", seed=seed)
    ref = local.run(collect_shards, local.put(plan), config=CollectConfig())
    shards = local.read(ref, ShardSet).shards
    return pa.concat_tables(
        read_shard(local.fetch(each.file), list(POSE_COLUMNS)) for each in shards
    )


def figures_of(rows: pa.Table) -> dict[str, Figure]:
    """Areas under the ROC curve, with intervals by scene."""
    figures = {}
    for column, auc in pose_only_auc(rows).items():
        interval = None if auc.low is None or auc.high is None else (auc.low, auc.high)
        figures[f"pose_only_auc_{column}"] = Figure(value=auc.value, unit="", interval=interval)
    return figures
