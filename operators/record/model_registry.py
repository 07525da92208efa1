"""Networks in MLflow's registry: the one door to the MLflow package, loaded on first use only.

A package becomes a logged model of the stage's run, that a version of the registered model, and
the version perhaps the champion. Each step looks for what an earlier try left, by the package's
digest, so that a try that was killed anywhere is taken up and nothing is doubled. The network
is kept byte for byte as it was exported, in the format ("pt2") that MLflow's pytorch flavour
writes by default and loads without unpickling code; `orrery_network`, which lies beside it, asks
it by names. How it is used is the model's metadata.

Two registrations of one name at the same moment are not told apart: the later one's decision on
the champion stands.
"""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from operators import access
from operators.owners import owner
from operators.record.champions import CHAMPION, EXTRA_FILES, METRIC_TAG, TEST_TAG, compete
from operators.record.mlflow_api import MlflowApi, Run, now_ms
from operators.record.programs import Golden, Tensor, read_golden
from tasks.core.errors import ConfigError, DataError, ResourceError, TransientError
from tasks.core.models import ModelPackage, RegisteredModel

PACKAGE_TAG = "orrery.package"
_VALUE_TAG = "orrery.value"
_LOADER = Path(__file__).with_name("orrery_network.py")
_OUR_FAULT = {"INVALID_PARAMETER_VALUE", "BAD_REQUEST", "PERMISSION_DENIED", "UNAUTHENTICATED"}
_SERVER_S_FAULT = 500


class MlflowModels:
    """A `tasks.core.models.ModelRegistry` on an MLflow server."""

    def __init__(self, tracking_uri: str, run: Run) -> None:
        """Register models below a run; nothing is loaded or sent yet."""
        self._uri = tracking_uri
        self._run = run

    def register(self, package: ModelPackage) -> RegisteredModel:
        """Register a network; see `tasks.core.models.ModelRegistry`."""
        golden = read_golden(package)
        with _mlflow_errors(self._uri, package.name):
            from mlflow import MlflowClient

            client = MlflowClient(self._uri)
            version = self._version(client, package, golden)
            _check(version, package, golden)
            is_champion, reason = compete(client, version, package)
        return RegisteredModel(
            name=package.name, version=version, is_champion=is_champion, reason=reason
        )

    def read_run_file(self, run_id: str, name: str) -> bytes:
        """Return a file of an earlier run."""
        with MlflowApi(self._uri) as api:
            return api.download(run_id, name)

    def _version(self, client: Any, package: ModelPackage, golden: Golden) -> int:
        """Find the package's version, or make it."""
        clause = f"name = '{package.name}' and tags.`{PACKAGE_TAG}` = '{package.digest}'"
        found = [int(each.version) for each in client.search_model_versions(clause)]
        if found:
            return min(found)
        if not client.search_registered_models(f"name = '{package.name}'"):
            client.create_registered_model(package.name)
        model = self._logged_model(client, package, golden)
        tags = {
            **package.tags,
            PACKAGE_TAG: package.digest,
            METRIC_TAG: package.metric,
            _VALUE_TAG: repr(float(package.metrics[package.metric])),
            TEST_TAG: package.test_key,
        }
        source, run_id = f"models:/{model.model_id}", model.source_run_id
        made = client.create_model_version(
            package.name, source, run_id, tags=tags, model_id=model.model_id
        )
        return int(made.version)

    def _logged_model(self, client: Any, package: ModelPackage, golden: Golden) -> Any:
        """Find the package among the experiment's logged models, or log it; then it is whole."""
        from mlflow.entities import LoggedModelOutput, LoggedModelStatus, Metric

        experiment, run_id = self._run.experiment_id, self._run.run_id
        clause = f"tags.`{PACKAGE_TAG}` = '{package.digest}'"
        found = client.search_logged_models([experiment], filter_string=clause)
        tags = {**package.tags, PACKAGE_TAG: package.digest}
        model = (
            found[0]
            if found
            else client.create_logged_model(experiment, package.name, run_id, tags=tags)
        )
        if model.status == LoggedModelStatus.READY:
            return model
        with tempfile.TemporaryDirectory(prefix=f"orrery-model-{owner()}-") as folder:
            _write(package, golden, model, Path(folder) / "model")
            client.log_model_artifacts(model.model_id, f"{folder}/model")
        metrics = [
            Metric(name, value, now_ms(), 0, model_id=model.model_id, run_id=run_id)
            for name, value in package.metrics.items()
        ]
        client.log_batch(run_id, metrics=metrics)
        outputs = client.get_run(run_id).outputs
        if model.model_id not in [each.model_id for each in outputs.model_outputs]:
            client.log_outputs(run_id, [LoggedModelOutput(model.model_id, step=0)])
        return client.finalize_logged_model(model.model_id, LoggedModelStatus.READY)


def _check(version: int, package: ModelPackage, golden: Golden) -> None:
    """Load a version back and compare its golden outputs, all at once and the first item alone.

    Raises:
        DataError: They differ, or the network does not run.
    """
    from mlflow import artifacts, pyfunc

    where = f"{package.name} version {version}"
    with tempfile.TemporaryDirectory(prefix=f"orrery-model-{owner()}-") as folder, _own_path():
        uri = f"models:/{package.name}/{version}"
        path = artifacts.download_artifacts(uri, dst_path=folder)
        for part, told in ((golden, "all"), (golden.first(1), "the first alone")):
            try:
                outputs = pyfunc.load_model(path).predict(dict(part.inputs))
            except Exception as error:
                raise DataError(
                    f"{where} does not run on its golden inputs, {told}: export it on the CPU with "
                    f"dynamic axes that begin at 1 ({type(error).__name__}: {error})"
                ) from error
            for name, expected in part.outputs.items():
                whose = f"{where}: golden output {name}"
                _compare(outputs[name], expected, package.tolerance, whose)


@contextmanager
def _own_path() -> Iterator[None]:
    """Look for modules where they were looked for before; MLflow adds the folder of a model.

    That would come first for good, and anybody could make it again once it is gone.
    """
    before = [*sys.path]
    try:
        yield
    finally:
        sys.path[:] = before


def _compare(outputs: Any, expected: Any, tolerance: float, where: str) -> None:
    if outputs.shape != expected.shape or outputs.dtype != expected.dtype:
        raise DataError(
            f"{where}: expected {expected.dtype} of shape {expected.shape}, got {outputs.dtype} of "
            f"shape {outputs.shape}"
        )
    is_other = outputs != expected
    pairs = (each[is_other].astype(np.float64) for each in (outputs, expected))
    difference = float(np.abs(np.subtract(*pairs)).max(initial=0.0))
    if not difference <= tolerance:
        raise DataError(
            f"{where}: expected it within {tolerance:g}, got a difference of {difference:g}: "
            "export the network that made it, in eval mode, which answers each item by itself; the "
            f"alias {CHAMPION} was not moved"
        )


def _write(package: ModelPackage, golden: Golden, model: Any, folder: Path) -> None:
    """Write an MLflow model of the pytorch flavour, with its files in ``extra_files``."""
    import torch
    from mlflow import pyfunc
    from mlflow.models import Model, ModelSignature

    meta = Model(
        run_id=model.source_run_id,
        model_id=model.model_id,
        model_uuid=model.model_id,
        metadata=dict(package.use),
    )
    meta.add_flavor(
        "pytorch",
        model_data="data/network",
        pytorch_version=str(torch.__version__),
        code=None,
        extra_files=[{"path": f"{EXTRA_FILES}/{name}"} for name in package.all_files],
    )
    network = folder.with_name("network")
    network.mkdir()
    shutil.copyfile(package.model, network / "model.pt2")
    pyfunc.save_model(
        folder,
        loader_module=_LOADER.stem,
        code_paths=[str(_LOADER)],
        data_path=network,
        mlflow_model=meta,
        signature=ModelSignature(_schema(golden.takes), _schema(golden.gives)),
        input_example=dict(golden.first(2).inputs),
        pip_requirements=[
            f"{name}=={importlib.metadata.version(name)}" for name in ("torch", "numpy")
        ],
    )
    for name, path in package.all_files.items():
        (folder / EXTRA_FILES / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, folder / EXTRA_FILES / name)


def _schema(tensors: Sequence[Tensor]) -> Any:
    from mlflow.types import Schema, TensorSpec

    return Schema([TensorSpec(each.dtype, each.shape, each.name) for each in tensors])


@contextmanager
def _mlflow_errors(uri: str, name: str) -> Iterator[None]:
    """Load MLflow, without telemetry and progress bars, and translate what it raises.

    Raises:
        ConfigError: The server takes no such model, or not from us.
        ResourceError: The server's artifact root needs a package that is not installed.
        TransientError: The server can't be reached, or fails.
    """
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] = "false"
    own = os.environ.get(access.MLFLOW_BUNDLE)
    _, believed = access.bundle(mlflow=True)
    if believed and access.trust(mlflow=True):  # it reads fewer variables than we do
        os.environ[access.MLFLOW_BUNDLE] = believed
    import mlflow
    import requests
    from mlflow.exceptions import MlflowException

    mlflow.set_tracking_uri(uri)  # ``models:/…`` is looked up where the process tracks
    try:
        yield
    except MlflowException as error:
        kind = ConfigError if error.error_code in _OUR_FAULT else TransientError
        raise kind(f"MLflow at {uri} did not register model {name}: {error}") from error
    except requests.RequestException as error:  # MLflow's client hands on those of files
        is_refused = error.response is not None and error.response.status_code < _SERVER_S_FAULT
        kind = ConfigError if is_refused else TransientError
        raise kind(f"MLflow at {uri} did not take the files of {name}: {error}") from error
    except ModuleNotFoundError as error:
        raise ResourceError(
            f"model {name} can't be kept at the artifact root of MLflow at {uri}: {error}; install "
            "the package, or let the server serve its artifacts (mlflow-artifacts:)"
        ) from error
    finally:
        if own is None:  # later calls believe what they are told then
            os.environ.pop(access.MLFLOW_BUNDLE, None)
