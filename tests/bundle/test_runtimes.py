"""Networks of any runtime are asked by signature, and answer what was asked."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from tasks.bundle import runtimes
from tasks.bundle.arrays import write_golden
from tasks.bundle.manifest import Bundle, Network, Tensor
from tasks.bundle.replay import golden_of
from tasks.bundle.runtimes import Servable
from tasks.core.errors import DataError
from tests.support.bundle.models import Mean, bundle_of, plain, signature
from tests.support.hostile.refusals import check_sentence

X = np.arange(8.0).reshape(2, 4)


@pytest.mark.parametrize("network", ["onnx", "torch", "int8"])
def test_every_form_answers_by_signature(made: tuple[Path, Bundle], network: str) -> None:
    folder, bundle = made
    servable = Servable(folder, bundle, network)
    inputs, outputs = golden_of(folder, bundle.signatures["classify"])
    found = servable.ask("classify", inputs)
    assert [*found] == ["scores"]
    np.testing.assert_allclose(found["scores"], outputs["scores"], atol=0.1)
    np.testing.assert_allclose(found["scores"].sum(axis=1), 1, atol=1e-5)
    assert [*servable.ask("predict", inputs)] == ["logits"]


@pytest.mark.parametrize(
    ("asked", "inputs", "told"),
    [
        ("execute", {"x": X}, "no signature 'execute'; it has predict"),
        ("predict", {}, "input: expected x, got"),
        ("predict", {"x": X, "y": X}, "input: expected x, got x, y"),
        ("predict", {"x": X.astype(np.float32)}, "input x: expected float64 .* got float32"),
        ("predict", {"x": X[:, :3]}, r"expected float64 of shape \(-1, 4\) .* shape \(2, 3\)"),
        ("predict", {"x": X[0]}, r"got float64 of shape \(4,\)"),
    ],
)
def test_what_does_not_fit_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: str, inputs: Any, told: str
) -> None:
    servable = Servable(tmp_path, plain(tmp_path, monkeypatch), "plain")
    np.testing.assert_allclose(servable.ask("predict", {"x": X})["y"], [3.0, 11.0])
    with pytest.raises(DataError, match=told) as caught:
        servable.ask(asked, inputs)
    check_sentence(str(caught.value), "model some: network plain")


def test_several_signatures_are_answered_by_one_pass(made: tuple[Path, Bundle]) -> None:
    folder, bundle = made
    servable, passes = Servable(folder, bundle, "onnx"), []
    answer = servable._answer
    servable._answer = lambda arrays: passes.append(1) or answer(arrays)  # type: ignore[func-returns-value]
    inputs, _ = golden_of(folder, bundle.signatures["predict"])
    found = servable.ask_together(("predict", "classify"), inputs)
    assert passes == [1]
    for name, outputs in found.items():
        for each, array in servable.ask(name, inputs).items():
            np.testing.assert_array_equal(outputs[each], array)


class Broken(Mean):
    def __call__(self, arrays: Any) -> Any:
        raise ZeroDivisionError("as it happens")


class Less(Mean):
    def __call__(self, arrays: Any) -> Any:
        return {"y": arrays["x"][:1, 0]}


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (Broken, r"network plain does not run on x \(2, 4\) \(ZeroDivisionError: as it happens\)"),
        (Less, "output y: expected a size of 2 for n, as elsewhere, got 1"),
    ],
)
def test_what_a_network_does_wrong_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: type, told: str
) -> None:
    servable = Servable(tmp_path, plain(tmp_path, monkeypatch, made), "plain")
    with pytest.raises(DataError, match=told):
        servable.ask("predict", {"x": X})


def test_a_class_is_given_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    servable = Servable(tmp_path, plain(tmp_path, monkeypatch), "plain")
    assert servable._answer.folder == tmp_path  # type: ignore[attr-defined]


@pytest.mark.hostile
@pytest.mark.parametrize(
    ("network", "told"),
    [
        ({"runtime": "cuda"}, "runtime of .*onnx, python, torch, got 'cuda'; install the package"),
        ({"target": "tasks.bundle.steps:shares"}, "expected a class, tasks.bundle.steps:shares is"),
        ({"target": "tasks.bundle.runtimes:Path"}, "it comes from elsewhere"),
        ({"target": "tasks.nowhere:Class"}, "No module named"),
        ({"runtime": "onnx", "file": "golden.safetensors"}, "is no ONNX graph"),
        ({"runtime": "torch", "file": "golden.safetensors"}, "that torch.export.save wrote"),
        ({"runtime": "torch"}, "that torch.export.save wrote"),
    ],
)
def test_what_can_not_be_opened_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, network: dict[str, Any], told: str
) -> None:
    bundle = plain(tmp_path, monkeypatch)
    usual = bundle.networks["plain"].model_dump()
    odd = bundle.model_copy(update={"networks": {"plain": Network(**usual | network)}})
    with pytest.raises(DataError, match=f"model some: network plain.*{told}"):
        Servable(tmp_path, odd, "plain")
    with pytest.raises(DataError, match="network other: expected one of plain"):
        Servable(tmp_path, bundle, "other")


def test_an_installed_package_adds_a_runtime(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def open_network(folder: Path, network: Network) -> Any:
        assert (folder, network.file) == (tmp_path, "golden.safetensors")
        return Mean(folder)

    def found(group: str) -> list[Any]:
        assert group == "orrery.runtimes"
        points = {"mine": open_network, "onnx": None}  # ours can't be replaced
        return [SimpleNamespace(name=n, load=lambda f=f: f) for n, f in points.items()]

    monkeypatch.setattr(runtimes, "entry_points", found)
    bundle = plain(tmp_path, monkeypatch)
    network = Network(runtime="mine", file="golden.safetensors", outputs=("y",))
    servable = Servable(tmp_path, bundle.model_copy(update={"networks": {"n": network}}), "n")
    np.testing.assert_allclose(servable.ask("predict", {"x": X})["y"], [3.0, 11.0])
    assert runtimes.runtimes()["onnx"] is runtimes._open_onnx


def test_text_goes_through_a_graph_as_bytes(tmp_path: Path) -> None:
    ends = [
        helper.make_tensor_value_info(name, TensorProto.STRING, ["n", 2]) for name in ("x", "y")
    ]
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "g", ends[:1], ends[1:])
    opset = [helper.make_opsetid("", 20)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=10), tmp_path / "g.onnx")
    words = np.array([[b"a", "é".encode()], [b"", b"c"]], object)
    write_golden(tmp_path / "golden.safetensors", {"x": words}, {"y": words})
    tensors = [Tensor(name=name, dtype="bytes", shape=("n", 2)) for name in ("x", "y")]
    told = signature(inputs=tensors[:1], outputs=tensors[1:])
    network = Network(runtime="onnx", file="g.onnx", outputs=("y",))
    bundle = bundle_of(tmp_path, {"predict": told}, {"onnx": network})
    found = Servable(tmp_path, bundle, "onnx").ask("predict", {"x": words})
    assert found["y"].tolist() == words.tolist()
