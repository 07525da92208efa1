"""A run's params are refused before anything starts."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

from operators.headless import run, settings
from operators.installation import ROOT
from tasks.core import params
from tasks.core.errors import ConfigError
from tests.support.hostile.refusals import refused


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("operators.headless.folders.FOLDER", tmp_path / "runs")
    return tmp_path / "runs"


@pytest.mark.parametrize(
    ("pipeline", "conf", "says"),
    [
        ("search_cells", {"budget": 0}, r"budget: .*greater than or equal to 1, got 0"),
        ("restitch", {"capturse": "x"}, "unknown setting 'capturse'.*did you mean 'captures'"),
        ("restitch", {}, "needs a value for captures"),
        ("restich", {}, "no pipeline 'restich', there are: .*restitch"),
    ],
)
def test_a_bad_value_is_refused_before_anything_starts(
    pipeline: str, conf: dict, says: str, folder: Path
) -> None:
    with pytest.raises(ConfigError, match=says):
        run.run_headless(pipeline, conf)
    assert not folder.exists()


def test_every_pipeline_names_its_settings_so_that_they_can_be_checked() -> None:
    for file in (ROOT / "dags").glob("[!_]*.py"):
        with pytest.raises(ConfigError, match="unknown setting 'no_such'"):
            settings.check_settings(file, {"no_such": 1}, "laptop")


@pytest.mark.parametrize(
    ("imports", "named"),
    [
        ("from tests.support.kernel.sample_stages import SampleConfig", "SampleConfig"),
        ("from tests.support.kernel.sample_stages import SampleConfig as Mine", "Mine"),
        ("from tests.support.kernel import sample_stages", "sample_stages.SampleConfig"),
        ("import tests.support.kernel.sample_stages as mine", "mine.SampleConfig"),
        (
            "import tests.support.kernel.sample_stages",
            "tests.support.kernel.sample_stages.SampleConfig",
        ),
    ],
)
def test_settings_are_found_however_a_dag_file_imports_them(
    imports: str, named: str, tmp_path: Path
) -> None:
    file = tmp_path / "sample.py"
    file.write_text(
        f"{imports}\nwith pipeline(__file__, __doc__, config={named}) as run:\n    ...\n"
    )
    settings.check_settings(file, {"count": 1}, "laptop")
    with pytest.raises(ConfigError, match=r"unknown setting 'cuont'.*did you mean 'count'"):
        settings.check_settings(file, {"cuont": 1}, "laptop")


def test_settings_that_can_not_be_found_are_told_and_those_that_a_file_makes_are_left(
    tmp_path: Path,
) -> None:
    file = tmp_path / "sample.py"
    file.write_text("import tasks.core.config\npipeline('', '', config=tasks.core.config.Non)\n")
    with pytest.raises(ConfigError, match=r"sample\.py: its settings can't be found: .*Non"):
        settings.check_settings(file, {}, "laptop")
    file.write_text("with pipeline(:")
    with pytest.raises(ConfigError, match=r"sample\.py can't be read as a DAG file: .*line 1"):
        settings.check_settings(file, {}, "laptop")
    file.write_text("class Mine: ...\npipeline('', '', config=Mine)\npipeline('', '')\n")
    settings.check_settings(file, {"cuont": 1}, "laptop")


def test_checking_settings_loads_no_framework() -> None:
    code = (
        "import sys\nfrom operators.headless import settings\n"
        "from operators.installation import ROOT\n"
        "settings.check_settings(ROOT / 'dags/search_cells.py', {}, 'laptop')\n"
        "heavy = {'airflow', 'ray', 'mlflow', 'torch', 'cv2', 'scipy'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_a_path_outside_of_the_profile_s_roots_is_refused_before_anything_starts() -> None:
    with pytest.raises(ConfigError, match="captures: '/srv' lies outside of what is readable"):
        run.run_headless("restitch", {"captures": "/srv"}, profile="cluster")


def path_params() -> list[tuple[str, str, dict[str, str]]]:
    """All params of all pipelines that name paths, with those that a run needs besides."""
    found = []
    for file in sorted((ROOT / "dags").glob("[!_]*.py")):
        pattern = r"(?m)^from (tasks\.\S+) import (\w+Config)$"
        ((module, name),) = re.findall(pattern, file.read_text("utf-8"))
        fields = params._fields(getattr(importlib.import_module(module), name))
        paths = [path for path, field in fields.items() if field.get("path")]
        needed = {
            params._param(path, field): "{data}" if field.get("path") else "any"
            for path, field in fields.items()
            if "needed" in field
        }
        found += [(file.stem, params._param(path, fields[path]), needed) for path in paths]
    return found


@pytest.mark.hostile
@pytest.mark.parametrize(("pipeline", "param", "needed"), path_params())
@pytest.mark.parametrize(
    "place",
    ["/etc", "{data}/../..", "{data}/link", "/dev/zero", "~nouser", "a::b", "/xxxxxxxxx" * 500,
     "s3://bucket/data/../x", "memory://x", "{data}/\udcff"],
    ids=["outside", "dots", "a link", "a device", "a user", "a chain", "5,000 characters",
         "dots in a store", "memory", "no UTF-8"],
)  # fmt: skip
def test_no_param_of_any_pipeline_leads_out_of_the_roots(
    pipeline: str, param: str, needed: dict[str, str], place: str, tmp_path: Path, folder: Path
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "link").symlink_to("/usr")
    profile = tmp_path / "team.yaml"
    profile.write_text(f"readable: [{data}, 's3://bucket/data']\nwritable: [{data}]\n")
    with refused(f"{param}: "):
        given = needed | {param: place}
        given = {name: value.replace("{data}", str(data)) for name, value in given.items()}
        run.run_headless(pipeline, given, profile=str(profile))
    assert not folder.exists(), "nothing was started"


@pytest.mark.hostile
@pytest.mark.parametrize(
    "pipeline", ["../dags/restitch", "/etc/passwd", "", "restitch\n", "x" * 300, "__init__"]
)
def test_pipelines_that_are_none_are_refused(pipeline: str, folder: Path) -> None:
    with refused("there is no pipeline"):
        run.run_headless(pipeline, {})
    assert not folder.exists()
