"""The shape of the repository: who knows whom, what is named after what, and how long it is.

That each contract of pyproject.toml is kept is `lint-imports`' to say, and that each file says
what it is ruff's; here stands what they can't know.
"""

from __future__ import annotations

import ast
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path, PurePath

ROOT = Path(__file__).resolve().parent.parent
MAX_FILE_LINES, MAX_FUNCTION_LINES, MAX_MODULES = 400, 50, 14
NOT_PIPELINES = {"schedules", "serving"}
SYSTEMS = sorted(path.name for path in (ROOT / "tasks").glob("[!_]*/") if path.is_dir())
SOURCES = sorted(p for top in ("tasks", "operators", "dags") for p in (ROOT / top).rglob("*.py"))
MIRRORED = [*SYSTEMS, "operators"]

# Modules without a test of their own, and why: there is nothing in them to run.
DECLARATIONS = {
    "tasks/*/config.py": "settings with their bounds; every DAG file's test loads them",
    "tasks/*/manifests.py": "records between stages, which the stages' tests write and read",
    "tasks/*/*/config.py": "settings with their bounds, in rooms of a system",
    "tasks/*/*/manifests.py": "records between stages, in rooms of a system",
    "tasks/panorama/views.py": "records, which the tests of who writes and shows them hold",
    "tasks/nas/search/strategies/searcher.py": "a protocol",
    "tasks/nas/training/groups.py": "names",
    "tasks/core/errors.py": "names of errors",
    "tasks/core/ports.py": "protocols",
    "tasks/grasping/worlds/interface.py": "protocols",
    "tasks/serving/types.py": "values, which the tests of all that takes and gives them hold",
}
# Tests that stand for no module, and what they test instead.
BESIDE = {
    "tests/*/test_readme.py": "the system's README runs",
    "tests/operators/serving/models/test_sharing.py": "steps and slots among versions",
    "tests/operators/serving/models/test_shards.py": "a version whose model lies on Ray",
    "tests/operators/serving/ingress/test_routes.py": "app.py: releases, OIP, the page",
    "tests/serving/test_config.py": "settings that contradict each other; no DAG file loads them",
    "tests/grasping/test_kills.py": "whole stages, killed again and again",
    "tests/grasping/test_repeatable.py": "whole stages, twice",
    "tests/grasping/readers/test_ray_samples.py": "the README's lines for Ray Data",
    "tests/nas/stages/test_search_limits.py": "the stage on Ray, with limits",
    "tests/report/test_browser.py": "the helper with which all tests open pages",
    "tests/panorama/simulation/test_main.py": "the command of the package: __main__.py",
    "tests/operators/serving/test_main.py": "the server as it is started: __main__.py",
}


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def is_named(path: str, patterns: dict[str, str]) -> bool:
    return any(PurePath(path).match(pattern) for pattern in patterns)


def mirror_of(module: Path) -> Path:
    """Where the test of a module stands: the same place under tests/."""
    place = module.relative_to(ROOT)
    place = place.relative_to("tasks") if place.parts[0] == "tasks" else place
    return ROOT / "tests" / place.with_name(f"test_{place.name}")


def mirrored_modules() -> list[Path]:
    return [p for top in ("tasks", "operators") for p in (ROOT / top).rglob("[!_]*.py")]


def contracts() -> list[dict]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    return settings["tool"]["importlinter"]["contracts"]


def layers_of(container: str) -> list[set[str]]:
    (found,) = (each for each in contracts() if each.get("containers") == [container])
    assert found["exhaustive"]
    return [{name.strip() for name in layer.split("|")} for layer in found["layers"]]


def test_every_folder_of_tasks_is_in_the_contracts() -> None:
    assert set.union(*layers_of("tasks")) == set(SYSTEMS)


def test_shelves_know_the_core_only() -> None:
    """A shelf stands between the systems and the core, and no layer holds a shelf and a system."""
    above, systems, *shelves, core = layers_of("tasks")
    assert above == {"graspgan"}, "the one system that stands on another, grasping"
    assert core == {"core"}
    assert all((ROOT / "tasks" / name / "stages").is_dir() for name in above | systems)
    assert not any((ROOT / "tasks" / name / "stages").is_dir() for one in shelves for name in one)
    assert len(shelves) <= 1, "shelves don't know each other: join them in one layer by |"


def test_every_wing_of_operators_is_a_layer() -> None:
    wings = {p.stem for p in (ROOT / "operators").glob("[!_]*") if p.is_dir() or p.suffix == ".py"}
    assert set.union(*layers_of("operators")) == wings


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


def test_each_module_has_its_test() -> None:
    untested = {relative(path) for path in mirrored_modules() if not mirror_of(path).exists()}
    untested = {path for path in untested if not is_named(path, DECLARATIONS)}
    assert untested == set(), "write its mirrored test, or say in DECLARATIONS why it needs none"


def test_each_test_has_its_module() -> None:
    expected = {mirror_of(path) for path in mirrored_modules()}
    found = {path for top in MIRRORED for path in (ROOT / "tests" / top).rglob("test_*.py")}
    alone = {relative(path) for path in found - expected}
    alone = {path for path in alone if not is_named(path, BESIDE)}
    assert alone == set(), "name it after its module, or say in BESIDE what it tests"


def test_exemptions_are_used() -> None:
    modules = [path for path in mirrored_modules() if not mirror_of(path).exists()]
    tests = list((ROOT / "tests").rglob("test_*.py"))
    for patterns, paths in ((DECLARATIONS, modules), (BESIDE, tests)):
        names = [PurePath(relative(path)) for path in paths]
        unused = [each for each in patterns if not any(name.match(each) for name in names)]
        assert unused == []


def test_folders_are_rooms() -> None:
    tops = ("tasks", "operators", "dags", "benchmarks", "tests")
    sizes = Counter(p.parent for top in tops for p in (ROOT / top).rglob("[!_]*.py"))
    large = {relative(folder): size for folder, size in sizes.items() if size > MAX_MODULES}
    assert large == {}, "divide it by what its modules are about"


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
