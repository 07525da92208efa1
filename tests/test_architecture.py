"""The shape of the repository: who knows whom, what is named after what, and how long it is."""

from __future__ import annotations

import ast
import os
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

ROOT = Path(__file__).resolve().parent.parent
MAX_FILE_LINES, MAX_FUNCTION_LINES = 400, 50
# Modules that only declare: there is nothing in them to run.
DECLARATIONS = {"errors", "ports", "records", "refs"}
NOT_PIPELINES = {"schedules"}
SYSTEMS = sorted(path.name for path in (ROOT / "tasks").glob("[!_]*/") if path.is_dir())
SOURCES = sorted(p for top in ("tasks", "operators", "dags") for p in (ROOT / top).rglob("*.py"))


def contracts() -> list[dict]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    return settings["tool"]["importlinter"]["contracts"]


def test_import_contracts_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert lint_imports(no_cache=True) == os.EX_OK


def test_every_folder_of_tasks_is_in_the_contracts() -> None:
    (systems,) = (each for each in contracts() if each.get("containers") == ["tasks"])
    assert systems["exhaustive"]
    named = {name.strip() for layer in systems["layers"] for name in layer.split("|")}
    assert named == set(SYSTEMS)


def test_bans_for_the_science_hold_through_others_and_none_is_muted() -> None:
    (ban,) = (each for each in contracts() if each.get("source_modules") == ["tasks"])
    assert {"airflow", "ray", "mlflow"} <= set(ban["forbidden_modules"])
    assert "allow_indirect_imports" not in ban
    assert "ignore_imports" not in ban
    assert all("unmatched_ignore_imports_alerting" not in each for each in contracts())


def test_each_pipeline_has_its_settings() -> None:
    dags = {path.stem for path in (ROOT / "dags").glob("[!_]*.py")}
    configs = {path.stem for path in (ROOT / "configs").glob("*.yaml")} - NOT_PIPELINES
    assert dags == configs


@pytest.mark.parametrize("system", SYSTEMS)
def test_each_algorithm_has_its_test(system: str) -> None:
    folder = "." if system == "core" else "algorithms"
    code, tests = ROOT / "tasks" / system / folder, ROOT / "tests" / system / folder
    named = {path.relative_to(code) for path in code.rglob("[!_]*.py")}
    tested = {
        path.relative_to(tests).with_name(path.name.removeprefix("test_"))
        for path in tests.rglob("test_*.py")
    }
    missing = {path for path in named - tested if path.stem not in DECLARATIONS}
    assert not missing, f"write tests/{system}/{folder}/test_….py for {sorted(map(str, missing))}"


def too_long(path: Path) -> Iterator[str]:
    text = path.read_text("utf-8")
    num_lines = text.count("\n")
    if num_lines > MAX_FILE_LINES:
        yield f"{path.relative_to(ROOT)}: {num_lines} lines"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            num_lines = (node.end_lineno or 0) - node.lineno + 1
            if num_lines > MAX_FUNCTION_LINES:
                yield f"{path.relative_to(ROOT)}:{node.lineno} {node.name}: {num_lines} lines"


def test_files_and_functions_stay_short() -> None:
    assert not [found for path in SOURCES for found in too_long(path)]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_each_file_says_what_it_is(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    assert ast.get_docstring(tree), "the first lines of a file say what it does"
