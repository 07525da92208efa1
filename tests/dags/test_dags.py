"""What every DAG file keeps: it parses light, its names line up, its stages exist."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from airflow.dag_processing.dagbag import DagBag

from operators.schedule.stage_operator import StageOperator
from operators.stage.key import declaration_of

ROOT = Path(__file__).resolve().parent.parent.parent
FILES = sorted((ROOT / "dags").glob("[!_]*.py"))
HEAVY = ("ray", "torch", "cv2", "mlflow", "pandas", "scipy", "pyceres")
PROBE = f"""
import importlib.util, json, sys
spec = importlib.util.spec_from_file_location("probe", sys.argv[1])
spec.loader.exec_module(importlib.util.module_from_spec(spec))
print(json.dumps(sorted(set({HEAVY!r}) & set(sys.modules))))
"""

# What the driver of no stage needs: it names its items' functions, and workers load the rest.
# torchvision and scipy's statistics take a second of CPU time together.
NEEDLESS = ("ray", "mlflow", "airflow", "torchvision", "scipy.stats", "mujoco", "pybullet")
# Their drivers scale networks, or pack one.
WITH_TORCH = {f"tasks.nas.stages.{name}" for name in ("detect", "register", "retrain", "transfer")}
STAGE_PROBE = """
import importlib, json, sys
heavy, found = set(sys.argv[1].split()), {}
for name in sys.argv[2:]:
    before = set(sys.modules)
    importlib.import_module(name)
    if new := heavy & (set(sys.modules) - before):
        found[name] = sorted(new)
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def bag() -> DagBag:
    return DagBag(ROOT / "dags", safe_mode=False)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_parsing_loads_nothing_heavy(path: Path) -> None:
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", PROBE, str(path)]
    told = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    assert json.loads(told.stdout.splitlines()[-1]) == []


@pytest.mark.parametrize("needs_torch", [False, True])
def test_drivers_load_only_what_they_need(bag: DagBag, needs_torch: bool) -> None:
    tasks = (task for dag in bag.dags.values() for task in dag.tasks)
    given = (task.partial_kwargs if task.is_mapped else vars(task) for task in tasks)
    stages = {each["stage"].partition(":")[0] for each in given if "stage" in each}
    assert stages > WITH_TORCH
    chosen = sorted(WITH_TORCH if needs_torch else stages - WITH_TORCH)
    heavy = [*NEEDLESS, *([] if needs_torch else ["torch"])]
    command = [sys.executable, "-c", STAGE_PROBE, " ".join(heavy), *chosen]
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    told = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    assert json.loads(told.stdout.splitlines()[-1]) == {}


def test_every_file_is_one_dag_of_its_name(bag: DagBag) -> None:
    assert bag.import_errors == {}
    assert sorted(bag.dags) == [path.stem for path in FILES]


@pytest.mark.parametrize("name", [path.stem for path in FILES])
def test_every_stage_exists_and_is_wired_as_it_declares(bag: DagBag, name: str) -> None:
    stages = 0
    for task in bag.dags[name].tasks:
        given = task.partial_kwargs if task.is_mapped else vars(task)
        if (
            task.operator_class is StageOperator
            if task.is_mapped
            else isinstance(task, StageOperator)
        ):
            declared = declaration_of(given["stage"])
            assert declared.spec.fans_out == given.get("fans_out", False), task.task_id
            assert hasattr(given["config"](), declared.spec.section), task.task_id
            stages += 1
    assert stages


@pytest.mark.parametrize("name", [path.stem for path in FILES])
def test_every_dag_has_settings_help_and_tags(bag: DagBag, name: str) -> None:
    dag = bag.dags[name]
    assert (ROOT / "configs" / f"{name}.yaml").exists()
    assert dag.doc_md
    assert dag.tags
    for key in dag.params:
        param = dag.params.get_param(key)
        assert param.description, key
        assert param.schema["section"], key


def test_no_schedule_is_set_for_everybody(bag: DagBag) -> None:
    assert yaml.safe_load((ROOT / "configs" / "schedules.yaml").read_text()) is None
    assert {dag.schedule for dag in bag.dags.values()} == {None}
