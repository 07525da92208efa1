"""The wire of a stage's job: what goes out as a command comes back as the same request."""

from __future__ import annotations

import shlex

import pytest

from operators.stage.request import (
    ERROR,
    RESULT,
    Caller,
    StageRequest,
    entrypoint,
    last_said,
    parse_request,
    parse_word,
    say_error,
    say_result,
)
from tasks.core.errors import ConfigError, DataError, TransientError
from tasks.core.records import ArtifactRef

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
    arguments = ["--pipeline=p", "--stage=s", "--caller={}"]
    with pytest.raises(ConfigError, match=r"the arguments can't be read[\s\S]*run_id"):
        parse_request(arguments)


def test_request_refuses_what_it_does_not_know() -> None:
    with pytest.raises(ValueError, match="secret"):
        Caller.model_validate({"run_id": "r", "secret": "x"})
    with pytest.raises(ValueError, match="colour"):
        StageRequest(pipeline="p", stage="s", caller=Caller(run_id="r"), colour="red")
