"""Parts of a headless run; whole runs are tested in tests/integration/test_headless.py."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from operators.headless import folders
from operators.headless import run as headless
from tests.support.hostile.refusals import check_sentence
from tests.support.kernel.fake_ray import fake_ray


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(folders, "FOLDER", tmp_path / "runs")
    return tmp_path / "runs"


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


@pytest.mark.parametrize(
    ("conf", "says"), [("{captures", "--conf is not JSON"), ("[1]", "expected a JSON object")]
)
def test_settings_that_are_no_object_are_refused(
    conf: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        headless.main(["restitch", "--conf", conf])
    assert says in capsys.readouterr().err


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


def test_what_killed_runs_left_on_a_shared_cluster_is_stopped_and_nothing_else(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text("secret")
    monkeypatch.setattr(headless.services, "ray_token", lambda: tmp_path / "token")
    for name in ("killed", "alive", "ended"):
        (folder / f"20260101-000000-{name}").mkdir(parents=True)
    (folder / "20260101-000000-killed" / "owner.json").write_text(json.dumps([2**22 + 1, 0.0]))
    alive = folder / "20260101-000000-alive"
    folders.own(alive, psutil.Process())
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
