"""Counting the repository: known answers on a made-up tree, and on both sides of the moves."""

from __future__ import annotations

import ast
import re
import subprocess

import pytest

from benchmarks import house

PORTS = '''"""Ports."""
class StageContext:
    """All that a stage may touch."""
    def seed(self): ...
SETTINGS = 1
'''
PAGE = '''"""A page."""
def page(rows):
    return f"<!DOCTYPE html><table>{rows}"
'''
EXPORT = '''"""Files for users."""
def export(path, folder):
    path.replace(folder / "name")
'''
FLAT = {
    "tasks/__init__.py": "",
    "tasks/core/ports.py": PORTS,
    "tasks/core/files.py": EXPORT,
    "tasks/one/page.py": PAGE,
    "tasks/one/cache.py": 'def keep(path):\n    path.rename("kept")\n    "a".replace("a", "b")\n',
    "tasks/two/page.py": PAGE,
    "tasks/two/folder.py": f"from tasks.core.files import export\n{EXPORT}",
    "tasks/two/exports/target.py": f"import shutil\n{EXPORT}",
    "operators/run_stage.py": "def run():\n    return 1\n\n\n\n",
    "operators/storage.py": "X = 1\n",
    "dags/one.py": "x = 1\n",
    "benchmarks/a.py": "\n",
    "tests/core/test_files.py": "\n\n",
    "tests/operators/test_run_stage.py": "\n",
}
WINGS = {
    "tasks/core/ports.py": PORTS,
    "tasks/report/page.py": "from jinja2 import Environment\n",
    "operators/stage/run.py": "def run():\n    return 1\n",
    "operators/store/__init__.py": "",
    "operators/store/storage.py": "X = 1\n",
}


def parsed(tree):
    return {path: ast.parse(text) for path, text in tree.items()}


def test_a_flat_tree_is_counted_by_the_wings_that_it_has_become():
    counts = house.count(FLAT)
    assert counts["operators/stage"] == "5 lines, 1 files"
    assert counts["operators/store"] == "1 lines, 1 files"
    assert counts["stage and store"] == "6 lines"
    assert counts["tasks/two"] == "11 lines, 3 files"
    assert counts["dags"] == "1 lines, 1 files"
    assert counts["tests/core"] == "2 lines, 1 files"
    assert counts["a stage author must read"] == "5 lines"
    assert counts["largest folder of operators"] == "2 modules: operators"
    assert counts["largest folder of tasks"] == "2 modules: tasks/two"
    assert counts["largest file"] == "5 lines: tasks/core/ports.py"
    assert counts["largest function"] == "3 lines: tasks/one/cache.py keep"


def test_wings_are_counted_as_they_are():
    counts = house.count(WINGS)
    assert counts["operators/stage"] == "2 lines, 1 files"
    assert counts["operators/store"] == "1 lines, 2 files"
    assert counts["largest folder of operators"] == "1 modules: operators/store"
    assert counts["largest folder of dags"] == "none"


def test_modules_that_run_and_have_no_test_are_found():
    untested = house.untested(parsed(FLAT))
    assert "tasks/two/page.py" in untested
    assert "tasks/core/files.py" not in untested, "it has its test"
    assert "operators/run_stage.py" not in untested, "it has its test"
    assert "tasks/core/ports.py" not in untested, "it only declares"
    assert "operators/storage.py" not in untested, "there is nothing to run in it"


def test_page_writers_write_html_by_themselves_or_by_templates():
    assert house.page_writers(parsed(FLAT)) == ["tasks/one/page.py", "tasks/two/page.py"]
    assert house.page_writers(parsed(WINGS)) == ["tasks/report/page.py"]


def test_who_uses_the_way_out_of_another_and_who_keeps_files_is_no_way_out():
    assert house.ways_out(parsed(FLAT)) == ["tasks.core.files", "tasks.two.exports.target"]


def test_concepts_are_those_that_the_tree_defines():
    assert house.concepts(parsed(FLAT)) == ["StageContext", "SETTINGS"]


def test_every_concept_exists_in_this_tree():
    assert house.concepts(parsed(house.working_tree(house.ROOT))) == list(house.CONCEPTS)


def test_the_example_of_contributing_imports_no_other_concepts():
    page = (house.ROOT / "CONTRIBUTING.md").read_text("utf-8")
    imports = re.findall(r"^from (?:tasks\.core|operators)\S* import (.+)$", page, re.MULTILINE)
    named = {name for line in imports for name in line.split(", ")}
    ports = {"ArtifactStore", "Items", "Tracker"}
    assert named | ports == set(house.CONCEPTS)


def test_a_revision_is_read_as_git_has_it(tmp_path, capsys, monkeypatch):
    def git(*words):
        identity = ("-c", "user.name=x", "-c", "user.email=x@example.org")
        subprocess.run(["git", *identity, *words], cwd=tmp_path, check=True, capture_output=True)

    for path, text in FLAT.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    (tmp_path / "notes.py").write_text("not counted")
    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "one")
    (tmp_path / "dags/two.py").write_text("y = 2\n")
    (tmp_path / "operators/storage.py").unlink()

    assert house.revision("HEAD", tmp_path) == FLAT
    now = house.working_tree(tmp_path)
    assert set(now) == set(FLAT) - {"operators/storage.py"} | {"dags/two.py"}
    with pytest.raises(subprocess.CalledProcessError):
        house.revision("nothing", tmp_path)

    monkeypatch.setattr(house, "ROOT", tmp_path)
    assert house.main(["--compare", "HEAD"]) == 0
    told = capsys.readouterr().out
    assert "| what | HEAD | working tree |" in told
    assert "| dags | 1 lines, 1 files | 2 lines, 2 files |" in told
    assert "| operators/store | 1 lines, 1 files |  |" in told
