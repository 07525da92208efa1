"""What the pages for people show holds: code runs, commands are right, links lead somewhere."""

from __future__ import annotations

import importlib
import json
import re
from pathlib import Path

import pytest

from operators.stack import prune
from operators.store import storage
from operators.store.artifacts import CONTENTS, RESULT
from operators.store.manifests import Manifest
from tasks.core.params import load_config
from tests.support.panorama.captures import write_capture

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("*/README.md"), *ROOT.glob("tasks/*/README.md")])
SETTINGS = sorted(
    [*ROOT.glob("configs/**/*.yaml"), *ROOT.glob("docker/*"), ROOT / "pyproject.toml"]
)
README = (ROOT / "README.md").read_text("utf-8")
KEPT = (ROOT / "artifacts" / "README.md").read_text("utf-8")


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_files_that_a_page_links_exist(page):
    links = re.findall(r'(?:\]\(|src=")([^)#":]+)[)#"]', page.read_text("utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_commands_name_pipelines_settings_and_targets_that_exist(page):
    text = page.read_text("utf-8").replace("\\\n", " ")
    targets = set(re.findall(r"(?m)(?:^|`)make ([a-z-]+)", text))
    makefile = (ROOT / "Makefile").read_text("utf-8")
    assert [each for each in targets if not re.search(rf"(?m)^{each}:", makefile)] == []
    for pipeline, conf in re.findall(r"PIPELINE=(\w+)\s+CONF='([^']*)'", text):
        if pipeline != "count_words":  # CONTRIBUTING.md's own, which its own test builds
            dag = (ROOT / f"dags/{pipeline}.py").read_text("utf-8")
            ((module, config),) = re.findall(r"from (tasks\.\S+) import (\w+Config)$", dag, re.M)
            load_config(getattr(importlib.import_module(module), config), None, json.loads(conf))


@pytest.mark.parametrize("page", SETTINGS, ids=name)
def test_files_of_settings_name_modules_that_exist(page):
    modules = re.findall(r"\w+/[\w/]+\.py", page.read_text("utf-8"))
    assert [module for module in modules if not (ROOT / module).is_file()] == []


def test_the_code_of_the_first_page_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_capture(tmp_path / "captures" / "corner")
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    names: dict = {}
    exec(compile(code, "README.md", "exec"), names)  # noqa: S102 - our own text
    assert [ref.schema_id.partition("/")[0] for ref in names["groups"]] == ["panorama.captures"]


def test_the_first_page_draws_the_stages_and_wings_that_there_are():
    for dag in (ROOT / "dags").glob("[!_]*.py"):
        drawn = re.search(rf'"{dag.stem}: ([^"]+)"', README)
        assert drawn, f"draw {dag.stem}"
        stages = re.findall(r"\.(\w+):\w+\"", dag.read_text("utf-8"))
        assert sorted(re.findall(r"\w+", drawn[1])) == sorted(stages)
    wings = {path.parent.name for path in (ROOT / "operators").glob("*/__init__.py")}
    assert {wing for wing in wings if f'{wing}["{wing}: ' not in README} == set()


def test_the_page_of_the_store_says_what_lies_there(tmp_path):
    fields = re.findall(r"(?m)^\| `(\w+)` \|", KEPT)
    assert fields == list(Manifest.model_fields)
    for part in (
        storage.MANIFEST,
        storage.DRAFTS,
        storage.TRAINING,
        storage.CLAIMS,
        RESULT,
        CONTENTS,
    ):
        assert part in KEPT
    commands = re.findall(r"-m operators\.stack\.prune ([^#\n]*)", KEPT)
    assert len(commands) >= 4
    for command in commands:
        assert prune.main([*command.split(), "--dry-run", "--store", str(tmp_path)]) == 0
