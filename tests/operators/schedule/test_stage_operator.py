"""What a stage's task does before, and after, its job runs."""

from __future__ import annotations

import json
import shlex
import sys
import time
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, TaskDeferred
from airflow.sdk.execution_time.context import OutletEventAccessors

from operators.compute.ray_jobs import job_id
from operators.compute.serial import SerialExecutor
from operators.installation import PROFILE, PYTHON
from operators.installed_code import code_digest, code_folder
from operators.schedule.assets import REGISTERED_MODELS
from operators.schedule.links import MlflowLink, RayLink
from operators.schedule.pipeline import asset
from operators.schedule.stage_operator import StageOperator
from operators.stage.request import parse_request, parse_word
from operators.stage.run import run_stage
from operators.store.artifacts import read_artifact
from operators.store.storage import Storage
from operators.tries import DRIVER_TRIES, HEAD_POLL_S, TASK_RETRIES
from tasks.core.errors import TransientError
from tests.support.kernel.fake_ray import FakeRay, fake_ray
from tests.support.kernel.sample_stages import SampleConfig

STAGES = "tests.support.kernel.sample_stages"
FIRST = job_id("sample", "run-1", "list", -1, 1)
SECOND = job_id("sample", "run-1", "list", -1, 2)


@pytest.fixture
def ray(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeRay]:
    """A cluster without nodes, and a profile that names it."""
    with fake_ray() as fake:
        profile = tmp_path / "profile.yaml"
        profile.write_text(
            f"store_uri: {tmp_path}/store\nray_api: {fake.address}\ntracking_uri: ''\n"
        )
        monkeypatch.setenv(PROFILE, str(profile))
        monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
        yield fake


def operator(fans_out: bool = False, **given: Any) -> StageOperator:
    stage = {"stage": f"{STAGES}:list_numbers", "config": SampleConfig}
    task = StageOperator(task_id="list", **stage | given)
    task.fans_out = fans_out  # as `Pipeline.map` does
    return task


def context(params: dict[str, Any] | None = None, map_index: int = -1, try_number: int = 1) -> Any:
    ti = types.SimpleNamespace(
        dag_id="sample",
        run_id="run-1",
        task_id="list",
        map_index=map_index,
        try_number=try_number,
        max_tries=TASK_RETRIES,
        xcom_pull=lambda task_ids: {"run_id": "", "url": "http://mlflow/#/runs/p"},
    )
    dag = types.SimpleNamespace(dag_id="sample")
    return {"ti": ti, "dag": dag, "params": params or {}, "outlet_events": {}}


def deferred(task: StageOperator, where: Any) -> dict[str, Any]:
    with pytest.raises(TaskDeferred) as raised:
        task.execute(where)
    assert raised.value.method_name == "collect"
    return dict(raised.value.trigger.serialize()[1])


def test_a_new_task_submits_its_job_and_waits(ray: FakeRay) -> None:
    given = deferred(operator(), context({"count": 3}))
    assert (given["job_id"], given["attached"]) == (FIRST, False)
    job = ray.jobs[FIRST]
    assert job["metadata"]["run_id"] == "run-1"
    words = shlex.split(job["entrypoint"])
    assert words[:4] == ["exec", sys.executable, "-m", "operators.stage.run"]
    request = parse_request(words[4:])
    assert parse_word(words[4:]) == job["metadata"]["word"]
    assert len(job["metadata"]["word"]) == 32
    assert request.config["listing"]["count"] == 3
    assert request.caller.run_id == "run-1"
    assert request.caller.code == code_digest()
    assert request.caller.code_folder == code_folder()


def test_the_job_travels_without_secrets_and_without_environment(
    ray: FakeRay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = tmp_path / "token"
    token.write_text("very-secret")
    ray.token = "very-secret"  # noqa: S105
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(token))
    monkeypatch.setenv(PYTHON, "/opt/python")
    deferred(operator(), context())
    assert "very-secret" not in json.dumps(ray.jobs)
    assert "runtime_env" not in ray.jobs[FIRST]
    assert ray.jobs[FIRST]["entrypoint"].startswith("exec /opt/python -m ")


def test_a_live_job_is_taken_up_again(ray: FakeRay) -> None:
    ray.add(FIRST, "RUNNING")
    given = deferred(operator(), context())
    assert (given["job_id"], given["attached"]) == (FIRST, True)
    assert list(ray.jobs) == [FIRST]


@pytest.mark.parametrize("state", ["FAILED", "STOPPED", "SUCCEEDED"])
def test_ended_jobs_are_counted(ray: FakeRay, state: str) -> None:
    ray.add(FIRST, state)
    given = deferred(operator(), context())
    assert (given["job_id"], given["attached"]) == (SECOND, False)


def test_a_driver_that_is_killed_in_every_try_is_no_passing_fault(ray: FakeRay) -> None:
    task = operator(retries=TASK_RETRIES)
    for attempt in range(1, DRIVER_TRIES + 1):
        given = deferred(task, context(try_number=attempt))
        ray.jobs[given["job_id"]] |= {"status": "FAILED", "driver_exit_code": -9}
    with pytest.raises(AirflowFailException, match=r"driver was killed 3 times in a row.*memory"):
        task.execute(context(try_number=DRIVER_TRIES + 1))
    cleared = context(try_number=DRIVER_TRIES + 2)
    cleared["ti"].max_tries = DRIVER_TRIES + 1 + TASK_RETRIES
    assert deferred(task, cleared)["job_id"] == job_id("sample", "run-1", "list", -1, 4)


def test_a_driver_that_was_lost_with_its_node_does_not_count(ray: FakeRay) -> None:
    task = operator(retries=TASK_RETRIES)
    for attempt in range(1, DRIVER_TRIES + 2):
        given = deferred(task, context(try_number=attempt))
        ray.jobs[given["job_id"]] |= {"status": "FAILED", "driver_exit_code": None}


def test_each_index_of_a_mapped_task_has_its_own_job(ray: FakeRay) -> None:
    ids = {deferred(operator(), context(map_index=i))["job_id"] for i in range(3)}
    assert len(ids) == len(ray.jobs) == 3


def test_a_finished_result_needs_no_job(ray: FakeRay, tmp_path: Path) -> None:
    where = context({"count": 2})
    task = operator(fans_out=True)
    request = parse_request(shlex.split(submitted(ray, where))[4:])
    (ref,) = run_stage(request, SerialExecutor())
    ray.jobs.clear()
    assert task.execute(where) == [ref.model_dump()]
    assert operator().execute(where) == ref.model_dump()
    assert not ray.jobs


def test_a_published_result_is_the_headline_of_the_run_also_when_it_is_found(
    ray: FakeRay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[tuple[str, ...]] = []
    place = "operators.schedule.stage_operator"
    monkeypatch.setattr(f"{place}.show_headline", lambda *given: shown.append(given))
    monkeypatch.setattr(f"{place}.tag_run", lambda *_: None)
    where = context({"count": 2})
    (ref,) = run_stage(parse_request(shlex.split(submitted(ray, where))[4:]), SerialExecutor())
    key = read_artifact(Storage(f"{tmp_path}/store"), ref).key
    where["ti"].xcom_pull = lambda task_ids: {"run_id": "m", "url": "http://mlflow"}
    where["outlet_events"] = {asset("sample"): types.SimpleNamespace()}
    task = operator(outlets=[asset("sample")])
    task.execute(where)
    task.collect(where, {"job_id": FIRST, "result": [ref.model_dump()], "error": None})
    assert shown == [("", "m", key)] * 2
    operator().execute(where)
    assert len(shown) == 2, "stages that don't publish show nothing"


def test_each_model_that_was_registered_is_announced(
    ray: FakeRay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = [{"name": name, "version": 3, "is_champion": True} for name in ("cells", "grasps")]
    asked: list[tuple[str, ...]] = []

    def registered(*given: str) -> list[dict[str, Any]]:
        asked.append(given)
        return models

    place = "operators.schedule.stage_operator"
    monkeypatch.setattr(f"{place}.registered_below", registered)
    where = context({"count": 2})
    (ref,) = run_stage(parse_request(shlex.split(submitted(ray, where))[4:]), SerialExecutor())
    where["ti"].xcom_pull = lambda task_ids: {"run_id": "m", "url": "http://mlflow"}
    events = OutletEventAccessors()
    where["outlet_events"] = events
    task = operator(outlets=[REGISTERED_MODELS])
    task.collect(where, {"job_id": FIRST, "result": [ref.model_dump()], "error": None})
    told = events[REGISTERED_MODELS].asset_alias_events
    assert [each.dest_asset_key.uri for each in told] == [
        "orrery://models/cells",
        "orrery://models/grasps",
    ]
    assert [each.extra for each in told] == models
    assert asked == [("", "m", read_artifact(Storage(f"{tmp_path}/store"), ref).key)]


def submitted(ray: FakeRay, where: Any) -> str:
    deferred(operator(), where)
    return str(ray.jobs[FIRST]["entrypoint"])


def test_wrong_settings_fail_at_once_and_never_reach_ray(ray: FakeRay) -> None:
    with pytest.raises(AirflowFailException, match="did you mean 'count'"):
        operator().execute(context({"cuont": 3}))
    with pytest.raises(AirflowFailException, match="there is no stage"):
        operator(stage=f"{STAGES}:list_number").execute(context())
    assert not ray.jobs


def test_a_cluster_that_is_away_is_worth_a_retry_and_holds_no_worker(ray: FakeRay) -> None:
    ray.is_broken = True
    begun_s = time.monotonic()
    with pytest.raises(TransientError):
        operator().execute(context())
    assert time.monotonic() - begun_s < HEAD_POLL_S
    ray.is_broken = False
    assert deferred(operator(), context())["job_id"] == FIRST


def test_a_job_that_the_cluster_forgot_is_submitted_again(ray: FakeRay) -> None:
    deferred(operator(), context())
    ray.jobs.clear()
    given = deferred(operator(), context())
    assert (given["job_id"], given["attached"]) == (FIRST, False)


REFS = [{"schema_id": "a/1", "uri": f"a/{i}", "sha256": "0" * 64} for i in range(2)]


def event(result: Any = None, error: Any = None) -> dict[str, Any]:
    return {"job_id": FIRST, "result": result, "error": error}


class Counted:
    """Results of a mapped task, of which only the number is asked for."""

    def __init__(self, count: int | Exception) -> None:
        self.count = count

    def __len__(self) -> int:
        if isinstance(self.count, Exception):
            raise self.count
        return self.count


def behind(results: Any, num_well: int) -> Any:
    """What Airflow gives a task behind ``double``."""
    where = context()
    output = types.SimpleNamespace(resolve=lambda _context: results)
    double = types.SimpleNamespace(output=output, is_mapped=isinstance(results, Counted))
    where["dag"].get_task = {"double": double}.__getitem__
    where["ti"].get_ti_count = lambda **_: num_well
    return where


@pytest.mark.parametrize(
    ("inputs", "results", "num_well"),
    [(None, None, 1), ([None], Counted(0), 1), ([REFS], Counted(2), 3)],
)
def test_an_input_whose_task_was_marked_as_succeeded_is_told(
    inputs: Any, results: Any, num_well: int, ray: FakeRay
) -> None:
    task = operator(stage="tests.support.kernel.sample_publish:sum_numbers", inputs=inputs)
    task.upstream_task_ids = {"open_run", "double"}
    with pytest.raises(
        AirflowFailException, match=r"double .*marks it as succeeded: clear that task"
    ):
        task.execute(behind(results, num_well))
    assert not ray.jobs


@pytest.mark.parametrize(("results", "num_well"), [(REFS, 1), (Counted(3), 3)])
def test_inputs_that_were_made_are_taken(results: Any, num_well: int, ray: FakeRay) -> None:
    task = operator()
    task.upstream_task_ids = {"double"}
    assert deferred(task, behind(results, num_well))["job_id"] == FIRST


def test_results_that_can_not_be_counted_now_may_be_later(ray: FakeRay) -> None:
    task = operator()
    task.upstream_task_ids = {"double"}
    with pytest.raises(TransientError, match="can't count the results of double: away"):
        task.execute(behind(Counted(RuntimeError("away")), 1))


def test_only_references_come_back(ray: FakeRay) -> None:
    assert operator().collect(context(), event(REFS[:1])) == REFS[0]
    assert operator(fans_out=True).collect(context(), event(REFS)) == REFS


def test_what_fails_fails_with_the_stage_s_own_words(ray: FakeRay) -> None:
    lost = event(error={"type": "TransientError", "message": "node lost"})
    with pytest.raises(TransientError, match="node lost"):
        operator().collect(context(), lost)
    wrong = event(error={"type": "DataError", "message": "capture a: no image"})
    with pytest.raises(AirflowFailException, match="DataError: capture a: no image"):
        operator().collect(context(), wrong)


def test_a_task_that_is_killed_before_it_waits_stops_its_job(ray: FakeRay) -> None:
    task = operator()
    task.on_kill()
    deferred(task, context())
    task.on_kill()
    assert ray.jobs[FIRST]["status"] == "STOPPED"


def test_the_buttons_and_the_first_lines_lead_to_mlflow_and_ray(ray: FakeRay, caplog: Any) -> None:
    caplog.set_level("INFO", "operators")
    task = operator()
    deferred(task, context())
    led = ["list: MLflow http://mlflow/#/runs/p", f"list: Ray {ray.address}/#/jobs/{FIRST}"]
    assert caplog.messages[:2] == led
    assert MlflowLink().get_link(task, ti_key=None) == "http://mlflow/#/runs/p"
    assert RayLink().get_link(task, ti_key=None) == f"{ray.address}/#/jobs/{FIRST}"


def test_results_of_groups_come_as_one_list(ray: FakeRay) -> None:
    task = operator(stage="tests.support.kernel.sample_publish:sum_numbers", inputs=[REFS])
    deferred(task, context())
    words = shlex.split(ray.jobs[FIRST]["entrypoint"])
    assert json.loads(words[words.index("--inputs") + 1]) == [REFS]
    mapped = operator(stage=f"{STAGES}:double_numbers", inputs=REFS[0])
    deferred(mapped, context(map_index=7))
    words = shlex.split(ray.jobs[job_id("sample", "run-1", "list", 7, 1)]["entrypoint"])
    assert json.loads(words[words.index("--inputs") + 1]) == [REFS[0]]
