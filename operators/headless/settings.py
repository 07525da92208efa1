"""A run's params are checked before anything is started, without loading Airflow."""

from __future__ import annotations

import ast
import pkgutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from operators.installation import config_path, dag_files, load_profile
from tasks.core.errors import ConfigError
from tasks.core.outside.roots import quoted
from tasks.core.params import load_config


def dag_file(dags: Path, dag_id: str) -> Path:
    """Return the file of a pipeline.

    Raises:
        ConfigError: There is no such pipeline; names those that there are.
    """
    files = dag_files(dags)
    if dag_id not in files:
        raise ConfigError(f"there is no pipeline {quoted(dag_id)}, there are: {', '.join(files)}")
    return files[dag_id]


def check_settings(file: Path, conf: Mapping[str, Any], profile: str) -> None:
    """Check a run's params against the settings that a DAG file names, without loading Airflow.

    Args:
        file: The DAG file; it names the class of its settings as ``pipeline(…, config=Name)``, or
            ``config=module.Name``. What it makes itself is left to the run's first task.
        conf: The params.
        profile: Name or path of the profile.

    Raises:
        ConfigError: A param is unknown or wrong, or names a path that the profile does not allow,
            or there are no such settings.
    """
    for settings in _settings(file):
        config = load_config(settings, config_path(file.stem), conf)
        load_profile(profile).check_paths(config)


def _settings(file: Path) -> Iterator[Any]:
    """The settings' class that a DAG file imports."""
    try:
        tree = ast.parse(file.read_text("utf-8"), str(file))
    except (SyntaxError, ValueError) as error:  # what is no text counts among the latter
        raise ConfigError(f"{file} can't be read as a DAG file: {error}") from error
    imported = _imported(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("pipeline"):
            given = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
            module, dot, name = given.get("config", "").rpartition(".")
            known = imported.get(module or name)
            if known is None:
                continue
            try:
                yield pkgutil.resolve_name(f"{known}{dot}{name}" if dot else known)
            except (ImportError, AttributeError, ValueError) as error:
                raise ConfigError(f"{file}: its settings can't be found: {error}") from error


def _imported(tree: ast.Module) -> dict[str, str]:
    """Where each imported name of a file comes from: ``module``, or ``module.name``."""
    imported: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            imported |= {
                each.asname or each.name: f"{node.module}.{each.name}" for each in node.names
            }
        elif isinstance(node, ast.Import):
            imported |= {each.asname or each.name: each.name for each in node.names}
    return imported
