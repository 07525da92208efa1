"""The servers of a stack: their commands, environment and signs of life.

`make up` runs all of them under supervisor, a headless run only Ray and MLflow, and the
containers of `docker/` the same commands (a test compares them). Everything listens on the
loopback interface only; telemetry is off everywhere.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import yaml

from operators.access import SERVING_TOKEN
from operators.installation import PROFILE, ROOT, load_profile
from operators.processes.marked import answer, answers
from operators.processes.ports import HOST, RAY_PORTS, Ports
from operators.stack.databases import (
    AIRFLOW_DATABASE,
    make_room_for_mlflow,
    mlflow_env,
    sqlite_url,
)
from operators.stack.state import STATE, airflow_keys, passwords, ray_token, serving_token
from operators.tries import API_PAUSES_S, API_TRIES, HEAD_RETURN_S, TASK_SILENCE_S, TASK_TOKEN_S
from tasks.core.config import config_json
from tasks.core.files import whole_file

NUM_PARALLEL_TASKS = 4
AIRFLOW_SERVICES = ("api-server", "scheduler", "dag-processor", "triggerer")
# Airflow 3.3 says only at the top of a long form which param it refuses, beside the button no more
# than "Bad Request". Its theme can't say more, but keep the top's message in sight.
_ALERT = "[data-testid='error-alert']"
_IN_SIGHT = {"position": "sticky !important", "top": "0", "zIndex": "1"}
_IN_SIGHT |= {"maxHeight": "40vh", "overflow": "auto"}


def ray_command(ports: Ports, folder: Path) -> list[str]:
    """Command of the Ray head; its own folder for sockets and logs must have a short path."""
    inner = [f"{name}={port}" for name, port in zip(RAY_PORTS, ports.ray_inner, strict=True)]
    return [
        *(sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block"),
        *(f"--node-ip-address={HOST}", f"--dashboard-host={HOST}"),
        *(f"--dashboard-port={ports.ray}", *inner),
        # Any free ports for the workers: two clusters on one machine must not meet.
        *("--min-worker-port=0", "--max-worker-port=0"),
        # One machine has nothing to scale.
        "--no-monitor",
        *(f"--num-cpus={num_cpus()}", f"--temp-dir={folder}", "--disable-usage-stats"),
    ]


def mlflow_command(ports: Ports, state: Path = STATE) -> list[str]:
    """Command of the MLflow server: its environment names its database, figures lie in the state.

    Raises:
        ResourceError: PostgreSQL is to be used, and is away.
    """
    folder = state / "mlflow"
    folder.mkdir(parents=True, exist_ok=True)
    make_room_for_mlflow()
    names = f"{HOST}:{ports.mlflow},localhost:{ports.mlflow}"
    return [
        *(sys.executable, "-m", "mlflow", "server", f"--host={HOST}", f"--port={ports.mlflow}"),
        *("--workers=1", f"--artifacts-destination={folder}/artifacts"),
        f"--allowed-hosts={names}",
        f"--cors-allowed-origins={ports.mlflow_url}",
    ]


def airflow_command(service: str, ports: Ports) -> list[str]:
    """Command of one of `AIRFLOW_SERVICES`."""
    command = [sys.executable, "-m", "airflow", service]
    if service == "api-server":
        command += [f"--host={HOST}", f"--port={ports.airflow}", "--workers=1"]
    if service in ("scheduler", "triggerer"):
        command += ["--skip-serve-logs"]
    return command


def serving_command(ports: Ports) -> list[str]:
    """Command of the server of models, which `configs/serving.yaml` names."""
    return [
        *(sys.executable, "-m", "operators.serving", f"--host={HOST}"),
        *(f"--rest-port={ports.serving}", f"--grpc-port={ports.serving_grpc}"),
    ]


def ray_is_up(ports: Ports) -> bool:
    """Whether the head's node is alive; its dashboard answers even if it is not."""
    headers = {"Authorization": f"Bearer {ray_token().read_text()}"}
    return answers(f"{ports.ray_url}/nodes?view=summary", '"state": "ALIVE"', headers)


def mlflow_is_up(ports: Ports) -> bool:
    """Whether MLflow answers."""
    return answers(f"{ports.mlflow_url}/health", "OK")


def serving_is_up(ports: Ports) -> bool:
    """Whether the server of models answers; its models may still be loading."""
    return answers(f"{ports.serving_url}/healthz")


def airflow_is_up(ports: Ports) -> bool:
    """Whether all four processes of Airflow are well."""
    try:
        parts = json.loads(answer(f"{ports.airflow_url}/api/v2/monitor/health") or "{}")
    except ValueError:
        return False
    wanted = ("metadatabase", "scheduler", "triggerer", "dag_processor")
    return all((parts.get(name) or {}).get("status") == "healthy" for name in wanted)


def base_env() -> dict[str, str]:
    """Environment of every process: quiet, in UTC, finds our packages, keeps bytecode."""
    env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    env |= mlflow_env()
    paths = [str(ROOT), *env.get("PYTHONPATH", "").split(os.pathsep)]
    return env | {
        "PYTHONPATH": os.pathsep.join(dict.fromkeys(path for path in paths if path)),
        "PYTHONUNBUFFERED": "1",
        "TZ": "UTC",
        "DO_NOT_TRACK": "1",
        "SCARF_ANALYTICS": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        # No client chooses where the server's files lie: it would read and write there.
        "MLFLOW_ARTIFACT_LOCATION_MAX_LENGTH": "0",
        "MLFLOW_CREATE_MODEL_VERSION_SOURCE_VALIDATION_REGEX": "^(models|mlflow-artifacts|runs):",
        "RAY_USAGE_STATS_ENABLED": "0",
        # Of each of its own logs Ray would keep 512 MB, and five earlier ones.
        "RAY_ROTATION_MAX_BYTES": "20000000",
        "RAY_ROTATION_BACKUP_COUNT": "2",
        # Despite its name it acts on Linux too: 127.0.0.1 is not rewritten to the host's address.
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN_PATH": str(ray_token()),
        SERVING_TOKEN: env.get(SERVING_TOKEN) or serving_token().read_text(),
    }


def airflow_env(home: Path, dags: Path, ports: Ports) -> dict[str, str]:
    """Environment of Airflow's processes; their home holds the SQLite database and the logs."""
    known = airflow_keys()
    settings = {
        "CORE__EXECUTOR": "LocalExecutor",
        "CORE__PARALLELISM": str(NUM_PARALLEL_TASKS),
        "CORE__LOAD_EXAMPLES": "False",
        "CORE__DAGS_FOLDER": str(dags),
        # Our DAG files don't spell the words that Airflow guesses by.
        "CORE__DAG_DISCOVERY_SAFE_MODE": "False",
        "CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "CORE__FERNET_KEY": known["fernet"],
        "CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin,viewer:viewer",
        "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords()),
        "CORE__EXECUTION_API_SERVER_URL": f"{ports.airflow_url}/execution/",
        "API__SECRET_KEY": known["api"],
        "API__BASE_URL": ports.airflow_url,
        "API__THEME": json.dumps({"globalCss": {_ALERT: _IN_SIGHT}}),
        "API_AUTH__JWT_SECRET": known["jwt"],
        "LOGGING__BASE_LOG_FOLDER": str(home / "logs"),
        "DAG_PROCESSOR__REFRESH_INTERVAL": "30",
        # What waits in the executor's queue shows a token that is good for so long.
        "EXECUTION_API__JWT_EXPIRATION_TIME": str(TASK_TOKEN_S),
        "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": str(TASK_SILENCE_S),
        "WORKERS__EXECUTION_API_RETRIES": str(API_TRIES),
        "WORKERS__EXECUTION_API_RETRY_WAIT_MIN": str(API_PAUSES_S[0]),
        "WORKERS__EXECUTION_API_RETRY_WAIT_MAX": str(API_PAUSES_S[1]),
        "TRIGGERER__ON_KILL_TIMEOUT": f"{HEAD_RETURN_S:.0f}",
        # What a task waits for on average, at each of the nine steps of a run, is half of it.
        "SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.2",
        "TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "10",
        "TRIGGERER__JOB_HEARTBEAT_SEC": "2",
        "USAGE_DATA_COLLECTION__ENABLED": "False",
    }
    own = {"AIRFLOW_HOME": str(home), AIRFLOW_DATABASE: sqlite_url(home / "airflow.db")}
    return own | {f"AIRFLOW__{k}": v for k, v in settings.items()}


def write_profile(path: Path, base: str, ports: Ports, serves: bool = False) -> dict[str, str]:
    """Write a profile with a stack's own addresses, and all else as in another, ``base``.

    Args:
        path: The profile.
        base: The other one.
        ports: Where the stack listens.
        serves: Whether it has a server of models.

    Returns:
        The environment that selects it.
    """
    profile = config_json(load_profile(base))
    addresses = {"tracking_uri": ports.mlflow_url, "ray_api": ports.ray_url, "ray_address": "auto"}
    addresses |= {"serving_api": ports.serving_url} if serves else {}
    with whole_file(path) as partial:
        partial.write_text(yaml.safe_dump(profile | addresses, sort_keys=False))
    return {PROFILE: str(path)}


def num_cpus() -> int:
    """Cores that this process may use; more workers than cores only wait for each other."""
    return len(os.sched_getaffinity(0))
