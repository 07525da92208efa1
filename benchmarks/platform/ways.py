"""The same work in each way, one after the other, round by round: overheads and ratios.

An overhead is the wall time of a run less that of its work on warm workers, which the bare script
of the same round tells. A share is the overhead of three stages over ten minutes: what is added
to a job of that length, however long it is.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from benchmarks.chaos.soak import memory_files_threads
from benchmarks.full_stack import FullStack
from benchmarks.platform.work import NUM_STAGES
from benchmarks.results_file import Figure
from operators.installation import PROFILE, ROOT, STATE_FOLDER
from operators.stack import services
from tasks.core.errors import OrreryError

JOB_S: Final = 600.0
DAGS: Final = Path(__file__).parent / "dags"
WITH_ORRERY, PLAIN = "three", "plain_operator"
PROFILE_TEXT: Final = {"num_jobs": 1, "default": {"num_cpus": 1.0, "memory_gb": 2.0}}
_RUN_LIMIT_S = 300.0
_REST_S = 30.0

Seconds = dict[str, list[float]]


def measure(folder: Path, num_rounds: int) -> dict[str, Figure]:
    """Measure all ways.

    Args:
        folder: New folder for the state and the stores of all of them.
        num_rounds: How often each is measured; before it each but the first headless run is
            done once, unmeasured.
    """
    found: Seconds = defaultdict(list)
    stack = FullStack.up(DAGS, [WITH_ORRERY, PLAIN])
    try:
        time.sleep(_REST_S)
        found["idle_gb"].append(memory_files_threads(stack.members())[0] / 1e3)
        stack.use_store(folder / "store", folder / "profile.yaml", PROFILE_TEXT)
        for number in range(num_rounds + 1):
            told = _round(stack, number)
            if number:
                for name, seconds in told.items():
                    found[name].append(seconds)
            print({name: round(seconds, 2) for name, seconds in told.items()}, flush=True)
    finally:
        stack.down()
    _headless(folder, num_rounds, found)
    return figures(found)


def figures(found: Mapping[str, Sequence[float]]) -> dict[str, Figure]:
    """Overheads, shares and ratios, each the median and the range of the rounds."""
    work_s = statistics.median(found["work"])
    made = {"work_s": _figure(found["work"], "s"), "idle_gb": _figure(found["idle_gb"], "GB")}
    made["trigger_to_first_task_s"] = _figure(found["first_task"], "s")
    ways = ("bare_script", "make_run", "make_run_again", "full_stack", "python_operator")
    for way in ways:
        over = [seconds - work_s for seconds in found[way]]
        made[f"overhead_s_{way}"] = _figure(over, "s")
        made[f"overhead_stage_s_{way}"] = _figure([each / NUM_STAGES for each in over], "s")
        made[f"overhead_share_{way}"] = _figure([each / JOB_S for each in over], "")
    pairs = zip(found["python_operator"], found["full_stack"], strict=True)
    made["python_operator_over_full_stack"] = _figure(
        [(plain - work_s) / (full - work_s) for plain, full in pairs], ""
    )
    return made


def _figure(values: Sequence[float], unit: str) -> Figure:
    interval = (min(values), max(values)) if len(values) > 1 else None
    return Figure(value=statistics.median(values), unit=unit, interval=interval)


def _headless(folder: Path, num_rounds: int, found: Seconds) -> None:
    """`make run KEEP=1`, the first in a new state folder, and again on the servers that it left."""
    for number in range(num_rounds):
        state = folder / f"headless-{number}"
        try:
            found["make_run"].append(_make_run(state, 2 * number))
            found["make_run_again"].append(_make_run(state, 2 * number + 1))
        finally:
            _timed([sys.executable, "-m", "operators.headless.servers", "end"], _env(state))
        print(f"make run {found['make_run'][-1]:.1f} s, {found['make_run_again'][-1]:.1f} s")


def _make_run(state: Path, number: int) -> float:
    state.mkdir(parents=True, exist_ok=True)
    profile = state / "profile.yaml"
    profile.write_text(json.dumps({**PROFILE_TEXT, "store_uri": f"{state}/store"}))
    conf = json.dumps({"work.number": number})
    command = [sys.executable, "-m", "operators.headless.run", WITH_ORRERY, "--keep"]
    return _timed([*command, f"--dags={DAGS}", f"--conf={conf}"], _env(state))


def _env(state: Path) -> dict[str, str]:
    own = {STATE_FOLDER: str(state / "state"), PROFILE: str(state / "profile.yaml")}
    return {**os.environ, **own}


def _round(stack: FullStack, number: int) -> dict[str, float]:
    """Each way once: wall seconds by way, and of the work itself."""
    told: dict[str, float] = {}
    begun_s = time.monotonic()
    command = [sys.executable, "-m", "benchmarks.platform.bare"]
    env = {k: v for k, v in services.base_env().items() if not k.startswith("RAY_AUTH")}
    done = subprocess.run(command, env=env, cwd=ROOT, check=True, capture_output=True, text=True)
    told["bare_script"] = time.monotonic() - begun_s
    told["work"] = float(json.loads(done.stdout.splitlines()[-1])["work_s"])
    # The warming up is work too, and not counted as such.
    told["bare_script"] -= told["work"] / NUM_STAGES
    for way, dag_id in (("full_stack", WITH_ORRERY), ("python_operator", PLAIN)):
        conf = {"work.number": 1000 + number} if dag_id == WITH_ORRERY else {}
        run_id = stack.trigger(dag_id, conf)
        if stack.wait(dag_id, run_id, _RUN_LIMIT_S) != "success":
            raise OrreryError(f"{run_id} of {dag_id} did not succeed")
        run: Any = stack.told(f"/dags/{dag_id}/dagRuns/{run_id}")
        told[way] = _moment(run["end_date"]) - _moment(run["queued_at"])
        if way == "full_stack":
            tasks = stack.tasks(dag_id, run_id)
            begun = min(_moment(task["start_date"]) for task in tasks)
            told["first_task"] = begun - _moment(run["queued_at"])
            print(timeline(tasks, run))
    return told


def timeline(tasks: Sequence[Mapping[str, Any]], run: Mapping[str, Any]) -> str:
    """When each task of a run began and ended, in seconds from the trigger."""
    zero_s = _moment(run["queued_at"])
    rows = [
        f"{task['task_id']} {_moment(task['start_date']) - zero_s:.1f}-"
        f"{_moment(task['end_date']) - zero_s:.1f}"
        for task in sorted(tasks, key=lambda each: str(each["start_date"]))
    ]
    return "  " + ", ".join([*rows, f"end {_moment(run['end_date']) - zero_s:.1f}"])


def _timed(command: Sequence[str], env: Mapping[str, str]) -> float:
    begun_s = time.monotonic()
    done = subprocess.run(command, env=dict(env), cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise OrreryError(f"{command[2]} failed:\n{done.stdout[-3000:]}{done.stderr[-1000:]}")
    return time.monotonic() - begun_s


def _moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
