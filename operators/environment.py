"""Names of the environment variables that an installation of Orrery sets."""

from __future__ import annotations

import os

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


def profile_name() -> str:
    """Name, or path, of the profile that this installation runs with."""
    return os.environ.get(PROFILE, "laptop")
