"""The folders of headless runs; whole runs are tested in tests/integration/test_headless.py."""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil
import pytest

from operators.stack import headless
from tasks.core import params
from tasks.core.errors import ConfigError
from tests.support.hostile.refusals import check_sentence, refused
from tests.support.kernel.fake_ray import fake_ray


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(headless, "FOLDER", tmp_path / "runs")
    return tmp_path / "runs"


def leave(folder: Path, name: str, owner: object) -> Path:
    """What a run that was killed leaves behind."""
    left = folder / name
    left.mkdir(parents=True)
    (left / "owner.json").write_text(json.dumps(owner))
    (left / "airflow.log").write_text("its log")
    (left / "airflow.db").write_text("bulk")
    (left / "ray").symlink_to(tempfile.mkdtemp(prefix="orrery-test-ray-"))
    return left


def test_a_run_keeps_its_log_and_drops_the_rest(folder: Path) -> None:
    with headless._run_folder() as (mine, _):
        assert headless.is_owned(mine)
        (mine / "airflow.log").write_text("its log")
        (mine / "airflow.db").write_text("bulk")
    assert [each.name for each in mine.iterdir()] == ["airflow.log"]


def test_what_a_killed_run_left_is_cleaned_by_the_next(folder: Path) -> None:
    killed = leave(folder, "20260101-000000-a", [2**22 + 1, 0.0])
    ray = (killed / "ray").readlink()
    me = psutil.Process()
    alive = leave(folder, "20260101-000001-b", [me.pid, me.create_time()])
    with headless._run_folder():
        assert not ray.exists()
        assert sorted(each.name for each in killed.iterdir()) == ["airflow.log", "owner.json"]
        assert (alive / "airflow.db").exists()
    (alive / "ray").readlink().rmdir()


def test_a_process_id_that_was_given_again_is_no_owner(folder: Path) -> None:
    left = leave(folder, "20260101-000000-a", [os.getpid(), 1.0])
    assert not headless.is_owned(left)
    (left / "ray").readlink().rmdir()


def test_a_process_that_ended_owns_nothing_even_if_nobody_collects_it(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        headless._own(tmp_path, psutil.Process(process.pid))
        assert headless.is_owned(tmp_path)
        process.kill()
        assert os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert not headless.is_owned(tmp_path)


def test_a_run_takes_the_spare_process_that_fits(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    me = psutil.Process()
    folder.mkdir()
    spare = headless._new_folder(psutil.Process(me.ppid()))
    monkeypatch.setattr(headless, "take", lambda fitting: (spare, me) if fitting == "x" else None)
    with headless._run_folder("x") as (mine, child):
        assert (mine, child) == (spare, me)
        assert json.loads((mine / "owner.json").read_text()) == [me.pid, me.create_time()]
    with headless._run_folder("y") as (mine, child):
        assert (mine.exists(), mine == spare, child) == (True, False, None)


def test_a_spare_process_fits_runs_of_the_same_code_dags_and_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fitting = headless._fitting(tmp_path)
    monkeypatch.setenv("CONF", '{"count": 1}')
    assert headless._fitting(tmp_path) == fitting, "each run has its own params"
    assert headless._fitting(tmp_path / "others") != fitting
    with monkeypatch.context() as other:
        other.setattr(headless, "code_digest", lambda: "changed")
        assert headless._fitting(tmp_path) != fitting
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "another")
    assert headless._fitting(tmp_path) != fitting


def test_lines_are_passed_on_whole_until_the_process_has_ended(tmp_path: Path) -> None:
    code = (
        "import sys, time\nfile = open(sys.argv[1], 'a', buffering=1)\n"
        "file.write('one\\ntw')\nfile.flush()\ntime.sleep(0.3)\nfile.write('o\\n')\n"
    )
    (tmp_path / headless.CONSOLE).touch()
    lines: list[str] = []
    command = [sys.executable, "-c", code, str(tmp_path / headless.CONSOLE)]
    with subprocess.Popen(command) as process:
        state = headless._follow(psutil.Process(process.pid), tmp_path, lines.append)
    assert (lines, state) == (["one", "two"], "failed"), "it did not say how it ended"


def test_only_the_newest_logs_are_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(headless, "NUM_RUNS_KEPT", 2)
    for second in range(4):
        (folder / f"20260101-00000{second}-x").mkdir(parents=True)
    with headless._run_folder() as (mine, _):
        kept = sorted(each.name for each in folder.iterdir() if each != mine)
    assert kept == ["20260101-000002-x", "20260101-000003-x"]


@pytest.mark.parametrize(
    ("conf", "says"), [("{captures", "--conf is not JSON"), ("[1]", "expected a JSON object")]
)
def test_settings_that_are_no_object_are_refused(
    conf: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        headless.main(["restitch", "--conf", conf])
    assert says in capsys.readouterr().err


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
        headless.run_headless(pipeline, conf)
    assert not folder.exists()


def test_every_pipeline_names_its_settings_so_that_they_can_be_checked() -> None:
    for file in (headless.ROOT / "dags").glob("[!_]*.py"):
        with pytest.raises(ConfigError, match="unknown setting 'no_such'"):
            headless.check_settings(file, {"no_such": 1}, "laptop")


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
    headless.check_settings(file, {"count": 1}, "laptop")
    with pytest.raises(ConfigError, match=r"unknown setting 'cuont'.*did you mean 'count'"):
        headless.check_settings(file, {"cuont": 1}, "laptop")


def test_settings_that_can_not_be_found_are_told_and_those_that_a_file_makes_are_left(
    tmp_path: Path,
) -> None:
    file = tmp_path / "sample.py"
    file.write_text("import tasks.core.config\npipeline('', '', config=tasks.core.config.Non)\n")
    with pytest.raises(ConfigError, match=r"sample\.py: its settings can't be found: .*Non"):
        headless.check_settings(file, {}, "laptop")
    file.write_text("class Mine: ...\npipeline('', '', config=Mine)\npipeline('', '')\n")
    headless.check_settings(file, {"cuont": 1}, "laptop")


def test_a_path_outside_of_the_profile_s_roots_is_refused_before_anything_starts() -> None:
    with pytest.raises(ConfigError, match="captures: '/srv' lies outside of what is readable"):
        headless.run_headless("restitch", {"captures": "/srv"}, profile="cluster")


def test_checking_settings_loads_no_framework() -> None:
    code = (
        "import sys\nfrom operators.stack import headless\n"
        "headless.check_settings(headless.ROOT / 'dags/search_cells.py', {}, 'laptop')\n"
        "heavy = {'airflow', 'ray', 'mlflow', 'torch', 'cv2', 'scipy'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=headless.ROOT)


def path_params() -> list[tuple[str, str, tuple[str, ...]]]:
    """All params of all pipelines that name paths, with those that a run needs besides."""
    found = []
    for file in sorted((headless.ROOT / "dags").glob("[!_]*.py")):
        pattern = r"(?m)^from (tasks\.\S+) import (\w+Config)$"
        ((module, name),) = re.findall(pattern, file.read_text("utf-8"))
        fields = params._fields(getattr(importlib.import_module(module), name))
        paths = [path for path, field in fields.items() if field.get("path")]
        needed = tuple(params._param(p, field) for p, field in fields.items() if "needed" in field)
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
    pipeline: str, param: str, needed: tuple[str, ...], place: str, tmp_path: Path, folder: Path
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "link").symlink_to("/usr")
    profile = tmp_path / "team.yaml"
    profile.write_text(f"readable: [{data}, 's3://bucket/data']\nwritable: [{data}]\n")
    with refused(f"{param}: "):
        given = dict.fromkeys(needed, str(data)) | {param: place.replace("{data}", str(data))}
        headless.run_headless(pipeline, given, profile=str(profile))
    assert not folder.exists(), "nothing was started"


@pytest.mark.hostile
@pytest.mark.parametrize(
    "conf",
    ['{"seed": 1, "seed": 2}', '{"seed": NaN}', "[" * 100_000, '{"seed": ' + "9" * 5000 + "}",
     '{"captures": "\\ud800"}', "{captures: x}", "[]", "null", '"captures"'],
    ids=range(9),
)  # fmt: skip
def test_params_that_are_no_document_are_refused_by_the_command(
    conf: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        headless.main(["restitch", "--conf", conf])
    check_sentence(capsys.readouterr().err.partition("error: ")[2].strip(), "--conf")
    assert not folder.exists()


@pytest.mark.hostile
@pytest.mark.parametrize(
    "pipeline", ["../dags/restitch", "/etc/passwd", "", "restitch\n", "x" * 300, "__init__"]
)
def test_pipelines_that_are_none_are_refused(pipeline: str, folder: Path) -> None:
    with refused("there is no pipeline"):
        headless.run_headless(pipeline, {})
    assert not folder.exists()


def test_what_killed_runs_left_on_a_shared_cluster_is_stopped_and_nothing_else(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text("secret")
    monkeypatch.setattr(headless.services, "ray_token", lambda: tmp_path / "token")
    me = psutil.Process()
    left = leave(folder, "20260101-000000-killed", [2**22 + 1, 0.0])
    alive = leave(folder, "20260101-000001-alive", [me.pid, me.create_time()])
    (folder / "20260101-000002-ended").mkdir()
    with fake_ray() as ray:
        stacks = ["killed", "alive", "ended"]
        names = [next(p.name for p in folder.iterdir() if p.name.endswith(s)) for s in stacks]
        for stack in [*names, "stack-1234", "", "../outside"]:
            ray.add(f"job-{len(ray.jobs)}", metadata={"stack": stack})
        asyncio.run(headless._stop_jobs(ray.address))
        assert [job["status"] for job in ray.jobs.values()] == ["STOPPED", *["RUNNING"] * 5]
        asyncio.run(headless._stop_jobs(ray.address, alive.name))
        assert ray.jobs["job-1"]["status"] == "STOPPED"
        assert ray.jobs["job-2"]["status"] == "RUNNING"
    for each in (left, alive):
        (each / "ray").readlink().rmdir()
