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
from operators.record.mlflow_api import PARENT_TAG
from operators.record.mlflow_tracker import MlflowTracker, open_run
from operators.record.model_registry import _mlflow_errors
from operators.record.registrations import registered_below
from operators.stage.context import open_context
from operators.stage.local import LocalRun
from operators.stage.plan import Plan
from tasks.bundle.arrays import write_golden
from tasks.bundle.folders import files_of, read_bundle, read_manifest, write_manifest
from tasks.bundle.making import Example, make_bundle
from tasks.bundle.manifest import Provenance
from tasks.bundle.replay import golden_of
from tasks.core.digests import file_digest
from tasks.core.errors import ArtifactError, ConfigError, DataError, TransientError
from tasks.core.models import ModelPackage
from tests.support.bundle.models import plain
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
    """Folder of bundles of a tiny network, of which some aren't as they should be."""
    folder = tmp_path_factory.mktemp("network")
    torch.manual_seed(0)
    layers = torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.ReLU()
    head = torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(4, 2)
    net = torch.nn.Sequential(*layers, *head).eval()
    inputs = torch.randn(5, 3, 8, 8)
    compared = torch.nn.Sequential(net, torch.nn.Softmax(dim=0)).eval()
    outputs = {
        name: each(inputs).detach().numpy() for name, each in (("net", net), ("c", compared))
    }
    made = make(folder / "bundle", net, inputs, outputs["net"])
    put(folder / "outputs", made, {}, outputs["net"] + np.eye(5, 2, dtype=np.float32) * 1e-3)
    for name, each, least in (("threes", net, 3), ("compared", compared, 1)):
        shapes = ({0: torch.export.Dim("batch", min=least)},)
        torch.export.save(
            torch.export.export(each, (inputs,), dynamic_shapes=shapes), folder / "model.pt2"
        )
        given = outputs["net" if each is net else "c"]
        put(folder / name, made, {"model.pt2": folder / "model.pt2"}, given)
    (folder / "genotype.json").write_text('{"normal": []}')
    write_answers(folder / "answers.npz", right_on(range(50)))
    return folder


def make(folder: Path, net: torch.nn.Module, inputs: torch.Tensor, outputs: Any) -> Path:
    """A bundle for PyTorch alone, and one in ONNX too beside it."""
    shapes = ({0: torch.export.Dim("batch", min=1)},)
    program = torch.export.export(net, (inputs,), dynamic_shapes=shapes)
    example = Example({"input": inputs.numpy()}, {"logits": outputs}, 1e-5)
    use = {"classes": ["a", "b"]}
    make_bundle(folder, "cells", program, {"predict": example}, use=use, with_onnx=False)
    both = folder.with_name("both")
    make_bundle(both, "cells", program, {"predict": example}, use=use)
    return folder


def put(folder: Path, made: Path, files: dict[str, Path], outputs: Any) -> None:
    """Write what is no bundle that anybody makes: it does not answer as it says."""
    bundle = read_manifest(Path(shutil.copytree(made, folder)))
    for name, path in files.items():
        shutil.copyfile(path, folder / name)
    told = bundle.signatures["predict"]
    inputs, _ = golden_of(made, told)
    write_golden(folder / told.golden, inputs, {"logits": outputs})
    write_manifest(folder, bundle.model_copy(update={"files": files_of(folder)}))


@pytest.fixture
def package(network: Path) -> ModelPackage:
    return package_in(
        network,
        name=f"cells-{uuid.uuid4().hex}",
        test_key="a" * 64,
        files={"genotype.json": network / "genotype.json"},
        tags={"genotype": "abc"},
    )


def measured(package: ModelPackage, accuracy: float, **changes: Any) -> ModelPackage:
    return replace(package, metrics={"accuracy": accuracy, "loss": 1.0}, **changes)


def golden(package: ModelPackage) -> tuple[Any, Any]:
    """The one input and the one output."""
    inputs, outputs = golden_of(package.bundle, read_manifest(package.bundle).signatures["predict"])
    return inputs["input"], outputs["logits"]


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
    assert file_digest(folder / "data/network/model.pt2") == file_digest(
        package.bundle / "model.pt2"
    )
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
    shutil.copyfile(package.bundle / "model.pt2", folder / "network/model.pt2")
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
        ("outputs", r"items all at once: expected logits within 1e-05, got a difference of 0\.001"),
        ("threes", r"items each alone: .* does not run on .*; export it on the CPU with dynamic"),
        ("compared", r"of 0\.\d+: export the network that made it, .* each item by itself"),
    ],
)
def test_a_network_that_does_not_give_its_golden_outputs_is_no_champion(
    client: Any,
    tracker: MlflowTracker,
    package: ModelPackage,
    network: Path,
    name: str,
    message: str,
) -> None:
    tracker.models.register(package)
    wrong = measured(package, 0.9, bundle=network / name)
    for _ in range(2):
        with pytest.raises(DataError, match=f"version 2; the alias champion was .*{message}"):
            tracker.models.register(wrong)
    assert champion(client, package) == 1


def test_nothing_is_registered_of_a_bundle_that_is_none(
    client: Any, tracker: MlflowTracker, package: ModelPackage, tmp_path: Path
) -> None:
    spoilt = Path(shutil.copytree(package.bundle, tmp_path / "spoilt"))
    (spoilt / "model.pt2").write_bytes(b"other")
    with pytest.raises(DataError, match=r"model\.pt2 is not what bundle\.json says"):
        tracker.models.register(replace(package, bundle=spoilt))
    assert not client.search_registered_models(f"name = '{package.name}'")


def test_a_bundle_is_fetched_as_it_was_registered(
    client: Any, tracker: MlflowTracker, package: ModelPackage, network: Path, tmp_path: Path
) -> None:
    both = replace(package, bundle=network / "both")
    tracker.models.register(both)
    for version in (1, "champion"):
        found = tracker.models.fetch(package.name, version, tmp_path / str(version))
        assert (found.name, found.version) == (package.name, 1)
        bundle = read_bundle(found.bundle)
        provenance = bundle.provenance
        assert (provenance.run, provenance.stage_key) == (tracker.run.run_id, "k")
        assert bundle.model_copy(update={"provenance": Provenance()}) == read_bundle(both.bundle)
        assert [*bundle.networks] == ["onnx", "torch"]
    for version in (7, "candidate"):
        with pytest.raises(ConfigError, match=f"did not give model {package.name}"):
            tracker.models.fetch(package.name, version, tmp_path / "none")
    tag = client.get_model_version(package.name, "1").tags["orrery.bundle"]
    client.set_model_version_tag(package.name, "1", "orrery.bundle", "0" * 64)
    with pytest.raises(DataError, match=r"its bundle\.json is not the one that was registered"):
        tracker.models.fetch(package.name, 1, tmp_path / "none")
    client.set_model_version_tag(package.name, "1", "orrery.bundle", tag)
    client.delete_model_version_tag(package.name, "1", "orrery.bundle")
    with pytest.raises(DataError, match="has no bundle: an earlier release registered it"):
        tracker.models.fetch(package.name, 1, tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_the_run_says_what_it_registered(
    uri: str, tracker: MlflowTracker, package: ModelPackage
) -> None:
    tracker.models.register(package)
    parent = tracker.run.tags[PARENT_TAG]
    told = {"name": package.name, "version": 1, "is_champion": True}
    assert registered_below(uri, parent, "k") == [told]
    assert registered_below(uri, parent, "other") == []


def test_a_network_that_mlflow_s_users_can_not_ask_is_told(
    tracker: MlflowTracker, package: ModelPackage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain(tmp_path, monkeypatch)
    with pytest.raises(DataError, match=r"a network in model\.pt2 or model\.onnx, as MLflow's"):
        tracker.models.register(replace(package, bundle=tmp_path))


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
            kind,
            match=f"MLflow at http://mlflow did not register net, files were refused: {status}",
        ),
        _mlflow_errors("http://mlflow", "did not register net"),
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
