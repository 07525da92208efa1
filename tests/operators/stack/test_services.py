"""Commands and environment of the servers, and that the containers run the same ones."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from operators.installation import load_profile
from operators.processes.ports import Ports
from operators.stack import services
from operators.stack.services import AIRFLOW_SERVICES
from tasks.core.config import config_json

ROOT = Path(__file__).resolve().parent.parent.parent.parent
PORTS = Ports(8080, 5000, 8265, tuple(range(26000, 26008)), 8501, 8500)
# Where the containers differ on purpose: addresses, paths and keys.
OWN_TO_CONTAINERS = re.compile(
    r"AIRFLOW_HOME|ORRERY_.*|PYTHONPATH|RAY_AUTH_TOKEN_PATH|RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER|"
    r"AIRFLOW__(CORE__(DAGS_FOLDER|FERNET_KEY|EXECUTION_API_SERVER_URL|"
    r"SIMPLE_AUTH_MANAGER_PASSWORDS_FILE)|DATABASE__SQL_ALCHEMY_CONN|API__SECRET_KEY|"
    r"API__BASE_URL|API_AUTH__JWT_SECRET|LOGGING__BASE_LOG_FOLDER)"
)


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return dict(yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text())["services"])


def commands(folder: Path = Path("/short")) -> dict[str, list[str]]:
    told = {
        "ray": services.ray_command(PORTS, folder / "ray"),
        "mlflow": services.mlflow_command(PORTS),
        "serving": services.serving_command(PORTS),
    }
    return told | {f"airflow-{n}": services.airflow_command(n, PORTS) for n in AIRFLOW_SERVICES}


def module_and_flags(command: list[str]) -> tuple[list[str], set[str]]:
    plain = [word for word in command[1:] if not word.startswith("--")]
    return plain, {word.partition("=")[0] for word in command if word.startswith("--")}


@pytest.mark.parametrize("name", list(commands()))
def test_a_container_runs_the_command_of_the_supervisor(name: str, compose: dict[str, Any]) -> None:
    ours, ours_flags = module_and_flags(commands()[name])
    theirs, theirs_flags = module_and_flags(shlex.split(compose[name]["command"]))
    assert theirs == ours
    if name == "mlflow":  # the supervisor's answers on the loopback of one user's machine
        theirs_flags -= {"--app-name"}
    if name != "ray":  # whose head has a network of its own there, and default ports
        assert theirs_flags == ours_flags
    assert theirs_flags <= ours_flags


def test_a_container_has_the_environment_of_the_supervisor(
    compose: dict[str, Any], tmp_path: Path
) -> None:
    env = services.base_env() | services.airflow_env(tmp_path, ROOT / "dags", PORTS)
    ours = {
        name: value
        for name, value in env.items()
        if name not in os.environ or name in ("TZ", "DO_NOT_TRACK")
    }
    theirs = compose["airflow-scheduler"]["environment"]
    missing = {name for name in ours if name.startswith("AIRFLOW")} - set(theirs)
    assert not missing
    assert not {name for name in theirs if name.startswith("AIRFLOW")} - set(env)
    for name in set(theirs) & set(env):
        if not OWN_TO_CONTAINERS.fullmatch(name):
            assert theirs[name] == env[name], name


def test_containers_publish_on_the_loopback_only(compose: dict[str, Any]) -> None:
    published = [port for each in compose.values() for port in each.get("ports", ())]
    assert sorted(published) == [
        "127.0.0.1:5000:5000",
        "127.0.0.1:8080:8080",
        "127.0.0.1:8265:8265",
        "127.0.0.1:8500:8500",
        "127.0.0.1:8501:8501",
    ]


def test_containers_wait_for_what_they_need(compose: dict[str, Any]) -> None:
    for name in AIRFLOW_SERVICES:
        assert "airflow-migrate" in compose[f"airflow-{name}"]["depends_on"]
    for service in compose.values():
        assert set(service.get("depends_on", ())) <= set(compose)


def test_the_containers_profile_is_valid() -> None:
    profile = load_profile(str(ROOT / "docker" / "profile.yaml"))
    assert (profile.tracking_uri, profile.ray_api) == ("http://mlflow:5000", "http://ray:8265")


def test_the_image_holds_what_it_copies() -> None:
    ignored = (ROOT / ".dockerignore").read_text()
    for line in (ROOT / "docker" / "Dockerfile").read_text().splitlines():
        if line.startswith("COPY "):
            source = line.split()[1]
            assert (ROOT / source).exists(), source
            assert f"!{source}" in ignored, source


def test_no_command_holds_a_secret() -> None:
    first = services.airflow_env(Path("/a"), Path("/b"), PORTS)
    assert first == services.airflow_env(Path("/a"), Path("/b"), PORTS)
    assert not any(first["AIRFLOW__API__SECRET_KEY"] in " ".join(c) for c in commands().values())


def test_a_profile_keeps_all_but_the_addresses(tmp_path: Path) -> None:
    env = services.write_profile(tmp_path / "own.yaml", "ci", PORTS)
    own, base = (config_json(load_profile(n)) for n in (env["ORRERY_PROFILE"], "ci"))
    assert own["tracking_uri"] == "http://127.0.0.1:5000"
    changed = {name for name in own if own[name] != base[name]}
    assert changed <= {"tracking_uri", "ray_api", "ray_address"}


def test_a_stack_that_serves_is_where_its_profile_says(tmp_path: Path) -> None:
    env = services.write_profile(tmp_path / "own.yaml", "ci", PORTS, serves=True)
    assert load_profile(env["ORRERY_PROFILE"]).serving_api == PORTS.serving_url


def test_the_environment_is_quiet_and_keeps_bytecode(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    env = services.base_env()
    assert "PYTHONDONTWRITEBYTECODE" not in env
    assert env["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert env["RAY_USAGE_STATS_ENABLED"] == "0"
