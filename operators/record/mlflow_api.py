"""MLflow's REST API (2.0, as documented): the calls that Orrery uses.

Measured on the project's machine: ``import mlflow`` takes 1.8-2.2 s in every driver, this client
0.1 s, and a run has one driver a stage; hence no `mlflow` import here.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import quote

import httpx

from operators import access
from operators.record.mlflow_artifacts import read_file, served_at, write_file
from operators.tries import MLFLOW_PAUSE_S, MLFLOW_TRIES
from tasks.core.errors import ArtifactError, ResourceError, TransientError

MAX_TAG_CHARS = 8000
CALL_TIMEOUT_S = 30.0
PARENT_TAG = "mlflow.parentRunId"
REGISTERED_TAG = "orrery.registered."  # and a model's name: what a stage's run registered
# MLflow 3.17 shows the pages for language models unless the address, or the person's own last
# choice, asks for those for training; the experiment's kind decides nothing there.
_PAGES = "?workflowType=machine_learning"
# Tags of a DAG run that the runs below it bear too.
_INHERITED = ("airflow.", "mlflow.user", "mlflow.source.git.")
_EXISTS = ("RESOURCE_ALREADY_EXISTS",)
_MISSING = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")
# What the server says of a run, or of an experiment, that somebody deleted there.
_GONE = ("RESOURCE_DOES_NOT_EXIST", "must be in the 'active' state")
# What finds a run again whose creation was not answered; MLflow shows no tag that begins so.
_CREATED_TAG = "mlflow.orrery.created"

# It says one line per call, which would drown the log of the stage.
logging.getLogger("httpx").setLevel(logging.WARNING)


class GoneError(ResourceError):
    """Somebody deleted it in MLflow."""


@dataclass(frozen=True)
class Run:
    """One MLflow run.

    Attributes:
        run_id: Its id.
        experiment_id: The experiment it belongs to.
        artifact_uri: Root of its files.
        url: Where a browser finds it.
        name: What people see.
        tags: All of its tags.
        metrics: The last value of each of its metrics, as `MlflowApi.log_batch` takes them.
    """

    run_id: str
    experiment_id: str
    artifact_uri: str
    url: str
    name: str
    tags: Mapping[str, str]
    metrics: Sequence[dict[str, Any]]

    @property
    def inherited_tags(self) -> Mapping[str, str]:
        """Those of its tags that runs below it bear too."""
        return {name: value for name, value in self.tags.items() if name.startswith(_INHERITED)}


class MlflowApi:
    """The calls of the REST API that Orrery uses."""

    def __init__(self, tracking_uri: str) -> None:
        """Prepare the client; nothing is sent yet. The login comes from the environment.

        Raises:
            ConfigError: The URL holds a login.
            ResourceError: The environment names no file of certificates.
        """
        access.refuse_login("tracking_uri", tracking_uri)
        self.uri = tracking_uri.rstrip("/")
        self._http = httpx.Client(
            base_url=self.uri,
            timeout=CALL_TIMEOUT_S,
            headers=access.mlflow_login(),
            verify=access.trust(mlflow=True),
            trust_env=False,
        )

    def experiment(self, name: str, note: str = "") -> str:
        """Return the id of an experiment, which is made if need be.

        Args:
            name: Its name.
            note: Its description in Markdown, also of one that is there; unchanged if empty.
        """
        tags = {"mlflow.experimentKind": "custom_model_development"}
        tags |= {"mlflow.note.content": note[:MAX_TAG_CHARS]} if note else {}
        body = {"name": name, "tags": pairs(tags, MAX_TAG_CHARS)}
        created = self._send("POST", "experiments/create", body, _EXISTS)
        if "experiment_id" in created:
            return str(created["experiment_id"])
        found = self._send("GET", f"experiments/get-by-name?experiment_name={quote(name)}")
        experiment_id = str(found["experiment"]["experiment_id"])
        borne = {tag["key"]: tag["value"] for tag in found["experiment"].get("tags", [])}
        for key, value in tags.items():
            if borne.get(key) != value:
                tag = {"experiment_id": experiment_id, "key": key, "value": value}
                self._send("POST", "experiments/set-experiment-tag", tag)
        return experiment_id

    def create(self, experiment_id: str, name: str, tags: Mapping[str, str]) -> Run:
        """Start a run.

        Where a failure leaves open whether one was made, it is looked for before it is made again.
        """
        mark = {_CREATED_TAG: secrets.token_hex(8)}
        body = {
            "experiment_id": experiment_id,
            "run_name": name,
            "start_time": now_ms(),
            "tags": pairs({**tags, **mark}, MAX_TAG_CHARS),
        }
        for left in reversed(range(MLFLOW_TRIES)):
            try:
                return self._run(self._send("POST", "runs/create", body, tries=1)["run"])
            except TransientError:
                if not left:
                    raise
            time.sleep(MLFLOW_PAUSE_S)
            if found := self.search(experiment_id, **mark):
                return found[0]
        raise AssertionError("unreachable: the last try returns or raises")

    def get(self, run_id: str) -> Run:
        """Return a run."""
        return self._run(self._send("GET", f"runs/get?run_id={run_id}")["run"])

    def search(self, experiment_id: str, *, status: str = "", **tags: str) -> list[Run]:
        """Return an experiment's runs with all these tags, newest first; any status if empty."""
        clauses = [f"tags.`{name}` = {_quoted(value)}" for name, value in tags.items()]
        clauses += [f"attributes.status = '{status}'"] if status else []
        body = {"experiment_ids": [experiment_id], "filter": " and ".join(clauses)}
        return [self._run(each) for each in self._send("POST", "runs/search", body).get("runs", [])]

    def children(self, run: Run, status: str) -> list[Run]:
        """Return a run's children that are in a status."""
        return self.search(run.experiment_id, status=status, **{PARENT_TAG: run.run_id})

    def files(self, run_id: str, folder: str = "") -> dict[str, int]:
        """Return the bytes of each of a run's files, by its path."""
        found: dict[str, int] = {}
        path = f"artifacts/list?run_id={run_id}&path={quote(folder)}"
        for each in self._send("GET", path).get("files", []):
            is_folder = each.get("is_dir", False)
            size = int(each.get("file_size", 0))
            found |= self.files(run_id, each["path"]) if is_folder else {each["path"]: size}
        return found

    def set_status(self, run_id: str, status: str) -> None:
        """Set a run's status; all but ``RUNNING`` end it."""
        end = {} if status == "RUNNING" else {"end_time": now_ms()}
        self._send("POST", "runs/update", {"run_id": run_id, "status": status} | end)

    def log_batch(self, run_id: str, **lists: list[dict[str, Any]]) -> None:
        """Record ``metrics``, ``params`` or ``tags`` in one call."""
        self._send("POST", "runs/log-batch", {"run_id": run_id} | lists)

    def upload(self, run: Run, name: str, data: bytes) -> None:
        """Store a file with a run, under a path such as ``figures/seams.png``."""
        file = f"{run.artifact_uri}/{name}"
        served = served_at(file, self.uri)
        if served is None:
            write_file(file, data)
        else:
            self._request("PUT", served, content=data)

    def download(self, run_id: str, name: str) -> bytes:
        """Return the bytes of a run's file.

        Raises:
            ArtifactError: There is no such run, or it has no such file.
        """
        found = self._send("GET", f"runs/get?run_id={quote(run_id)}", answers=_MISSING)
        if "run" not in found:
            raise ArtifactError(f"MLflow at {self.uri} has no run {run_id!r}: check its id")
        run = self._run(found["run"])
        file = f"{run.artifact_uri}/{name}"
        served = served_at(file, self.uri)
        try:
            if served is None:
                return read_file(file)
            reply = self._request("GET", served, _MISSING)
            if reply.is_success:
                return reply.content
        except FileNotFoundError:
            pass
        raise ArtifactError(f"MLflow run {run.url} has no file {name!r}: look at what it has")

    def registered_versions(self, name: str) -> tuple[frozenset[int], dict[str, int]]:
        """Return the versions of a registered model, and the version of each of its aliases.

        Raises:
            GoneError: There is no such model.
        """
        told = self._send("GET", f"registered-models/get?name={quote(name)}")["registered_model"]
        clause, page, versions = quote(f"name = {_quoted(name)}"), "", set[int]()
        while True:
            path = f"model-versions/search?filter={clause}&max_results=10000{page}"
            found = self._send("GET", path)
            versions |= {int(each["version"]) for each in found.get("model_versions", [])}
            if not found.get("next_page_token"):
                break
            page = f"&page_token={quote(found['next_page_token'])}"
        aliases = {each["alias"]: int(each["version"]) for each in told.get("aliases", [])}
        return frozenset(versions), aliases

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self, run: Mapping[str, Any]) -> Run:
        info = run["info"]
        return Run(
            run_id=info["run_id"],
            experiment_id=info["experiment_id"],
            artifact_uri=info["artifact_uri"].rstrip("/"),
            url=f"{self.uri}/#/experiments/{info['experiment_id']}/runs/{info['run_id']}{_PAGES}",
            name=info.get("run_name", ""),
            tags={tag["key"]: tag["value"] for tag in run["data"].get("tags", [])},
            metrics=run["data"].get("metrics", []),
        )

    def _send(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        answers: tuple[str, ...] = (),
        tries: int = MLFLOW_TRIES,
    ) -> dict[str, Any]:
        """Call the API; an error with one of these codes is an answer like any other."""
        reply = self._request(method, f"/api/2.0/mlflow/{path}", answers, tries, json=body)
        try:
            return dict(reply.json())
        except ValueError as error:  # a login page, say
            raise ResourceError(
                f"what answers at {self.uri} is no MLflow server: {method} {path} gave "
                f"{reply.text[:200]!r}; check tracking_uri in the profile"
            ) from error

    def _request(
        self,
        method: str,
        path: str,
        answers: tuple[str, ...] = (),
        tries: int = MLFLOW_TRIES,
        **content: Any,
    ) -> httpx.Response:
        if "://" in path:  # the login is for the tracking server alone
            content["headers"] = {"Authorization": ""}
        for left in reversed(range(tries)):
            try:
                reply = self._http.request(method, path, **content)
            except httpx.HTTPError as error:
                access.check_trust(f"MLflow at {self.uri}", error)
                if not left:
                    raise TransientError(f"can't reach MLflow at {self.uri}: {error!r}") from error
            else:
                if reply.is_success or any(code in reply.text for code in answers):
                    return reply
                self._check_login(reply)
                if not _is_busy(reply) or not left:
                    break
            time.sleep(MLFLOW_PAUSE_S)
        is_gone = any(code in reply.text for code in _GONE)
        kind = TransientError if _is_busy(reply) else GoneError if is_gone else ResourceError
        raise kind(
            f"MLflow at {self.uri} refused {method} {path}: {reply.status_code} {reply.text[:500]}"
        )

    def _check_login(self, reply: httpx.Response) -> None:
        """Raise if the server does not let this process in."""
        if reply.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            raise ResourceError(
                f"MLflow at {self.uri} refuses access: {reply.status_code} {reply.text[:500]}; set "
                "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN, "
                "in the environment of Airflow and of the Ray nodes"
            )


def _is_busy(reply: httpx.Response) -> bool:
    """Whether a server that refused a call may take it later."""
    return reply.is_server_error or reply.status_code in (
        httpx.codes.REQUEST_TIMEOUT,
        httpx.codes.TOO_MANY_REQUESTS,
    )


def pairs(values: Mapping[str, str], max_chars: int) -> list[dict[str, str]]:
    """Name-value pairs as the API takes them, cut to its limit."""
    return [{"key": key, "value": value[:max_chars]} for key, value in values.items()]


def now_ms() -> int:
    """Milliseconds since 1970, as the API takes times."""
    return time.time_ns() // 1_000_000


def _quoted(value: str) -> str:
    """A value in a search filter, whose quotes can't be escaped, only chosen."""
    return f'"{value}"' if "'" in value else f"'{value}'"
