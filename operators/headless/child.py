"""The Airflow side of a headless run: one DAG in this process, through `dag.test()`.

The operators are those of production, and so is the way to Ray; Airflow runs their triggers in
line. Started by `operators.headless.run`, which says in ``order.json`` what to run, maybe later,
and reads the lines for people from ``console.log`` and the result from ``result.json``.
"""

from __future__ import annotations

import argparse
import copy
import functools
import json
import logging
import os
import re
import threading
import time
from pathlib import Path
from typing import Any

import httpx
from airflow.sdk.exceptions import ParamValidationError

from operators.headless.folders import CONSOLE, ORDER, READY, RESULT, is_owned
from operators.plain_log import plain

# What a driver's log lines look like; the rest (tracebacks, Ray's own) is for the file only.
_LINE = re.compile(r"\d{4}-\d\d-\d\d [\d:,]+ (INFO|WARNING|ERROR) [\w.]+: ")

_POLL_S, _WATCH_S = 0.1, 1.0

logger = logging.getLogger(__name__)


def main(arguments: list[str] | None = None) -> int:
    """Run the DAG; returns 0 if it succeeded."""
    parser = argparse.ArgumentParser(prog="python -m operators.headless.child", description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    folder = parser.parse_args(arguments).folder
    threading.Thread(target=_end_with_owner, args=(folder,), daemon=True).start()
    _warm_up()
    _wait_for(folder / ORDER)
    order = json.loads((folder / ORDER).read_text())
    dag_id, conf = order["dag"], order["conf"]
    dag = _load(dag_id)
    _speak(folder / CONSOLE, dag_id)
    try:
        _check(dag, conf)
    except ParamValidationError as error:
        logger.error("%s: %s", dag_id, str(error).partition("\n\n")[0])  # noqa: TRY400
        return 1
    _wait_for(folder / READY)
    run = dag.test(run_conf=conf)
    result = {"state": str(run.state), "run_id": run.run_id, "results": _results(run)}
    (folder / RESULT).write_text(json.dumps(result))
    return 0 if result["state"] == "success" else 1


def _load(dag_id: str) -> Any:
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(safe_mode=False)
    if dag_id not in bag.dags:
        broken = "".join(f"\n{path}: {error}" for path, error in bag.import_errors.items())
        raise SystemExit(f"there is no DAG {dag_id!r}, there are {sorted(bag.dags)}{broken}")
    return bag.dags[dag_id]


def _check(dag: Any, conf: dict[str, Any]) -> None:
    """Refuse a wrong value as the API of Airflow does; the first task checks the names."""
    params = copy.deepcopy(dag.params)
    params.update(conf)
    params.validate()


def _speak(file: Path, dag_id: str) -> None:
    """Send our own log lines, and only them, to the file."""
    console = logging.StreamHandler(file.open("a", encoding="utf-8", buffering=1))
    console.setFormatter(_Console())
    console.addFilter(functools.partial(_is_for_people, dag_id))
    for name in ("operators", __name__):
        logging.getLogger(name).addHandler(console)
        logging.getLogger(name).setLevel(logging.INFO)


class _Console(logging.Formatter):
    """Drops time and logger of a driver's line: the console has its own clock."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line = _LINE.sub(
            lambda found: "" if found[1] == "INFO" else f"{found[1].lower()}: ",
            plain(record.getMessage()),
            count=1,
        )
        return line if record.levelno < logging.ERROR else f"ERROR {line}"


def _is_for_people(dag_id: str, record: logging.LogRecord) -> bool:
    """Whether the console shows a line: of the addresses only the run's, which come first."""
    if record.name == "operators.schedule.links":
        return record.getMessage().startswith(f"{dag_id}: ")
    is_job_line = (
        record.name == "operators.schedule.stage_trigger" and record.getMessage()[:1] == "["
    )
    return not is_job_line or _LINE.search(record.getMessage()) is not None


def _warm_up() -> None:
    """Do what no order changes: imports, and Airflow's API, which tasks talk to in this process."""
    from airflow.dag_processing import dagbag  # noqa: F401
    from airflow.sdk.execution_time.supervisor import in_process_api_server

    from operators.schedule import pipeline  # noqa: F401

    with httpx.Client(transport=in_process_api_server().transport) as client:
        client.get("http://in-process.invalid./health")


def _wait_for(path: Path) -> None:
    while not path.exists():
        time.sleep(_POLL_S)


def _end_with_owner(folder: Path) -> None:
    """End once the process has that the folder belongs to: a run, or the servers' keeper."""
    while is_owned(folder):
        time.sleep(_WATCH_S)
    os._exit(1)


def _results(run: Any) -> dict[str, list[dict[str, str]]]:
    """References that the stages returned, by task id; those of a mapped task in order."""
    from airflow.models.xcom import XComModel
    from airflow.utils.session import create_session
    from sqlalchemy import select

    query = select(XComModel).where(XComModel.run_id == run.run_id, XComModel.key == "return_value")
    results: dict[str, list[dict[str, str]]] = {}
    with create_session() as session:
        for row in session.scalars(query.order_by(XComModel.task_id, XComModel.map_index)):
            value = XComModel.deserialize_value(row)
            values = value if isinstance(value, list) else [value]
            results.setdefault(row.task_id, []).extend(values)
    return results


if __name__ == "__main__":
    code = main()
    logging.shutdown()
    # All is written; joining the threads of Airflow's API would take seconds.
    os._exit(code)
