"""CONTRIBUTING.md is tried: its pipeline is built in a copy of the house and held to its rules."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
# A path at the end of a paragraph, and the file's content below it.
FILES = dict(re.findall(r"`([\w/]+\.\w+)`:\n\n```\w+\n(.*?)```", TEXT, re.DOTALL))
SCRIPTS = [name for name in FILES if name.endswith(".py")]
COPIED = ("tasks", "operators", "dags", "configs", "tests")
LINT = ("-c", "from importlinter.cli import lint_imports as lint; raise SystemExit(lint())")
# The small run and the grown one, with the same stages as the DAG but without Ray and MLflow.
SMALL = """
import sys
from pathlib import Path
import yaml
from operators.stage.local import LocalRun
from tasks.core.params import load_config
from tasks.words.config import CountWordsConfig
from tasks.words.manifests import WordCounts
from tasks.words.stages.count import count_texts
from tasks.words.stages.find import find_texts
sys.path.append("tests/words/small")
from make import make
folder, counted = Path("small"), []
folder.mkdir()
text = Path("tests/words/small/count_words.yaml").read_text().replace("{folder}", str(folder))
small = yaml.safe_load(text)
for is_grown in (False, True):
    make(folder, is_grown=is_grown)
    params = small["params"] | (small["grown"] if is_grown else {})
    config = load_config(CountWordsConfig, Path("configs/count_words.yaml"), params)
    run = LocalRun(folder / f"store-{is_grown}")
    texts = run.run(find_texts, config=config.find)
    counted.append(run.read(run.run(count_texts, texts, config=config.count), WordCounts).counts)
assert len(counted[1]) - len(counted[0]) == small["made"]["count"], counted
"""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what a pipeline touches and stands on, with the pipeline of the page added."""
    root = tmp_path_factory.mktemp("house")
    # Bytecode comes and goes while other tests run.
    for name in COPIED:
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy2(ROOT / "pyproject.toml", root)
    (rooms,) = re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL)
    subprocess.run(["bash", "-euc", rooms], cwd=root, check=True)
    for name, content in FILES.items():
        (root / name).write_text(content, "utf-8")
    return root


def run(house: Path, *words: str, code: int = 0) -> str:
    """Run Python in the copy; returns what it printed."""
    hidden = ("PYTEST", "PYTHONPATH", "AIRFLOW", "ORRERY")
    env = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
    done = subprocess.run(
        [sys.executable, *words], cwd=house, env=env, capture_output=True, text=True
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def test_the_page_shows_a_whole_system() -> None:
    assert {Path(name).parts[0] for name in FILES} == {"tasks", "dags", "tests"}
    assert len(FILES) == len(re.findall("```(?:python|yaml)", TEXT))


def test_its_files_are_in_style(house: Path) -> None:
    run(house, "-m", "ruff", "check", *SCRIPTS)
    run(house, "-m", "ruff", "format", "--check", *SCRIPTS)


def test_it_breaks_a_contract_until_its_system_is_named(house: Path) -> None:
    settings = house / "pyproject.toml"
    systems = r'(?m)^(layers = \["graspgan", "[\w |]+ \| \w+)"'
    changed, count = re.subn(systems, r'\1 | words"', settings.read_text("utf-8"))
    assert count == 1, "expected one line of systems in the contracts"
    assert "words" in run(house, *LINT, code=1)
    settings.write_text(changed, "utf-8")
    run(house, *LINT)


def test_its_pipeline_runs_and_keeps_the_rules_of_the_house(house: Path) -> None:
    tests = ("tests/words", "tests/dags", "tests/test_architecture.py")
    options = ("-o", "addopts=--import-mode=importlib", "--basetemp", "kept")
    told = run(house, "-m", "pytest", *tests, "-v", "-k", "words or architecture", *options)
    for test in ("test_counting", "test_find", "test_count", "dags/test_dags", "test_architecture"):
        assert re.search(rf"{test}\.py::.* PASSED", told), f"{test} tried nothing:\n{told}"


def test_its_small_run_grows_by_what_it_says(house: Path) -> None:
    run(house, "-c", SMALL)


def test_what_it_names_exists() -> None:
    places = re.findall(r"\]\(([^)#:]+)\)", TEXT)
    assert len(places) > 10
    assert [place for place in places if not (ROOT / place).exists()] == []
    targets = set(re.findall(r"(?m)(?:^|`)make ([a-z-]+)", TEXT))
    makefile = (ROOT / "Makefile").read_text("utf-8")
    assert [name for name in targets if not re.search(rf"(?m)^{name}:", makefile)] == []
