"""Profiles: the machines and the paths of one installation. They never change a result.

What would, a training's device and number of processes, is part of its key.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal

import httpx
from pydantic import Field
from pydantic.dataclasses import dataclass

from operators.access import refuse_login
from tasks.core.config import SETTINGS, setting
from tasks.core.errors import ConfigError
from tasks.core.files import user_path
from tasks.core.outside.roots import STORES, Roots, quoted
from tasks.core.params import load_config, named_paths

# Profile: a name in configs/profiles, or the path of a YAML file.
PROFILE = "ORRERY_PROFILE"
# Python with which the Ray cluster runs a stage, where it is not this process's own.
PYTHON = "ORRERY_PYTHON"
# Addresses under which a browser finds the servers, where they are not the profile's.
AIRFLOW_URL, MLFLOW_URL, RAY_URL = "ORRERY_AIRFLOW_URL", "ORRERY_MLFLOW_URL", "ORRERY_RAY_URL"
# Folder of databases, logs and secrets, where it is not .state in the repository.
STATE_FOLDER = "ORRERY_STATE"
# Another file than configs/schedules.yaml.
SCHEDULES = "ORRERY_SCHEDULES"

# How URIs begin that may be roots.
_ROOTS = tuple(f"{name}://" for name in (*STORES, "file"))

# Options of fsspec's stores that hold one.
_SECRETS = {"secret", "password"}

# Name of the stack that a process belongs to; children inherit it.
MARK = "ORRERY_STACK"


def profile_name() -> str:
    """Name, or path, of the profile that this installation runs with."""
    return os.environ.get(PROFILE, "laptop")


ROOT = Path(__file__).resolve().parent.parent
_PROFILES = ROOT / "configs" / "profiles"


@dataclass(frozen=True, config=SETTINGS)
class StageResources:
    """What one call of a stage gets: an item, or one process of a training."""

    num_cpus: float = setting(1.0, gt=0, le=10_000, help="CPUs a call uses; fractions are allowed.")
    num_gpus: float = setting(0.0, ge=0, le=10_000, help="GPUs a call uses; fractions are allowed.")
    memory_gb: float | None = setting(
        None, gt=0, le=100_000, unit="GB", help="Memory an item may add; more skips the item."
    )
    limit_s: float | None = setting(
        None, gt=0, le=10_000_000, unit="s", help="Time an item may take; more skips the item."
    )
    num_workers: int = setting(1, ge=1, le=1000, help="Processes that share one training.")


@dataclass(frozen=True, config=SETTINGS)
class Keep:
    """How long `make prune` keeps what can be made again, or only tells of the past."""

    days: float = setting(
        30.0, ge=0, unit="days", help="Logs, and what no finished result needs, go after this."
    )
    runs_days: float | None = setting(
        None,
        ge=0,
        unit="days",
        help="This machine's records of runs in MLflow and Airflow go after this; never if empty.",
    )


@dataclass(frozen=True, config=SETTINGS)
class Profile:
    """One installation."""

    store_uri: str = setting("artifacts", help="Root of the artifact store, as fsspec knows it.")
    store_options: dict[str, str] = Field(default_factory=dict)
    readable: tuple[str, ...] = setting(
        (), help="Folders and prefixes (s3://bucket/archive) below which runs may read."
    )
    writable: tuple[str, ...] = setting((), help="Those below which exports may be written.")
    tracking_uri: str = setting("", help="MLflow server; nothing is tracked without one.")
    ray_address: str = setting("auto", help="Ray cluster; serial if empty.")
    ray_api: str = setting("http://127.0.0.1:8265", help="Jobs API of the Ray cluster.")
    serving_api: str = setting(
        "http://127.0.0.1:8501", help="Server of models, for releases; none if empty."
    )
    num_jobs: int = setting(1, ge=1, le=1000, help="Greatest number of groups a stage fans out to.")
    keep: Keep = Field(default_factory=Keep)
    default: StageResources = Field(default_factory=StageResources)
    stages: dict[str, StageResources] = Field(default_factory=dict)

    def resources(self, stage: str) -> StageResources:
        """What a stage gets: its own entry, else ``default``."""
        return self.stages.get(stage, self.default)

    def check_paths(self, config: Any, section: str = "") -> None:
        """Check that runs may use the paths that settings name.

        Args:
            config: A pipeline's settings, or one section of them.
            section: Name of that section.

        Raises:
            ConfigError: A path is odd, holds a login or lies outside of the roots; names its param.
        """
        roots = {"read": self.roots("readable"), "write": self.roots("writable")}
        for each in named_paths(config, section):
            refuse_login(each.param, each.place)
            roots[each.use].check(each.place, each.param, may_be_stored=each.may_be_stored)

    def roots(self, which: Literal["readable", "writable"]) -> Roots:
        """Where runs may read, or write; a relative path counts from the repository's root."""
        places = self.readable if which == "readable" else self.writable
        return Roots(tuple(_absolute(place, which) for place in places), which)

    def absolute_store_uri(self) -> str:
        """The store's URI; a relative path counts from the repository's root."""
        return _absolute(self.store_uri, "store_uri")


def _absolute(place: str, setting: str) -> str:
    """A URI as it is, a path from the root of the file system.

    Raises:
        ConfigError: It is empty, or begins with the home of a user whom nobody knows.
    """
    if "://" in place:
        return place
    if not place:
        raise ConfigError(f"{setting}: expected folders or URIs, got an empty text; take it out")
    return str(user_path(place, setting) if place.startswith("~") else ROOT / place)


def load_profile(name: str) -> Profile:
    """Load ``configs/profiles/<name>.yaml``, or the YAML file that a path names.

    Raises:
        ConfigError: The profile does not exist, or holds an unknown or wrong setting, or a secret.
    """
    path = Path(name) if name.endswith(".yaml") else _PROFILES / f"{name}.yaml"
    known = sorted(each.stem for each in _PROFILES.glob("*.yaml"))
    if path.parent == _PROFILES and path.stem not in known:
        raise ConfigError(
            f"there is no profile {quoted(name)}, there are: {', '.join(known)}; set {PROFILE} to "
            "one of them, or to the path of a YAML file"
        )
    profile = load_config(Profile, path)
    _refuse_secrets(profile)
    _refuse_odd_places(profile)
    _refuse_odd_addresses(profile)
    return profile


def _refuse_secrets(profile: Profile) -> None:
    for name in ("store_uri", "tracking_uri", "ray_api", "serving_api"):
        refuse_login(name, getattr(profile, name))
    if _SECRETS & set(profile.store_options):
        raise ConfigError(
            f"store_options: expected no secret, got one of {', '.join(sorted(_SECRETS))}; the "
            "store's credentials belong in the environment of Airflow and of the Ray nodes"
        )


def _refuse_odd_places(profile: Profile) -> None:
    """Refuse what would name another place than it seems to, or none."""
    profile.absolute_store_uri()
    for roots in (profile.roots("readable"), profile.roots("writable")):
        for place in roots.places:
            refuse_login(roots.setting, place)
            if "://" in place and not place.startswith(_ROOTS):
                raise ConfigError(
                    f"{roots.setting}: expected folders and prefixes of {', '.join(_ROOTS)}, got "
                    f"{place!r}; correct it"
                )


def _refuse_odd_addresses(profile: Profile) -> None:
    """Refuse what no client could reach: it would be tried for half an hour."""
    for name in ("tracking_uri", "ray_api", "serving_api"):
        address = getattr(profile, name)
        try:
            url = httpx.URL(address)
        except httpx.InvalidURL:
            url = httpx.URL()
        if address and not (url.scheme in ("http", "https") and url.host):
            raise ConfigError(f"{name}: expected http://host:port, or https://…, got {address!r}")


def dag_files(folder: Path) -> dict[str, Path]:
    """Return the files of a folder's pipelines by their names, sorted."""
    return {path.stem: path for path in sorted(folder.glob("[!_]*.py"))}


def config_path(dag_id: str) -> Path | None:
    """Return ``configs/<pipeline>.yaml``, or None if the pipeline has none."""
    path = ROOT / "configs" / f"{dag_id}.yaml"
    return path if path.exists() else None
