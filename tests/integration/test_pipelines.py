"""Every pipeline on the session's Ray and MLflow: a tiny run, then one with a little more.

A pipeline `dags/<pipeline>.py` of a system has its run in `tests/<system>/small/<pipeline>.yaml`:

    params: {…}           # the run, as the form of the DAG takes it; {folder} is the test's own
    grown: {…}            # on top of them: one item more
    made: {<task>: 1}     # items that the grown run makes, by task; all others must be found
    leaves: [out/*.html]  # what must then lie in the folder
    champions: [cells]    # begins of names in the model registry that then have a champion

The files that a run reads are written by `make(folder, is_grown=…)` in
`tests/<system>/small/make.py`, where a system has one. What runs beside both, such as a server, is
`beside(folder)` there, a context manager. Keep the first run below 30 s and the
grown one below 15 s on two quiet cores.

The stages run in the order and with the wiring of the DAG file, through the same `run_stage` as
in a job, but in this process. Airflow, jobs and kills are tested with the sample pipeline.
"""

from __future__ import annotations

import contextlib
import copy
import gc
import importlib.util
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk.definitions.xcom_arg import ZipXComArg

from operators.installation import PROFILE, ROOT, config_path
from operators.processes.ports import Ports
from operators.schedule.run_tasks import OpenRun
from operators.stage.request import Caller, StageRequest
from operators.stage.run import run_stage
from operators.store.artifacts import read_artifact
from operators.store.storage import Storage
from tasks.core.config import config_json
from tasks.core.params import load_config
from tasks.core.records import ArtifactRef
from tests.support.kernel.live_runs import children, metrics_of, mlflow

pytestmark = [
    pytest.mark.integration,
    pytest.mark.timeout(240),
    # Clients of MLflow leave their connections to the garbage collector.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    # Said by MLflow's own types when what registers models loads them.
    pytest.mark.filterwarnings("ignore:.*Any type hint is inferred:UserWarning"),
]

PIPELINES = sorted(path.stem for path in (ROOT / "dags").glob("[!_]*.py"))
NUM_GROUPS = 2

Results = dict[str, list[ArtifactRef]]


@dataclass(frozen=True)
class Small:
    """The small run of one pipeline."""

    params: dict[str, Any]
    grown: dict[str, Any]
    made: dict[str, int | list[int]]
    leaves: list[str]
    folder: Path
    champions: tuple[str, ...] = ()


def small_run(pipeline: str, folder: Path) -> Small:
    found = list((ROOT / "tests").glob(f"*/small/{pipeline}.yaml"))
    assert found, f"write tests/<system>/small/{pipeline}.yaml; see {__file__}"
    return Small(
        **yaml.safe_load(found[0].read_text().replace("{folder}", str(folder))),
        folder=found[0].parent,
    )


def maker_of(small: Small) -> Any:
    """The module that makes its files; None where there is none."""
    path = small.folder / "make.py"
    if not path.exists():
        return None
    spec = importlib.util.spec_from_file_location("make", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def make_files(small: Small, folder: Path, *, is_grown: bool) -> None:
    if maker := maker_of(small):
        maker.make(folder, is_grown=is_grown)


@pytest.fixture
def beside(pipeline: str, profile: str, tmp_path: Path) -> Iterator[None]:
    """What runs beside both runs of a pipeline."""
    maker = maker_of(small_run(pipeline, tmp_path))
    with getattr(maker, "beside", lambda _: contextlib.nullcontext())(tmp_path):
        yield


class Walk:
    """One run of a DAG's stages, as its file wires them.

    Attributes:
        results: What each task returned.
        run_id: Stands for a DAG run.
        mlflow_run_id: The run that bears the stages' runs.
    """

    def __init__(self, pipeline: str, run_id: str, params: Mapping[str, Any], profile: str) -> None:
        """Check the params as Airflow's form does, then run every stage."""
        self._dag = DagBag(ROOT / "dags" / f"{pipeline}.py", safe_mode=False).dags[pipeline]
        self._profile, self.run_id = profile, run_id
        self.results: Results = {}
        form = copy.deepcopy(self._dag.params)
        form.update(params)
        self._params = form.validate()
        opened, *stages, _closed = self._dag.topological_sort()
        assert isinstance(opened, OpenRun)
        told = types.SimpleNamespace(run_id=run_id)
        where: Any = {"dag": self._dag, "ti": told, "params": self._params}
        self.mlflow_run_id = opened.execute(where)["run_id"]
        for task in stages:
            given = task.partial_kwargs if task.is_mapped else vars(task)
            self.results[task.task_id] = [
                ref
                for index, inputs in enumerate(self._inputs(task))
                for ref in run_stage(self._request(task.task_id, given, index, inputs))
            ]

    def _inputs(self, task: Any) -> Iterator[list[Any]]:
        """Inputs of each call of a task."""
        if not task.is_mapped:
            yield [self._value(each) for each in task.inputs]
            return
        for each in self._value(task.expand_input.value["inputs"]):
            yield list(each) if isinstance(each, tuple) else [each]

    def _value(self, arg: Any) -> Any:
        """What a task's result is to the task that takes it: a reference, or one a group."""
        if isinstance(arg, ZipXComArg):
            return list(zip(*(self._value(each) for each in arg.args), strict=True))
        found = self.results[arg.operator.task_id]
        is_list = arg.operator.is_mapped or arg.operator.fans_out
        return found if is_list else found[0]

    def _request(
        self, task_id: str, given: Mapping[str, Any], index: int, inputs: list[Any]
    ) -> StageRequest:
        pipeline = self._dag.dag_id
        config = load_config(given["config"], config_path(pipeline), dict(self._params))
        return StageRequest(
            pipeline=pipeline,
            stage=given["stage"],
            config=config_json(config),
            inputs=inputs,
            caller=Caller(
                run_id=self.run_id,
                dag_id=pipeline,
                task_id=task_id,
                map_index=index,
                profile=self._profile,
                parent_run_id=self.mlflow_run_id,
            ),
        )


def items(store: Path, walk: Walk) -> dict[str, dict[str, int]]:
    """Items that each task of a run made and found; calls of an earlier run count nothing."""
    counts: dict[str, dict[str, int]] = {}
    for task, refs in walk.results.items():
        told = [read_artifact(Storage(str(store)), ref).provenance for ref in refs]
        # by its start, since all groups that a call fans out to tell of the whole call
        calls = {x["started"]: x["items"] for x in told if x["run"]["run_id"] == walk.run_id}
        kinds = ("made", "reused", "skipped")
        counts[task] = {kind: sum(call[kind] for call in calls.values()) for kind in kinds}
    return counts


def committed(store: Path) -> dict[Path, bytes]:
    """Manifests of all items and results."""
    return {path: path.read_bytes() for path in store.rglob("manifest.json")}


@pytest.fixture(autouse=True)
def connections_end_with_their_test() -> Iterator[None]:
    """While the warnings of MLflow's clients are still ignored."""
    yield
    gc.collect()


@pytest.fixture
def profile(tmp_path: Path, servers: Ports, ray_cluster: str, monkeypatch: pytest.MonkeyPatch):
    """Two groups, the session's servers, and a store of the test's own."""
    path = tmp_path / "profile.yaml"
    path.write_text(
        f"store_uri: {tmp_path}/store\nnum_jobs: {NUM_GROUPS}\ndefault: {{num_cpus: 1.0}}\n"
        f"tracking_uri: {servers.mlflow_url}\nray_address: {ray_cluster}\n"
        f"readable: [{tmp_path}]\nwritable: [{tmp_path}]\n"
    )
    monkeypatch.setenv(PROFILE, str(path))
    return str(path)


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_a_small_run_succeeds_and_a_grown_one_makes_only_what_is_new(
    pipeline: str, servers: Ports, profile: str, beside: None, tmp_path: Path
) -> None:
    store, small = tmp_path / "store", small_run(pipeline, tmp_path)
    make_files(small, tmp_path, is_grown=False)
    first = Walk(pipeline, f"first-{tmp_path.name}", small.params, profile)
    counts = items(store, first)
    assert all(refs for refs in first.results.values())
    assert sum(each["made"] for each in counts.values()) > 0
    assert {task: each for task, each in counts.items() if each["reused"] or each["skipped"]} == {}
    runs = children(servers, first.mlflow_run_id)
    num_calls = {task: len(refs) for task, refs in first.results.items()}
    assert len(runs) >= len(num_calls)
    assert {run["info"]["status"] for run in runs} == {"FINISHED"}
    assert any(metrics_of(run) for run in runs), "the headline figures are recorded"

    before = committed(store)
    make_files(small, tmp_path, is_grown=True)
    second = Walk(pipeline, f"second-{tmp_path.name}", small.params | small.grown, profile)
    counts = items(store, second)
    made = {task: each["made"] for task, each in counts.items() if each["made"]}
    assert made.keys() == small.made.keys()
    for task, wanted in small.made.items():
        assert made[task] in (wanted if isinstance(wanted, list) else [wanted]), task
    assert sum(each["skipped"] for each in counts.values()) == 0
    after = committed(store)
    assert {path: after.get(path) for path in before} == before, "what was kept stays as it was"
    assert second.results != first.results
    missing = [each for each in small.leaves if not list(tmp_path.glob(each))]
    assert missing == []
    for name in small.champions:
        models = mlflow(servers, "registered-models/search")["registered_models"]
        (model,) = [each for each in models if each["name"].startswith(name)]
        assert [each["alias"] for each in model["aliases"]] == ["champion"]
