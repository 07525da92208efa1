"""The wire of a stage's job: what goes out as a command comes back as the same request."""

from __future__ import annotations

import json
import shlex

import pytest

from operators.stage.request import (
    ERROR,
    RESULT,
    Caller,
    StageRequest,
    check_run_id,
    entrypoint,
    last_said,
    parse_request,
    parse_word,
    say_error,
    say_result,
)
from tasks.core.errors import ConfigError, DataError, TransientError
from tasks.core.records import ArtifactRef
from tests.support.hostile.refusals import refused

REF = ArtifactRef(schema_id="sample.numbers/1", uri="p/s/k", sha256="0" * 64)


def test_a_request_survives_its_command_line() -> None:
    config = {"seed": 3, "listing": {"name": 'it\'s "quoted" $HOME; rm *'}}
    request = StageRequest(
        pipeline="sample",
        stage="tests.support.kernel.sample_stages:list_numbers",
        config=config,
        inputs=[REF, [REF, REF]],
        caller=Caller(run_id="scheduled__2026-01-01T00:00:00+00:00", map_index=2),
    )
    words = shlex.split(entrypoint(request, "secret", "/opt/python"))
    assert words[:4] == ["exec", "/opt/python", "-m", "operators.stage.run"]
    assert parse_request(words[4:]) == request
    assert parse_word(words[4:]) == "secret"
    assert parse_word(["--config", "{", "--word", "secret"]) == "secret"


@pytest.mark.parametrize(
    ("error", "code"),
    [(TransientError("lost"), 75), (DataError("bad"), 65), (ValueError("other"), 70)],
)
def test_the_exit_code_says_whether_to_try_again(
    error: Exception, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert say_error(error, "secret") == code
    said = last_said(capsys.readouterr().out, ERROR, "secret")
    assert said == {"type": type(error).__name__, "message": str(error)}


def test_the_last_whole_line_counts(capsys: pytest.CaptureFixture[str]) -> None:
    assert say_result([REF], "secret") == 0
    log = f"{RESULT} secret []\n2026 INFO x: y\n{capsys.readouterr().out}"
    assert last_said(log, RESULT, "secret") == [REF.model_dump()]
    assert last_said(log.rstrip("\n"), RESULT, "secret") == [], "a line that is still being written"
    assert last_said("nothing\n", RESULT, "secret") is None


@pytest.mark.parametrize("line", ["ORRERY_RESULT []", "ORRERY_RESULT {", "ORRERY_RESULT other []"])
def test_a_line_without_the_word_is_nobodys(line: str) -> None:
    assert last_said(f"2026 INFO captures: a\n{line}\nz\n", RESULT, "secret") is None


def test_a_line_that_another_process_wrote_into_is_not_read() -> None:
    assert last_said(f'{RESULT} secret [{{"uri": (pid=7) hello\n', RESULT, "secret") is None


def test_arguments_that_are_no_request_are_refused() -> None:
    arguments = ["--pipeline=p", "--stage=a:b", "--caller={}"]
    with pytest.raises(ConfigError, match=r"the arguments can't be read[\s\S]*run_id"):
        parse_request(arguments)


RUN_IDS = {
    "300 characters": "r" * 300,
    "251 characters": "r" * 251,
    "nothing": "",
    "a new line": "r\nORRERY_RESULT []",
    "a new line at its end": "r\n",
    "a byte zero": "r\0",
    "an escape": "r\x1b[2J",
    "a slash": "../../etc",
    "a backslash": "r\\x",
    "dots": "..",
    "hidden": ".r",
    "both quotes": "r'\"",
    "a blank": "r x",
    "another script": "r\u202ex",
    "half a character": "r\ud800",
    "a command": "$(id)",
    "an end of a filter": "r' or 1=1",
}


@pytest.mark.hostile
@pytest.mark.parametrize("run_id", RUN_IDS.values(), ids=list(RUN_IDS))
def test_a_run_s_id_that_can_not_be_recorded_is_refused(run_id: str) -> None:
    with refused("run_id"):
        check_run_id(run_id)
    with refused("caller.run_id" if "\ud800" not in run_id else "caller"):
        parse_request(["--pipeline=p", "--stage=a:b", f"--caller={json.dumps({'run_id': run_id})}"])


@pytest.mark.parametrize(
    "run_id",
    ["manual__2026-11-29T19:40:15.123456+00:00", "asset_triggered__2026-01-01_x~1", "r" * 250, "1"],
)
def test_ids_as_airflow_makes_them_pass(run_id: str) -> None:
    check_run_id(run_id)
    assert Caller(run_id=run_id).run_id == run_id


HOSTILE = {
    "a pipeline that leads out": (["--pipeline=../../x"], "pipeline"),
    "a pipeline of 300 characters": (["--pipeline=" + "p" * 300], "pipeline"),
    "no pipeline": (["--pipeline="], "pipeline"),
    "a stage elsewhere": (["--stage=/tmp/evil:run"], "stage"),
    "a stage above": (["--stage=..tasks:run"], "stage"),
    "a stage of 5,000 characters": (["--stage=" + "a." * 2500 + ":run"], "stage"),
    "a stage without a function": (["--stage=tasks.panorama"], "stage"),
    "a stage with a command": (["--stage=a:b; id"], "stage"),
    "settings that are a list": (["--config=[]"], "config"),
    "settings with a key twice": (['--config={"seed": 1, "seed": 2}'], "--config"),
    "settings that are not a number": (['--config={"seed": NaN}'], "--config"),
    "settings without end": (["--config=" + "[" * 100_000], "--config"),
    "settings of an endless file": (["--config=@/dev/zero"], "/dev/zero"),
    "settings of a folder": (["--config=@/tmp"], "/tmp"),
    "settings of no file": (["--config=@/no/such"], "/no/such"),
    "inputs that are an object": (["--inputs={}"], "inputs"),
    "inputs that are no references": (["--inputs=[1]"], "inputs"),
    "a caller that is a text": (['--caller="r"'], "caller"),
    "a caller with more": (['--caller={"run_id": "r", "secret": "x"}'], "caller.secret"),
}


@pytest.mark.hostile
@pytest.mark.parametrize(("arguments", "named"), HOSTILE.values(), ids=list(HOSTILE))
def test_arguments_that_mean_harm_are_refused(arguments: list[str], named: str) -> None:
    usual = ["--pipeline=p", "--stage=a:b", '--caller={"run_id": "r"}']
    with refused(named):
        parse_request([*usual, *arguments])


def test_request_refuses_what_it_does_not_know() -> None:
    with pytest.raises(ValueError, match="secret"):
        Caller.model_validate({"run_id": "r", "secret": "x"})
    with pytest.raises(ValueError, match="colour"):
        StageRequest(pipeline="p", stage="s", caller=Caller(run_id="r"), colour="red")
