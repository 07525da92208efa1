"""Who runs where: tests that need servers in one process, all others file by file."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SERVERS = """

@pytest.fixture(scope="session")
def servers():
    yield
"""
NOTE = """
import os, pathlib, time
import pytest

def note(name):
    time.sleep(0.2)
    worker = os.environ.get("PYTEST_XDIST_WORKER", "one")
    with pathlib.Path({seen!r}).open("a") as seen:
        seen.write(f"{{name}} {{worker}}\\n")
"""
MARK = ".".join(("pytest", "mark", "integration"))  # not spelt out: this file needs no servers
TWICE = '@pytest.mark.parametrize("k", range(2))\n'
SERVED = f'@{MARK}\n{TWICE}def test_it(servers, k):\n    note("served")\n'
MARKED = f'@{MARK}\ndef test_it():\n    note("served")\n'
OTHER = '@pytest.mark.parametrize("k", range(3))\ndef test_it(k):\n    note("{name}")\n'


def run(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run toy tests under this folder's conftest."""
    seen = folder / "seen"
    (folder / "tests").mkdir(exist_ok=True)
    (folder / "tests/conftest.py").write_text((ROOT / "tests/conftest.py").read_text() + SERVERS)
    bodies = {"a": OTHER.format(name="a"), "b": OTHER.format(name="b"), "c": OTHER.format(name="c")}
    for name, body in (bodies | {"d": SERVED, "e": MARKED, "f": SERVED}).items():
        path = folder / "tests" / f"test_{name}.py"
        path.write_text(NOTE.format(seen=str(seen)) + body)
    (folder / "pytest.ini").write_text("[pytest]\nmarkers =\n    integration\n")
    command = [sys.executable, "-m", "pytest", "-q", f"--rootdir={folder}", *options, "tests"]
    env = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    env["PYTHONPATH"] = str(ROOT)
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)


def workers(folder: Path, *options: str) -> dict[str, list[str]]:
    """Processes that ran the tests of each group, in the order in which they ran."""
    done = run(folder, *options)
    assert done.returncode == pytest.ExitCode.OK, done.stdout + done.stderr
    found = defaultdict(list)
    for line in (folder / "seen").read_text().splitlines():
        found[line.split()[0]].append(line.split()[1])
    return found


def test_what_needs_servers_runs_in_one_process_and_files_stay_whole(tmp_path: Path) -> None:
    options = ("-n", "2", "--dist", "loadfile", "--no-loadscope-reorder")
    found = workers(tmp_path, *options)
    assert {name: len(ran) for name, ran in found.items()} == {"served": 5, "a": 3, "b": 3, "c": 3}
    assert all(len(set(ran)) == 1 for ran in found.values()), found
    assert found["a"] != found["served"][:3], "the other process does all else meanwhile"


def test_the_same_in_one_process(tmp_path: Path) -> None:
    found = workers(tmp_path, "-p", "no:xdist")
    assert list(found) == ["served", "a", "b", "c"]


def test_who_uses_servers_must_say_so(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/test_quiet.py").write_text("def test_it(servers):\n    pass\n")
    done = run(tmp_path, "-p", "no:xdist")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "test_quiet.py::test_it uses {'servers'}: mark it with pytest.mark.integ" in done.stderr
