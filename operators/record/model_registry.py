"""Networks in MLflow's registry: the one door to the MLflow package, loaded on first use only.

A package becomes a logged model of the stage's run, that a version of the registered model, and
the version perhaps the champion. Each step looks for what an earlier try left, by the package's
digest, so that a try that was killed anywhere is taken up and nothing is doubled. The version's
``data/network`` is the bundle, file for file; its program lies where MLflow's pytorch flavour looks
for one ("pt2"), and `orrery_network`, which lies beside it, asks it by names. How it is used is the
model's metadata.

Two registrations of one name at the same moment are not told apart: the later one's decision on
the champion stands.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from operators import access
from operators.owners import owner
from operators.record.champions import CHAMPION, EXTRA_FILES, METRIC_TAG, TEST_TAG, compete
from operators.record.headline import KEY_TAG
from operators.record.mlflow_api import REGISTERED_TAG, MlflowApi, Run, now_ms
from tasks.bundle.folders import gather, read_bundle, read_manifest, write_manifest
from tasks.bundle.making import GRAPH, PROGRAM
from tasks.bundle.manifest import Bundle, Signature, Tensor, greatest_difference
from tasks.bundle.replay import batch_of, golden_of, replay
from tasks.core.digests import file_digest
from tasks.core.errors import ConfigError, DataError, ResourceError, TransientError
from tasks.core.models import BUNDLE_FILE, FetchedModel, ModelPackage, RegisteredModel

PACKAGE_TAG, BUNDLE_TAG = "orrery.package", "orrery.bundle"
_VALUE_TAG = "orrery.value"
_LOADER = Path(__file__).with_name("orrery_network.py")
_OUR_FAULT = {
    *("INVALID_PARAMETER_VALUE", "BAD_REQUEST", "PERMISSION_DENIED", "UNAUTHENTICATED"),
    "RESOURCE_DOES_NOT_EXIST",
}
_SERVER_S_FAULT = 500


class MlflowModels:
    """A `tasks.core.models.ModelRegistry` on an MLflow server."""

    def __init__(self, tracking_uri: str, run: Run) -> None:
        """Register models below a run; nothing is loaded or sent yet."""
        self._uri = tracking_uri
        self._run = run

    def register(self, package: ModelPackage) -> RegisteredModel:
        """Register a network; see `tasks.core.models.ModelRegistry`.

        The run's tag says so, for `operators.record.registrations`.
        """
        bundle = read_bundle(package.bundle)
        _default(bundle)
        with _mlflow_errors(self._uri, f"did not register model {package.name}"):
            from mlflow import MlflowClient

            client = MlflowClient(self._uri)
            version = self._version(client, package, bundle)
            _check(client, version, package)
            is_champion, reason = compete(client, version, package)
            told = json.dumps({"version": version, "is_champion": is_champion})
            client.set_tag(self._run.run_id, REGISTERED_TAG + package.name, told)
        return RegisteredModel(
            name=package.name, version=version, is_champion=is_champion, reason=reason
        )

    def fetch(self, name: str, version: int | str, folder: Path) -> FetchedModel:
        """Fetch a version's bundle; see `tasks.core.models.ModelRegistry`."""
        return fetch(self._uri, name, version, folder)

    def read_run_file(self, run_id: str, name: str) -> bytes:
        """Return a file of an earlier run."""
        with MlflowApi(self._uri) as api:
            return api.download(run_id, name)

    def _version(self, client: Any, package: ModelPackage, bundle: Bundle) -> int:
        """Find the package's version, or make it."""
        clause = f"name = '{package.name}' and tags.`{PACKAGE_TAG}` = '{package.digest}'"
        found = [int(each.version) for each in client.search_model_versions(clause)]
        if found:
            return min(found)
        if not client.search_registered_models(f"name = '{package.name}'"):
            client.create_registered_model(package.name)
        model = self._logged_model(client, package, bundle)
        tags = {
            **package.tags,
            PACKAGE_TAG: package.digest,
            BUNDLE_TAG: model.tags[BUNDLE_TAG],
            METRIC_TAG: package.metric,
            _VALUE_TAG: repr(float(package.metrics[package.metric])),
            TEST_TAG: package.test_key,
        }
        source, run_id = f"models:/{model.model_id}", model.source_run_id
        made = client.create_model_version(
            package.name, source, run_id, tags=tags, model_id=model.model_id
        )
        return int(made.version)

    def _logged_model(self, client: Any, package: ModelPackage, bundle: Bundle) -> Any:
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
            network = Path(folder) / "network"
            _place(client.get_run(model.source_run_id), package, bundle, network)
            _write(package, bundle, model, network, Path(folder) / "model")
            client.log_model_artifacts(model.model_id, f"{folder}/model")
            client.set_logged_model_tags(
                model.model_id, {BUNDLE_TAG: file_digest(network / BUNDLE_FILE)}
            )
        metrics = [
            Metric(name, value, now_ms(), 0, model_id=model.model_id, run_id=run_id)
            for name, value in package.metrics.items()
        ]
        client.log_batch(run_id, metrics=metrics)
        outputs = client.get_run(run_id).outputs
        if model.model_id not in [each.model_id for each in outputs.model_outputs]:
            client.log_outputs(run_id, [LoggedModelOutput(model.model_id, step=0)])
        return client.finalize_logged_model(model.model_id, LoggedModelStatus.READY)


def fetch(tracking_uri: str, name: str, version: int | str, folder: Path) -> FetchedModel:
    """Fetch a version's bundle, without a run; see `tasks.core.models.ModelRegistry`."""
    with _mlflow_errors(tracking_uri, f"did not give model {name}"):
        from mlflow import MlflowClient

        client = MlflowClient(tracking_uri)
        found = (
            client.get_model_version(name, str(version))
            if isinstance(version, int)
            else client.get_model_version_by_alias(name, version)
        )
        _fetch(found, folder)
    return FetchedModel(name, int(found.version), folder)


def _check(client: Any, version: int, package: ModelPackage) -> None:
    """Fetch a version back, replay its golden outputs, and ask it as MLflow's users do.

    Raises:
        DataError: They differ, or a network does not run.
    """
    where = f"{package.name} version {version}; the alias {CHAMPION} was not moved"
    with tempfile.TemporaryDirectory(prefix=f"orrery-model-{owner()}-") as folder, _own_path():
        fetched = Path(folder) / "network"
        _fetch(client.get_model_version(package.name, str(version)), fetched)
        try:
            replay(fetched, read_manifest(fetched))
            _ask(f"models:/{package.name}/{version}", fetched, folder)
        except DataError as error:
            raise DataError(f"{where}: {error}") from error


def _ask(uri: str, fetched: Path, folder: str) -> None:
    """Compare what MLflow's loader gives with the golden outputs."""
    from mlflow import pyfunc

    bundle = read_manifest(fetched)
    signature = _default(bundle)
    inputs, outputs = golden_of(fetched, signature)
    try:
        found = pyfunc.load_model(uri, dst_path=folder).predict(dict(inputs))
    except Exception as error:
        raise DataError(
            f"MLflow can't ask it ({type(error).__name__}: {error}); export it again"
        ) from error
    for name, expected in outputs.items():
        difference = greatest_difference(found[name], expected)
        if not difference <= signature.tolerance:
            raise DataError(f"asked by MLflow, {name} differs by {difference:g}; export it again")


def _fetch(version: Any, folder: Path) -> None:
    """Download a version's bundle, and compare it with what the version says of it.

    Its `bundle.json` comes first, and then the files alone that this names.

    Raises:
        DataError: It has none, or another one.
    """
    from mlflow import artifacts

    where = f"{version.name} version {version.version}"
    uri = f"models:/{version.name}/{version.version}/data/network"
    if BUNDLE_TAG not in version.tags:
        raise DataError(f"{where} has no bundle: an earlier release registered it; do so again")
    with tempfile.TemporaryDirectory(prefix=f"orrery-model-{owner()}-") as place:
        told = Path(artifacts.download_artifacts(f"{uri}/{BUNDLE_FILE}", dst_path=place))
        if file_digest(told) != version.tags[BUNDLE_TAG]:
            raise DataError(
                f"{where}: its {BUNDLE_FILE} is not the one that was registered; register it again"
            )
        files = {BUNDLE_FILE: told}
        for name in read_manifest(told.parent).files:
            target = Path(place, "files", name).parent
            target.mkdir(parents=True, exist_ok=True)
            files[name] = Path(artifacts.download_artifacts(f"{uri}/{name}", dst_path=str(target)))
        gather(files, folder)


def _default(bundle: Bundle) -> Signature:
    """The signature that a version shows in MLflow.

    Raises:
        DataError: What MLflow's users have can't ask it.
    """
    signature = next(iter(bundle.signatures.values()))
    if signature.before or signature.after or not {PROGRAM, GRAPH} & set(bundle.files):
        raise DataError(
            f"model {bundle.name}: expected a first signature without steps, and a network in "
            f"{PROGRAM} or {GRAPH}, as MLflow's users need them"
        )
    return signature


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


def _place(run: Any, package: ModelPackage, bundle: Bundle, folder: Path) -> None:
    """Copy a bundle, which then names the run that registers it."""
    gather({name: package.bundle / name for name in (*bundle.files, BUNDLE_FILE)}, folder)
    made = {"run": run.info.run_id, "stage_key": run.data.tags.get(KEY_TAG, "")}
    provenance = bundle.provenance.model_copy(update=made)
    write_manifest(folder, bundle.model_copy(update={"provenance": provenance}))


def _write(package: ModelPackage, bundle: Bundle, model: Any, network: Path, folder: Path) -> None:
    """Write an MLflow model around a bundle, with the other files in ``extra_files``."""
    from mlflow import pyfunc
    from mlflow.models import Model, ModelSignature

    meta = Model(
        run_id=model.source_run_id,
        model_id=model.model_id,
        model_uuid=model.model_id,
        metadata=dict(bundle.use),
    )
    has_program = PROGRAM in bundle.files
    if has_program:
        meta.add_flavor(
            "pytorch",
            model_data="data/network",
            pytorch_version=importlib.metadata.version("torch"),
            code=None,
            extra_files=[{"path": f"{EXTRA_FILES}/{name}"} for name in package.all_files],
        )
    signature = _default(bundle)
    inputs, _ = golden_of(network, signature)
    pyfunc.save_model(
        folder,
        loader_module=_LOADER.stem,
        code_paths=[str(_LOADER)],
        data_path=network,
        mlflow_model=meta,
        signature=ModelSignature(_schema(signature.inputs), _schema(signature.outputs)),
        input_example=dict(batch_of(signature, inputs, 2)),
        pip_requirements=[
            f"{name}=={importlib.metadata.version(name)}"
            for name in ("torch" if has_program else "onnxruntime", "numpy")
        ],
    )
    for name, path in package.all_files.items():
        (folder / EXTRA_FILES / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, folder / EXTRA_FILES / name)


def _schema(tensors: Sequence[Tensor]) -> Any:
    from mlflow.types import Schema, TensorSpec

    return Schema([TensorSpec(each.numpy_dtype, each.sizes, each.name) for each in tensors])


@contextmanager
def _mlflow_errors(uri: str, what: str) -> Iterator[None]:
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
        raise kind(f"MLflow at {uri} {what}: {error}") from error
    except requests.RequestException as error:  # MLflow's client hands on those of files
        is_refused = error.response is not None and error.response.status_code < _SERVER_S_FAULT
        kind = ConfigError if is_refused else TransientError
        raise kind(f"MLflow at {uri} {what}, files were refused: {error}") from error
    except ModuleNotFoundError as error:
        raise ResourceError(
            f"MLflow at {uri} {what}, its artifact root can't be used: {error}; install the "
            "package, or let the server serve its artifacts (mlflow-artifacts:)"
        ) from error
    finally:
        if own is None:  # later calls believe what they are told then
            os.environ.pop(access.MLFLOW_BUNDLE, None)
