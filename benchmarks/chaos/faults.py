"""The faults: what is done, to whom, and how the run ought to end."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import psutil

from benchmarks.chaos import disk
from benchmarks.chaos.database import OWN
from benchmarks.chaos.scenes import Scene
from benchmarks.chaos.work import SAMPLE, sample
from benchmarks.full_stack import until, words
from tasks.core.errors import OrreryError

HELD_S: Final = 60.0
_FIND_LIMIT_S = 120.0
_NUM_AT_ONCE = 10
_NUM_TASKS_KILLED = 3
# A task's process lives half a second: this is in the midst of it.
_INTO_TASK_S = 0.1


@dataclass(frozen=True)
class Fault:
    """One fault.

    Attributes:
        name: Its name for ``--only``.
        what: What is done, for the table.
        act: Does it, in the midst of a run.
        ends: How the run in whose midst it is done ought to end, without anybody's help.
        needs: What the machine must have: ``""``, ``mount`` or ``database``.
    """

    name: str
    what: str
    act: Callable[[Scene], None]
    ends: Literal["success", "failed"] = "success"
    needs: Literal["", "mount", "database"] = ""


def kill(processes: Sequence[psutil.Process]) -> None:
    """Kill with SIGKILL.

    Raises:
        OrreryError: There is nothing to kill.
    """
    if not processes:
        raise OrreryError("expected a process to kill, found none")
    for process in processes:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue


def killer(program: str) -> Callable[[Scene], None]:
    """What kills the first process of a server."""
    return lambda scene: kill([psutil.Process(scene.stack.pid(program))])


def kill_of(is_victim: Callable[[str], bool]) -> Callable[[Scene], None]:
    """What kills the first process of the stack whose command line fits, once there is one."""

    def act(scene: Scene) -> None:
        found: list[psutil.Process] = []

        def find() -> bool:
            found[:] = [each for each in scene.stack.members() if is_victim(words(each))][:1]
            return bool(found)

        until(find, _FIND_LIMIT_S, "the process to kill")
        kill(found)

    return act


def kill_head(scene: Scene) -> None:
    """Kill the Ray head with all its processes, as the end of its machine would."""
    kill(scene.stack.tree("ray"))


def kill_mlflow_child(scene: Scene) -> None:
    """Kill the process of MLflow that answers, and not the one that started it."""
    kill(scene.stack.tree("mlflow")[-1:])


def kill_tasks(scene: Scene) -> None:
    """Kill processes of tasks as they appear, those of a new run: a task that waits has none."""
    scene.start([sample(1)])
    workers = psutil.Process(scene.stack.pid("airflow-scheduler")).children()
    end_s, num_killed = time.monotonic() + _FIND_LIMIT_S, 0
    while num_killed < _NUM_TASKS_KILLED:
        for process in [each for worker in workers for each in worker.children()]:
            time.sleep(_INTO_TASK_S)
            if process.is_running():
                kill([process])
                num_killed += 1
        if time.monotonic() > end_s:
            raise OrreryError(f"expected {_NUM_TASKS_KILLED} tasks to kill, found {num_killed}")
        time.sleep(_INTO_TASK_S)


def stop_for_a_minute(program: str) -> Callable[[Scene], None]:
    """What stops a server with SIGSTOP for a minute."""

    def act(scene: Scene) -> None:
        stopped = scene.stack.tree(program)
        for process in stopped:
            process.send_signal(signal.SIGSTOP)
        time.sleep(HELD_S)
        for process in stopped:
            if process.is_running():
                process.send_signal(signal.SIGCONT)

    return act


def clear(scene: Scene) -> None:
    """Clear the task that runs, as a person does in the UI."""
    scene.stack.airflow(
        "POST",
        f"/dags/{SAMPLE}/clearTaskInstances",
        dry_run=False,
        dag_run_id=scene.victim,
        task_ids=["double"],
        only_failed=False,
    ).raise_for_status()


def mark_task(state: str) -> Callable[[Scene], None]:
    """What marks the task that runs as failed or as a success."""

    def act(scene: Scene) -> None:
        path = f"/dags/{SAMPLE}/dagRuns/{scene.victim}/taskInstances/double/0"
        scene.stack.airflow("PATCH", path, new_state=state).raise_for_status()

    return act


def mark_run_failed(scene: Scene) -> None:
    """Mark the run as failed."""
    path = f"/dags/{SAMPLE}/dagRuns/{scene.victim}"
    scene.stack.airflow("PATCH", path, state="failed").raise_for_status()


def trigger_again(scene: Scene) -> None:
    """Mark the run as failed, and trigger the same anew at once."""
    mark_run_failed(scene)
    scene.start([sample()])


def two_with_one_key(scene: Scene) -> None:
    """Trigger the same once more while the first runs."""
    scene.start([sample()])


def ten_at_once(scene: Scene) -> None:
    """Trigger nine more at once."""
    scene.start([sample(number) for number in range(1, _NUM_AT_ONCE)])


def is_driver(line: str) -> bool:
    """Whether a command line is that of the driver of the slow stage."""
    is_python = line.startswith(sys.executable)
    return is_python and "operators.stage.run" in line and "double_numbers" in line


def is_worker(line: str) -> bool:
    """Whether a command line is that of a worker that makes an item."""
    return line.startswith("ray::make_item")


def is_raylet(line: str) -> bool:
    """Whether a command line is that of a raylet."""
    return Path(line.split(" ")[0]).name == "raylet"


def store_is(fault: Callable[[Path, float], None]) -> Callable[[Scene], None]:
    """What lets the disk of the store fail for a minute."""
    return lambda scene: fault(scene.store.parent, HELD_S)


FAULTS: Final = (
    Fault("scheduler", "kill -9 of the scheduler", killer("airflow-scheduler")),
    Fault("triggerer", "kill -9 of the triggerer", killer("airflow-triggerer")),
    Fault("dag_processor", "kill -9 of the DAG processor", killer("airflow-dag-processor")),
    Fault("api_server", "kill -9 of the API server", killer("airflow-api-server")),
    Fault("task", "kill -9 of the processes of three tasks", kill_tasks),
    Fault("driver", "kill -9 of the job's driver", kill_of(is_driver)),
    Fault("worker", "kill -9 of a Ray worker with an item", kill_of(is_worker)),
    Fault("raylet", "kill -9 of the raylet", kill_of(is_raylet)),
    Fault("head", "kill -9 of the whole Ray head", kill_head),
    Fault("mlflow_parent", "kill -9 of MLflow's parent", killer("mlflow")),
    Fault("mlflow_child", "kill -9 of MLflow's child", kill_mlflow_child),
    Fault("database", "kill -9 of PostgreSQL, back after 20 s", OWN.kill, needs="database"),
    Fault("stop_api", "SIGSTOP of the API server, 60 s", stop_for_a_minute("airflow-api-server")),
    Fault("stop_ray", "SIGSTOP of the whole Ray head, 60 s", stop_for_a_minute("ray")),
    Fault("full", "the store is full, 60 s", store_is(disk.fill), needs="mount"),
    Fault("read_only", "the store is read-only, 60 s", store_is(disk.hold), needs="mount"),
    Fault("slow", "the store stalls 4 s of every 5, 60 s", store_is(disk.stall), needs="mount"),
    Fault("clear", "a person clears the running task", clear),
    Fault("fail_task", "a person marks the task as failed", mark_task("failed"), "failed"),
    Fault("pass_task", "a person marks the task as a success", mark_task("success"), "failed"),
    Fault("fail_run", "a person marks the run as failed", mark_run_failed, "failed"),
    Fault("again", "marked as failed, triggered anew at once", trigger_again, "failed"),
    Fault("two", "two runs with one key", two_with_one_key),
    Fault("ten", "ten runs at once", ten_at_once),
)
