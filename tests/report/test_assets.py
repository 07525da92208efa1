"""What pages hold of other projects: fetched whole or not at all, by pinned hashes."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tasks.report import assets

ROOT = Path(__file__).resolve().parent.parent.parent
NAMED = {name for value in vars(assets).values() if isinstance(value, tuple) for name in value}
NPM = """#!/bin/sh
[ "$1" = --version ] && echo 10.1.0 && exit
[ -e package-lock.json ] && mkdir -p node_modules/first && echo "$@" > node_modules/first/a.js
exit ${STATUS:-0}
"""


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A repository's folders, with an npm that gives one file."""
    for folder in ("requirements/assets", "tasks/report", "bin"):
        (tmp_path / folder).mkdir(parents=True)
    shutil.copy(ROOT / "requirements/fetch-assets", tmp_path / "requirements")
    for name in ("package.json", "package-lock.json"):
        (tmp_path / "requirements/assets" / name).write_text("{}")
    (tmp_path / "requirements/assets/files.txt").write_text("first/a.js\n")
    (tmp_path / "bin/npm").write_text(NPM)
    (tmp_path / "bin/npm").chmod(0o755)
    return tmp_path


def fetch(clone: Path, **environment: str) -> int:
    path = f"{clone}/bin:/usr/bin:/bin"
    script = [str(clone / "requirements/fetch-assets")]
    done = subprocess.run(script, env={"PATH": path, **environment}, capture_output=True)
    return done.returncode


def test_named_files_are_fetched_by_the_lock_and_no_script_of_theirs_runs(clone: Path) -> None:
    assert fetch(clone) == 0
    kept = clone / "tasks/report/vendored"
    assert [str(path.relative_to(kept)) for path in kept.rglob("*.*")] == ["first/a.js"]
    assert (kept / "first/a.js").read_text().startswith("ci --ignore-scripts")


@pytest.mark.parametrize("problem", ["npm fails", "a file is missing"])
def test_what_was_fetched_before_stays_where_fetching_fails(clone: Path, problem: str) -> None:
    assert fetch(clone) == 0
    if problem == "a file is missing":
        (clone / "requirements/assets/files.txt").write_text("first/b.js\n")
    assert fetch(clone, STATUS="1" if problem == "npm fails" else "0") != 0
    assert [path.name for path in (clone / "tasks/report").iterdir()] == ["vendored"]
    assert (clone / "tasks/report/vendored/first/a.js").exists()


def test_every_file_that_pages_name_is_listed_and_pinned() -> None:
    listed = (ROOT / "requirements/assets/files.txt").read_text().split()
    assert {f"vendored/{name}" for name in listed} == NAMED
    lock = json.loads((ROOT / "requirements/assets/package-lock.json").read_text())
    pinned = {name.removeprefix("node_modules/"): each for name, each in lock["packages"].items()}
    for name in {name.partition("/")[0] for name in listed}:
        assert re.fullmatch(r"sha512-[\w+/]{86}==", pinned[name]["integrity"])
        assert pinned[name]["version"] == pinned[""]["dependencies"][name]
    assert "http" not in json.dumps(lock)  # which registry is the machine's own affair


def test_where_nothing_was_fetched_there_is_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(assets, "__file__", str(tmp_path / "assets.py"))
    assert assets.read_assets(assets.PANNELLUM) is None
    for name in assets.PANNELLUM:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    assert assets.read_assets(assets.PANNELLUM) == assets.PANNELLUM
