"""What every DAG file keeps: it parses light, its names line up, its stages exist."""

from __future__ import annotations

import copy
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk.exceptions import ParamValidationError

from operators.installation import config_path
from operators.schedule.stage_operator import StageOperator
from operators.stage.key import declaration_of
from tasks.core import params as core_params
from tasks.core.errors import ConfigError
from tasks.core.params import load_config

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
NEEDLESS = ("ray", "mlflow", "airflow", "torchvision", "scipy.stats", "mujoco", "pybullet", "numba")
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
            own = core_params._fields(type(getattr(given["config"](), declared.spec.section)))
            names_path = any(str(f.get("path", "")).startswith("read") for f in own.values())
            assert declared.spec.reads_outside >= names_path, f"{task.task_id} never looks again"
            stages += 1
    assert stages


@pytest.mark.parametrize("name", [path.stem for path in FILES])
def test_every_dag_has_settings_help_and_tags(bag: DagBag, name: str) -> None:
    dag = bag.dags[name]
    assert (ROOT / "configs" / f"{name}.yaml").exists()
    assert dag.doc_md
    assert dag.tags
    assert dag.description
    assert dag.owner
    for key in dag.params:
        param = dag.params.get_param(key)
        assert param.description, key
        assert param.schema["title"], key


@pytest.mark.parametrize("name", [path.stem for path in FILES])
def test_the_page_of_a_dag_shows_params_that_start_a_run(bag: DagBag, name: str) -> None:
    (example,) = re.findall(r"~~~json\n(.*?)~~~", bag.dags[name].doc_md or "", re.DOTALL)
    params = copy.deepcopy(bag.dags[name].params)
    params.update(json.loads(example))
    settings = bag.dags[name].get_task("open_run").config
    assert load_config(settings, config_path(name), params.validate())
    needed = [each for each in params if params.get_param(each).schema.get("minLength") == 1]
    assert list(params)[: len(needed)] == needed, "what is needed comes first"
    for each in needed:
        with pytest.raises(ParamValidationError, match=f"Invalid input for param {each}: None"):
            copy.deepcopy(bag.dags[name].params).update({each: None})
        with pytest.raises(ConfigError, match=f"needs a value for .*{each}"):
            load_config(settings, config_path(name), {**params.dump(), each: None})


@pytest.mark.parametrize("name", [path.stem for path in FILES])
def test_every_free_text_of_a_dag_s_settings_says_that_it_names_a_path(
    bag: DagBag, name: str
) -> None:
    """What is no path is a choice, or has a pattern: else it would pass by the profile's roots."""
    unmarked = []
    for path, field in core_params._fields(bag.dags[name].get_task("open_run").config).items():
        inner = field.get("items", field)
        is_text = "string" in core_params._types(inner) and not {"enum", "pattern"} & set(inner)
        says_path = re.search(r"(?i)folder|\bfiles?\b|\bpath|director|\buri", str((path, field)))
        is_said = says_path and "enum" not in field and "string" in core_params._types(inner)
        if (is_text or is_said) and not field.get("path"):
            unmarked.append(path)
    assert unmarked == [], "declare it with path='read' or 'write', or give it a pattern"


@pytest.mark.parametrize("name", [path.stem for path in FILES])
def test_every_number_of_a_dag_s_settings_is_bounded(bag: DagBag, name: str) -> None:
    """A number of a thousand digits is nobody's wish, and no database's column."""
    low, high = {"minimum", "exclusiveMinimum"}, {"maximum", "exclusiveMaximum"}
    unbounded = [
        path
        for path, field in core_params._fields(bag.dags[name].get_task("open_run").config).items()
        if {"integer", "number"} & set(core_params._types(field))
        and "enum" not in field
        and not (low & set(field) and high & set(field))
    ]
    assert unbounded == []


def test_no_schedule_is_set_for_everybody(bag: DagBag) -> None:
    assert yaml.safe_load((ROOT / "configs" / "schedules.yaml").read_text()) is None
    assert {dag.schedule for dag in bag.dags.values()} == {None}
