"""What a search costs beside its children: driver, Ray, store and MLflow.

``overhead_cpu_s``: user and system seconds of all processes (the driver with its strategy, Ray's
own and its workers, the MLflow server) while the loop of the stage `search` runs 500 children
whose training is left out: proposing, hashing, submitting, reading the shared images, committing,
noting the end, telling, tracking. ``overhead_of_child_ms``: the same over children.
``search_overhead_share``: that over itself and the CPU seconds of 500 children at the proxy of
9,000 images of 8 px, as `benchmarks.nas.children` measures them.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.own_process import cpu_seconds_below
from benchmarks.results_file import Figure
from benchmarks.speedup import two_cpus
from operators.processes.ports import Ports
from operators.stack.databases import MLFLOW_DATABASE, sqlite_url
from operators.stack.services import base_env, mlflow_command, mlflow_is_up
from operators.stage.context import open_context
from operators.stage.local import LocalRun
from operators.stage.plan import Plan
from tasks.core.ports import ItemFolder
from tasks.core.seeds import digest64
from tasks.nas.config import PrepareConfig, SearchConfig
from tasks.nas.manifests import ChildResult, ChildTask, ImageData
from tasks.nas.search.loop import run
from tasks.nas.search.opening import expected, open_campaign
from tasks.nas.stages.prepare import prepare_images
from tasks.nas.stages.search import search_cells
from tasks.nas.training.shared_images import SharedImages, shared_arrays, shared_split

FULL_CHILDREN, QUICK_CHILDREN = 500, 40
_LIMIT_S = 120.0
_OBJECT_STORE_BYTES = 200_000_000
_PROFILE = "store_uri: {folder}\nray_address: auto\nreadable: [/]\ndefault: {{num_cpus: 1.0}}\n"


def measure(data: Path, num_children: int) -> dict[str, Figure]:
    """Run a search whose children are not trained.

    Args:
        data: Folder with CIFAR-10.
        num_children: Children of the one search; the control is part of them.
    """
    config = SearchConfig(num_children=num_children - 1, num_control=1, num_rungs=1)
    with (
        tempfile.TemporaryDirectory(prefix="orrery-bench-") as name,
        _mlflow(name) as mlflow,
        two_cpus(_OBJECT_STORE_BYTES) as executor,
    ):
        profile = Path(name, "profile.yaml")
        profile.write_text(_PROFILE.format(folder=name))
        local = LocalRun(Path(name), profile=str(profile))
        images = local.run(prepare_images, config=PrepareConfig(data=str(data)))
        before_s = cpu_seconds_below()
        _search(local, images, config, executor, mlflow)
        spent_s = cpu_seconds_below() - before_s
    return {
        "overhead_cpu_s": Figure(value=spent_s, unit="s", interval=None),
        "overhead_of_child_ms": Figure(
            value=1e3 * spent_s / num_children, unit="ms", interval=None
        ),
    }


def share(overhead_s: float, num_children: int, child_cpu_s: float) -> Figure:
    """Overhead over all CPU seconds, had each child been trained."""
    trained_s = num_children * child_cpu_s
    return Figure(value=overhead_s / (overhead_s + trained_s), unit="", interval=None)


def untrained_child(item: ChildTask, config: SharedImages, folder: ItemFolder) -> ChildResult:
    """All that a child is but for its training: its reward is drawn from its name."""
    images = shared_split(folder, "train", item.budget.image_px)
    return ChildResult(
        item_id=item.item_id,
        accuracy=digest64(item.genotype_hash) % 10_000 / 10_000,
        train_loss=float(len(images) / (1 + len(config.images.classes))),
        num_params=1,
        mult_adds=1,
        cpu_s=0.0,
    )


def _search(local: LocalRun, images: Any, config: SearchConfig, executor: Any, mlflow: str) -> None:
    from operators.record.mlflow_tracker import MlflowTracker

    plan = Plan.of(local.request(search_cells, images, config=config))
    tracker = MlflowTracker.start(mlflow, None, "nas.search", {})
    ctx = open_context(plan.on("cpu"), executor, tracker)
    data = ctx.store.read(images, ImageData)
    children = SharedImages(images=data, device="cpu")
    campaign = open_campaign(config)
    arrays = shared_arrays(data, [rung.image_px for rung in campaign.rungs], ctx.store)
    with ctx.items.pool(untrained_child, children, expected(config), shared=arrays) as pool:
        run(campaign, pool, config, ctx)
    tracker.finish("FINISHED")
    if ctx.items.counts["made"] != config.num_children + config.num_control:
        print(f"{ctx.items.counts['made']} children: the others were asked for twice")


@contextmanager
def _mlflow(folder: str) -> Iterator[str]:
    """An MLflow server below this process; yields its address."""
    ports = Ports.choose()
    quiet: Any = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    env = base_env() | {MLFLOW_DATABASE: sqlite_url(Path(folder) / "mlflow" / "mlflow.db")}
    with subprocess.Popen(mlflow_command(ports, Path(folder)), env=env, **quiet) as server:
        try:
            end_s = time.monotonic() + _LIMIT_S
            while not mlflow_is_up(ports):
                if time.monotonic() > end_s:
                    raise TimeoutError(f"MLflow did not start within {_LIMIT_S:g} s")
                time.sleep(0.5)
            yield ports.mlflow_url
        finally:
            server.terminate()
