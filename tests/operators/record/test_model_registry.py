"""Networks in the registry of a real MLflow server, read back with MLflow's own client."""

from __future__ import annotations

import gc
import json
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import certifi
import numpy as np
import pytest
import requests
import torch

from operators import access
from operators.compute.serial import SerialExecutor
from operators.installation import ROOT
from operators.processes.ports import free_ports
from operators.record.mlflow_tracker import MlflowTracker, open_run
from operators.record.model_registry import _mlflow_errors
from operators.stage.context import open_context
from operators.stage.local import LocalRun
from operators.stage.plan import Plan
from tasks.core.digests import file_digest
from tasks.core.errors import ArtifactError, ConfigError, DataError, TransientError
from tasks.core.models import ModelPackage
from tests.support.kernel.model_packages import package_in, right_on, write_answers
from tests.support.kernel.sample_stages import ListConfig, list_numbers

pytestmark = [
    pytest.mark.integration,
    # MLflow's own client leaves its connections to the garbage collector.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
STEPS = (
    "create_registered_model",
    "create_logged_model",
    "log_model_artifacts",
    "finalize_logged_model",
    "create_model_version",
    "set_registered_model_alias",
)


@pytest.fixture(autouse=True)
def connections_end_with_their_test() -> Iterator[None]:
    """While the warnings of MLflow's client are still ignored."""
    yield
    gc.collect()


@pytest.fixture
def tracker(uri: str) -> MlflowTracker:
    """The run of a stage."""
    tags = {"airflow.dag_id": "sample", "airflow.run_id": str(uuid.uuid4())}
    parent = open_run(uri, "sample", "run", tags)
    return MlflowTracker.start(uri, parent.run_id, "sample.retrain", {"key": "k"})


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a tiny network with its golden inputs and outputs."""
    folder = tmp_path_factory.mktemp("network")
    torch.manual_seed(0)
    layers = torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.ReLU()
    head = torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(4, 2)
    net = torch.nn.Sequential(*layers, *head).eval()
    inputs = torch.randn(5, 3, 8, 8)
    compared = torch.nn.Sequential(net, torch.nn.Softmax(dim=0)).eval()
    for name, made, least in (("model", net, 1), ("threes", net, 3), ("compared", compared, 1)):
        shapes = ({0: torch.export.Dim("batch", min=least)},)
        exported = torch.export.export(made, (inputs,), dynamic_shapes=shapes)
        torch.export.save(exported, folder / f"{name}.pt2")
    np.savez(folder / "inputs.npz", input=inputs.numpy())
    np.savez(folder / "outputs.npz", logits=net(inputs).detach().numpy())
    (folder / "genotype.json").write_text('{"normal": []}')
    write_answers(folder / "answers.npz", right_on(range(50)))
    return folder


@pytest.fixture
def package(network: Path) -> ModelPackage:
    return package_in(
        network,
        name=f"cells-{uuid.uuid4().hex}",
        tolerance=1e-5,
        test_key="a" * 64,
        use={"classes": ["a", "b"]},
        files={"genotype.json": network / "genotype.json"},
        tags={"genotype": "abc"},
    )


def measured(package: ModelPackage, accuracy: float, **changes: Any) -> ModelPackage:
    return replace(package, metrics={"accuracy": accuracy, "loss": 1.0}, **changes)


def golden(package: ModelPackage) -> tuple[Any, Any]:
    """The one input and the one output."""
    return np.load(package.golden_inputs)["input"], np.load(package.golden_outputs)["logits"]


def forms(schema: Any) -> list[tuple[str, str, tuple[int, ...]]]:
    return [(each.name, each.type.name, each.shape) for each in schema.inputs]


def champion(client: Any, package: ModelPackage) -> int:
    return int(client.get_model_version_by_alias(package.name, "champion").version)


def test_a_network_is_registered_with_all_that_belongs_to_it(
    client: Any,
    tracker: MlflowTracker,
    package: ModelPackage,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as patch:
        patch.delenv(access.MLFLOW_BUNDLE, raising=False)
        patch.setenv("REQUESTS_CA_BUNDLE", certifi.where())
        done = tracker.models.register(package)
        assert access.bundle(mlflow=True)[0] == "REQUESTS_CA_BUNDLE", "as before"
    assert (done.name, done.version, done.is_champion) == (package.name, 1, True)
    version = client.get_model_version(package.name, "1")
    assert version.run_id == tracker.run.run_id
    assert version.tags["genotype"] == "abc"
    assert champion(client, package) == 1
    (output,) = client.get_run(tracker.run.run_id).outputs.model_outputs
    logged = client.get_logged_model(output.model_id)
    assert {metric.key: metric.value for metric in logged.metrics} == package.metrics

    from mlflow import artifacts, pyfunc, pytorch

    folder = Path(artifacts.download_artifacts(f"models:/{package.name}/1", dst_path=str(tmp_path)))
    assert file_digest(folder / "data/network/model.pt2") == file_digest(package.model)
    for name, path in package.all_files.items():
        assert (folder / "extra_files" / name).read_bytes() == path.read_bytes()
    loaded = pyfunc.load_model(f"models:/{package.name}@champion")
    assert loaded.metadata.metadata == {"classes": ["a", "b"]}
    assert forms(loaded.metadata.signature.inputs) == [("input", "float32", (-1, 3, 8, 8))]
    assert forms(loaded.metadata.signature.outputs) == [("logits", "float32", (-1, 2))]
    inputs, outputs = golden(package)
    for example in (loaded.input_example, inputs[:2]):  # by name, or the one tensor by itself
        found = loaded.predict(example)
        assert found.keys() == {"logits"}
        np.testing.assert_allclose(found["logits"], outputs[:2], atol=1e-5)
    again = pytorch.load_model(str(folder))(torch.from_numpy(inputs)).detach().numpy()
    np.testing.assert_allclose(again, outputs, atol=1e-5)


def test_the_alias_goes_to_the_significantly_better_on_the_same_test(
    client: Any, tracker: MlflowTracker, package: ModelPackage, tmp_path: Path
) -> None:
    clearly = measured(
        package, 0.6, answers=write_answers(tmp_path / "answers.npz", right_on(range(60)))
    )
    told = [
        (done.version, done.is_champion, done.reason)
        for done in map(
            tracker.models.register,
            [
                package,
                measured(package, 0.51, tags={}),
                clearly,
                replace(clearly, test_key="b" * 64),
                package,
                clearly,
            ],
        )
    ]
    better = (
        "it is significantly better than version 1: of 100 items it has 60 right and that one 50; "
        "it alone is right on 10, that one alone on 0 (exact McNemar test, p = 0.002)"
    )
    assert told[0] == (1, True, "there was no champion")
    assert told[1][:2] == (2, False)
    assert told[1][2].startswith("it is not significantly better than version 1: of 100 items")
    assert told[2] == (3, True, better)
    assert told[3][:2] == (4, False)
    assert "they can't be compared; move the alias by hand" in told[3][2]
    assert told[4][:2] == (1, False)
    assert told[5] == (3, True, f"it is the champion: {better}")
    assert champion(client, package) == 3
    assert client.get_model_version(package.name, "3").tags["orrery.reason"] == better


def test_a_champion_without_answers_stays(
    client: Any, tracker: MlflowTracker, package: ModelPackage
) -> None:
    tracker.models.register(package)
    model = client.create_logged_model(tracker.run.experiment_id, package.name)
    made = client.create_model_version(
        package.name,
        f"models:/{model.model_id}",
        tags={"orrery.metric": package.metric, "orrery.test": package.test_key},
        model_id=model.model_id,
    )
    client.set_registered_model_alias(package.name, "champion", made.version)
    done = tracker.models.register(package)
    assert (done.version, done.is_champion) == (1, False)
    assert "version 2, the champion, has no answers (no file extra_files/answers.npz" in done.reason


def register_as_before(
    client: Any, tracker: MlflowTracker, package: ModelPackage, folder: Path
) -> None:
    """Make the champion what releases made whose models took and gave one tensor without a name."""
    from mlflow import pyfunc
    from mlflow.models import Model, infer_signature

    inputs, outputs = golden(package)
    model = client.create_logged_model(tracker.run.experiment_id, package.name)
    meta = Model(run_id=tracker.run.run_id, model_id=model.model_id, model_uuid=model.model_id)
    meta.add_flavor("pytorch", model_data="data/network", pytorch_version="2.14.1", code=None)
    (folder / "network").mkdir()
    shutil.copyfile(package.model, folder / "network/model.pt2")
    pyfunc.save_model(
        folder / "model",
        loader_module="mlflow.pytorch",
        data_path=folder / "network",
        mlflow_model=meta,
        signature=infer_signature(inputs, outputs),
        input_example=inputs[:2],
        pip_requirements=["torch"],
        model_config={"device": None},
    )
    (folder / "model/extra_files").mkdir()
    np.save(folder / "model/extra_files/golden_inputs.npy", inputs)
    np.save(folder / "model/extra_files/golden_outputs.npy", outputs)
    shutil.copyfile(package.answers, folder / "model/extra_files/answers.npz")
    client.log_model_artifacts(model.model_id, str(folder / "model"))
    client.finalize_logged_model(model.model_id, "READY")
    client.create_registered_model(package.name)
    tags = {"orrery.metric": package.metric, "orrery.test": package.test_key}
    tags["orrery.reason"] = "there was no champion"
    source = f"models:/{model.model_id}"
    client.create_model_version(package.name, source, tags=tags, model_id=model.model_id)
    client.set_registered_model_alias(package.name, "champion", "1")


def test_a_champion_without_names_is_compared_as_any_other(
    client: Any, tracker: MlflowTracker, package: ModelPackage, tmp_path: Path
) -> None:
    from mlflow import pyfunc

    register_as_before(client, tracker, package, tmp_path)
    same = tracker.models.register(package)
    assert (same.version, same.is_champion) == (2, False)
    assert "not significantly better than version 1: of 100 items it has 50 right" in same.reason
    answers = write_answers(tmp_path / "answers.npz", right_on(range(60)))
    better = tracker.models.register(measured(package, 0.6, answers=answers))
    assert (better.version, better.is_champion) == (3, True)
    inputs, outputs = golden(package)
    before = pyfunc.load_model(f"models:/{package.name}/1").predict(inputs)
    np.testing.assert_allclose(before, outputs, atol=1e-5)
    now = pyfunc.load_model(f"models:/{package.name}@champion").predict(inputs)
    np.testing.assert_allclose(now["logits"], outputs, atol=1e-5)


class Cut(BaseException):
    """Stands for a kill: nothing may catch it."""


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("is_done", [False, True])
def test_a_try_that_was_killed_is_taken_up(
    client: Any,
    tracker: MlflowTracker,
    package: ModelPackage,
    step: str,
    is_done: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = getattr(type(client), step)

    def cut(*args: Any, **kwargs: Any) -> None:
        if is_done:
            whole(*args, **kwargs)
        raise Cut

    with monkeypatch.context() as patch:
        patch.setattr(type(client), step, cut)
        with pytest.raises(Cut):
            tracker.models.register(package)
    done = tracker.models.register(package)
    assert (done.version, done.is_champion) == (1, True)
    assert len(client.search_model_versions(f"name = '{package.name}'")) == 1
    logged = client.search_logged_models(
        [tracker.run.experiment_id], filter_string=f"name = '{package.name}'"
    )
    assert [each.status for each in logged] == ["READY"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("outputs", r"version 2: golden output logits: expected it within 1e-05, got a difference"),
        ("threes", r"version 2 does not run on its golden inputs, the first alone: export it"),
        (
            "compared",
            r"of 0\.\d+: export the network that made it, .* each item by itself; the alias",
        ),
    ],
)
def test_a_network_that_does_not_give_its_golden_outputs_is_no_champion(
    client: Any,
    tracker: MlflowTracker,
    package: ModelPackage,
    network: Path,
    tmp_path: Path,
    name: str,
    message: str,
) -> None:
    tracker.models.register(package)
    outputs = golden(package)[1]
    np.savez(tmp_path / "outputs.npz", logits=outputs + np.eye(5, 2, dtype=np.float32) * 1e-3)
    softmax = np.exp(outputs) / np.exp(outputs).sum(axis=0)
    np.savez(tmp_path / "compared.npz", logits=softmax)
    changes = {
        "outputs": {"golden_outputs": tmp_path / "outputs.npz"},
        "threes": {"model": network / "threes.pt2"},
        "compared": {
            "model": network / "compared.pt2",
            "golden_outputs": tmp_path / "compared.npz",
        },
    }
    wrong = measured(package, 0.9, **changes[name])
    for _ in range(2):
        with pytest.raises(DataError, match=message):
            tracker.models.register(wrong)
    assert champion(client, package) == 1


def test_nothing_is_registered_where_golden_arrays_do_not_agree_with_the_program(
    client: Any, tracker: MlflowTracker, package: ModelPackage
) -> None:
    with pytest.raises(DataError, match=f"model {package.name}: expected golden inputs input, as"):
        tracker.models.register(replace(package, golden_inputs=package.golden_outputs))
    assert not client.search_registered_models(f"name = '{package.name}'")


def test_a_loaded_model_leaves_no_folder_to_look_for_modules_in(
    tracker: MlflowTracker, package: ModelPackage
) -> None:
    before = [*sys.path]
    tracker.models.register(package)
    assert sys.path == before


def test_a_stage_reaches_the_registry_and_files_of_earlier_runs(
    tracker: MlflowTracker, package: ModelPackage, tmp_path: Path
) -> None:
    tracker.log_json({"normal": [1]}, "cells/genotype 1.json")
    plan = Plan.of(LocalRun(tmp_path).request(list_numbers, config=ListConfig()))
    ctx = open_context(plan.on("cpu"), SerialExecutor(), tracker)
    assert ctx.models.register(package).version == 1
    run_id = tracker.run.run_id
    assert json.loads(ctx.models.read_run_file(run_id, "cells/genotype 1.json")) == {"normal": [1]}
    with pytest.raises(ArtifactError, match=rf"runs/{run_id}\S* has no file 'no.json'"):
        ctx.models.read_run_file(run_id, "no.json")
    with pytest.raises(ArtifactError, match="has no run 'nothing': check its id"):
        ctx.models.read_run_file("nothing", "genotype.json")


def test_servers_that_are_away_or_refuse_are_named(
    uri: str, tracker: MlflowTracker, package: ModelPackage, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigError, match=f"did not register model {package.name}"):
        tracker.models.register(replace(package, tags={"a key?": "x"}))
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    away = MlflowTracker(f"http://127.0.0.1:{free_ports(1)[0]}", tracker.run)
    with pytest.raises(TransientError, match=f"did not register model {package.name}"):
        away.models.register(package)


@pytest.mark.parametrize(("status", "kind"), [(503, TransientError), (413, ConfigError)])
def test_files_that_are_not_taken_are_told(status: int, kind: type[Exception]) -> None:
    response = requests.Response()
    response.status_code = status
    with (
        pytest.raises(
            kind, match=f"MLflow at http://mlflow did not take the files of net: {status}"
        ),
        _mlflow_errors("http://mlflow", "net"),
    ):
        response.raise_for_status()


def test_a_job_that_registers_nothing_does_not_load_mlflow() -> None:
    code = (
        "import sys, operators.stage.run\n"
        "from operators.record.mlflow_tracker import MlflowTracker\n"
        "MlflowTracker('http://127.0.0.1:1', None, scope='x').models\n"
        "sys.exit(bool({'mlflow', 'torch'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
