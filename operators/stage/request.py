"""One call of a stage, and the wire on which it travels: the command of a job and its last word.

    python -m operators.stage.run --pipeline restitch \
        --stage tasks.panorama.stages.match:match_captures \
        --config '{"seed": 0, "match": {}}' --inputs '[…]' --caller '{"run_id": "…"}'

Each JSON may stand in a file, given as ``@path``. The last line of the output is
``ORRERY_RESULT WORD [refs]``, or ``ORRERY_ERROR WORD {"type": …, "message": …}`` with exit code
75 where the same call may succeed later, 65 for the other errors of Orrery, 70 for any other.
``--word`` gives the word, a secret between the task and its job: what data or a library prints
into the log can't bear it, so it is never taken for the job's own.
"""

from __future__ import annotations

import argparse
import json
import re
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tasks.core.errors import ConfigError, OrreryError, TransientError
from tasks.core.outside.documents import parse_json, read_json
from tasks.core.outside.roots import quoted
from tasks.core.records import ArtifactRef

EXIT_TRANSIENT, EXIT_ORRERY, EXIT_OTHER = 75, 65, 70
RESULT, ERROR = "ORRERY_RESULT", "ORRERY_ERROR"

# What folders, jobs, records and addresses may be named after.
_ID = r"^[A-Za-z0-9_~:+-][A-Za-z0-9_.~:+-]{0,249}$"
_STAGE = r"^[A-Za-z_][A-Za-z0-9_.]{0,200}:[A-Za-z_][A-Za-z0-9_]{0,100}$"
_NO_WORD = "-"  # of a command that a person types
_NAMES, _DOCUMENTS = ("pipeline", "stage"), ("config", "inputs", "caller")


class Caller(BaseModel):
    """Who calls a stage, and where it is to run; arguments carry it, so it never holds a secret.

    Attributes:
        run_id: DAG run; stands for the inputs of stages that read the world outside.
        dag_id: DAG.
        task_id: Task of the DAG.
        map_index: Which of a mapped task; -1 if it is not mapped.
        try_number: Which try of the task, from 1.
        profile: Name of the profile, or path of its YAML.
        tracking_uri: MLflow server; the profile's if None, nothing is tracked if empty.
        parent_run_id: MLflow run of the DAG run.
        store_uri: Root of the store; the profile's if empty.
        code: Digest of the caller's code, which the job's must equal; not compared if empty.
        code_folder: Where that code lies; a job that runs from there reads the same files.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    run_id: str = Field(pattern=_ID)
    dag_id: str = ""
    task_id: str = ""
    map_index: int = -1
    try_number: int = 1
    profile: str = "laptop"
    tracking_uri: str | None = None
    parent_run_id: str = ""
    store_uri: str = ""
    code: str = ""
    code_folder: str = ""


class StageRequest(BaseModel):
    """One call of a stage.

    Attributes:
        pipeline: Name of the pipeline, which is the first folder of its artifacts.
        stage: ``module:function``.
        config: The pipeline's settings as nested JSON: ``seed`` and sections. What is not
            given has its default.
        inputs: Results of earlier stages, in the order of the stage's parameters; a list
            where a parameter takes the groups of a fan-out.
        caller: Who calls, and where it runs.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    pipeline: str = Field(pattern=_ID)
    stage: str = Field(pattern=_STAGE)
    config: dict[str, Any] = {}
    inputs: list[ArtifactRef | list[ArtifactRef]] = []
    caller: Caller


def check_run_id(run_id: str) -> None:
    """Check that a run can be named so wherever it is recorded.

    Raises:
        ConfigError: It is too long, or has characters that a folder or an address can't have.
    """
    if not re.fullmatch(_ID[1:-1], run_id):
        raise ConfigError(
            f"run_id: expected 1 to 250 letters, digits and any of _.~:+- (no dot in front), got "
            f"{quoted(run_id)} ({len(run_id)} characters); trigger the run with another id"
        )


def entrypoint(request: StageRequest, word: str, python: str = sys.executable) -> str:
    """Return the shell command of a stage's job. Everything travels in arguments, no secret does.

    The job's last line is known by the word.
    """
    given = request.model_dump(mode="json")
    command = [python, "-m", "operators.stage.run", "--word", word]
    for name in _NAMES:
        command += [f"--{name}", given[name]]
    for name in _DOCUMENTS:
        command += [f"--{name}", json.dumps(given[name], separators=(",", ":"))]
    # Without `exec` a shell would stand between Ray and the driver and swallow its signals.
    return f"exec {shlex.join(command)}"


def parse_word(arguments: Sequence[str] | None) -> str:
    """Read the word from the arguments of a job, whatever else they hold."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--word", default=_NO_WORD)
    return str(parser.parse_known_args(arguments)[0].word)


def parse_request(arguments: Sequence[str] | None) -> StageRequest:
    """Read the call from the arguments of a job; those of this process if None.

    Raises:
        ConfigError: They can't be read.
    """
    parser = argparse.ArgumentParser(prog="python -m operators.stage.run", description=__doc__)
    for name in _NAMES:
        parser.add_argument(f"--{name}", required=True)
    for name, default in zip(_DOCUMENTS, ("{}", "[]", None), strict=True):
        parser.add_argument(f"--{name}", default=default, required=default is None, metavar="JSON")
    parser.add_argument("--word", default=_NO_WORD, help="what the last line is known by")
    given = vars(parser.parse_args(arguments))
    del given["word"]
    try:
        for name in _DOCUMENTS:
            text = given[name]
            given[name] = (
                read_json(Path(text[1:])) if text[:1] == "@" else parse_json(text, f"--{name}")
            )
        return StageRequest(**given)
    except ConfigError as error:
        raise ConfigError(f"the arguments can't be read: {error}") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = ".".join(str(part) for part in first["loc"])
        raise ConfigError(
            f"the arguments can't be read: --{name[:80]}: {first['msg']}, got "
            f"{quoted(str(first['input']))}; correct the command"
        ) from error


def say_result(refs: Sequence[ArtifactRef], word: str) -> int:
    """Print the references that a stage returned; returns the exit code."""
    _say(RESULT, word, [ref.model_dump() for ref in refs])
    return 0


def say_error(error: Exception, word: str) -> int:
    """Print why a stage failed; returns the exit code."""
    _say(ERROR, word, {"type": type(error).__name__, "message": str(error)})
    if isinstance(error, TransientError):
        return EXIT_TRANSIENT
    return EXIT_ORRERY if isinstance(error, OrreryError) else EXIT_OTHER


def last_said(log: str, kind: str, word: str) -> Any:
    """Value of the last whole line of a kind that bears the job's word; None without one."""
    begin = f"{kind} {word} "
    lines = [line for line in log.split("\n")[:-1] if line.startswith(begin)]
    try:
        return json.loads(lines[-1].removeprefix(begin)) if lines else None
    except ValueError:
        return None  # another process wrote into the middle of the line


def _say(kind: str, word: str, value: Any) -> None:
    sys.stderr.flush()
    sys.stdout.write(f"{kind} {word} {json.dumps(value)}\n")
    sys.stdout.flush()
