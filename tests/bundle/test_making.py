"""A program and examples make a bundle, or say what does not agree."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from torch import nn
from torch.export import Dim

from tasks.bundle.folders import read_bundle
from tasks.bundle.making import Example, Recurrence, make_bundle
from tasks.bundle.manifest import Bundle, Provenance, Region, Tensor
from tasks.bundle.runtimes import Servable
from tasks.core.errors import DataError
from tests.support.bundle import models
from tests.support.bundle.models import BATCH, LENGTH, Tags, exported, reader

DATA = "model.onnx.data"


class Grasps(nn.Module):
    """Two fixed pictures, any number of commands; the mean is no item's."""

    def forward(self, before: Any, now: Any, commands: Any) -> Any:
        seen = before.float().mean() - now.float().mean()
        scores = torch.sigmoid(commands.sum(dim=1) + seen)
        return scores, scores.double().mean()


class Named(nn.Module):
    """Items along the second axis of one input and the first of another; names of its own."""

    def forward(self, frames: Any, weights: Any) -> Any:
        return {"twice": torch.cat([frames, frames], dim=2), "sum": frames.sum(dim=0) * weights}


class Length(nn.Module):
    def forward(self, line: Any) -> Any:
        return line.mean(dim=1)


class Derived(nn.Module):
    def forward(self, x: Any) -> Any:
        return {"same": x, "twice": torch.cat([x, x])}


RNG = np.random.default_rng(0)
PICTURES = RNG.integers(0, 256, (2, 1, 4, 6, 3), np.uint8)
COMMANDS = RNG.normal(size=(7, 5)).astype(np.float32)
GRASPS = {"before": PICTURES[0], "now": PICTURES[1], "commands": COMMANDS}


def answered(network: nn.Module, inputs: Mapping[str, Any]) -> Any:
    with torch.no_grad():
        return network(*(torch.tensor(each) for each in inputs.values()))


def bundled(
    folder: Path,
    network: nn.Module,
    inputs: Mapping[str, Any],
    shapes: Any,
    outputs: Mapping[str, Any],
    program: Any = None,
    **more: Any,
) -> Bundle:
    """Make a bundle of one signature, for PyTorch alone."""
    example = tuple(torch.tensor(each) for each in inputs.values())
    program = program or exported(network, example, shapes)
    examples = {"predict": Example(inputs, outputs, 1e-5, **more)}
    return make_bundle(folder / "b", "some", program, examples, with_onnx=False)


def shapes_of(bundle: Bundle) -> dict[str, Any]:
    told = bundle.signatures["predict"]
    return {each.name: each.shape for each in (*told.inputs, *told.outputs)}


@pytest.fixture(scope="module")
def grasps() -> tuple[Any, dict[str, Any]]:
    """A program and its answers, in its order."""
    example = tuple(torch.tensor(each) for each in GRASPS.values())
    program = exported(Grasps(), example, (None, None, {0: Dim("n", min=1, max=64)}))
    scores, mean = answered(Grasps(), GRASPS)
    return program, {"scores": scores.numpy(), "mean": mean.numpy()}


def test_a_bundle_says_where_it_comes_from(made: tuple[Path, Bundle], tmp_path: Path) -> None:
    network = nn.Sequential(nn.Linear(2, 1)).eval()
    x = torch.randn(3, 2)
    origin = Provenance(maker="some.stage", data={"d": "0" * 64}, licences={"d": "CC0-1.0"})
    program = exported(network, (x,), ({0: BATCH},))
    example = Example({"input": x.numpy()}, {"y": network(x).detach().numpy()}, 1e-5)
    made_now = make_bundle(
        *(tmp_path / "b", "some", program, {"predict": example}),
        use={"input": "as it is"},
        provenance=origin,
        with_onnx=False,
    )
    assert read_bundle(tmp_path / "b") == made_now
    assert (made_now.provenance, made_now.use) == (origin, {"input": "as it is"})
    assert [*made_now.networks] == ["torch"]
    assert [*made[1].networks] == ["onnx", "torch", "int8"]
    sizes = [size for size, _ in made[1].networks["onnx"].curve]
    assert sizes == [1, 2, 4, 8, 16, 32, 64]


def test_a_program_says_names_types_and_dynamic_axes(grasps: Any, tmp_path: Path) -> None:
    program, outputs = grasps
    bundle = bundled(tmp_path, Grasps(), GRASPS, None, outputs, program)
    assert shapes_of(bundle) == {
        "before": (1, 4, 6, 3),
        "now": (1, 4, 6, 3),
        "commands": ("batch", 5),
        "scores": ("batch",),
        "mean": (),
    }
    assert bundle.signatures["predict"].batch == "batch"


def test_items_may_lie_along_any_axis(tmp_path: Path) -> None:
    frames = RNG.normal(size=(3, 4, 2)).astype(np.float32)
    weights = np.ones((4, 2), np.float32)
    count = Dim("n", min=1, max=9)
    inputs = {"frames": frames, "weights": weights}
    outputs = {name: each.numpy() for name, each in answered(Named(), inputs).items()}
    bundle = bundled(tmp_path, Named(), inputs, ({1: count}, {0: count}), outputs)
    assert shapes_of(bundle)["twice"] == (3, "batch", 4)


def test_what_follows_from_a_size_is_no_item(tmp_path: Path) -> None:
    x = RNG.normal(size=(3, 2)).astype(np.float32)
    outputs = {"same": x, "twice": np.concatenate([x, x])}
    bundle = bundled(tmp_path, Derived(), {"x": x}, ({0: Dim("n", min=1, max=9)},), outputs)
    assert bundle.signatures["predict"].batch is None
    assert shapes_of(bundle)["twice"] == ("2*x_0", 2)


def test_a_length_is_no_item(tmp_path: Path) -> None:
    line = np.ones((3, 4), np.float32)
    shapes = ({1: Dim("n", min=1, max=9)},)
    bundle = bundled(tmp_path, Length(), {"line": line}, shapes, {"y": line[:, 0]})
    assert bundle.signatures["predict"].batch is None
    assert shapes_of(bundle) == {"line": (3, "line_1"), "y": (3,)}
    assert bundle.networks["torch"].curve == ()


def test_texts_of_any_length_are_filled_up(tmp_path: Path) -> None:
    network = Tags().eval()
    words = RNG.integers(1, 9, (4, 3, 5))
    inputs = {"words": words, "weight": np.ones(1, np.float32)}
    outputs = {name: each.numpy() for name, each in answered(network, inputs).items()}
    shapes = ({0: BATCH, 1: LENGTH}, None)
    bundle = bundled(tmp_path, network, inputs, shapes, outputs, padding={"words_1": 0})
    assert shapes_of(bundle)["each"] == ("batch", "words_1", 3)


@pytest.mark.parametrize(
    ("part", "changes", "message"),
    [
        ("inputs", {"now": None}, "golden inputs before, now, commands, got before, commands$"),
        ("inputs", {"later": COMMANDS}, "got before, commands, later, now$"),
        ("inputs", {"now": PICTURES[0] / 255}, r"golden input now: expected uint8 of .* float64"),
        ("inputs", {"now": PICTURES[0][:, :3]}, r"\(1, 4, 6, 3\) .* got uint8 of .*3, 6, 3\)$"),
        ("inputs", {"commands": COMMANDS[0]}, r"commands: expected .* \(-1, 5\) .* \(5,\)$"),
        ("inputs", {"commands": COMMANDS[:2]}, "scores: expected a size of 2 for batch, .* got 7"),
        ("outputs", {"mean": None}, "golden outputs as .*, 2 in its order, got scores$"),
        ("outputs", {"scores": np.zeros(7, bool)}, "golden output scores: .* got bool of"),
        ("outputs", {"scores": np.zeros(3, np.float32)}, "scores: expected a size of 7 for batch"),
        ("outputs", {"scores": np.zeros(7, np.float32)}, "items all at once: expected scores with"),
    ],
)
def test_what_examples_say_otherwise_is_named(
    grasps: Any, tmp_path: Path, part: str, changes: dict[str, Any], message: str
) -> None:
    program, outputs = grasps
    given = {"inputs": GRASPS, "outputs": outputs}
    given[part] = {n: a for n, a in (given[part] | changes).items() if a is not None}
    with pytest.raises(DataError, match=f"(?s){message}"):
        bundled(tmp_path, Grasps(), given["inputs"], None, given["outputs"], program)
    assert not [*tmp_path.iterdir()]


def test_a_name_that_the_program_does_not_know_is_told(tmp_path: Path) -> None:
    x = np.zeros((3, 2), np.float32)
    shapes = ({0: Dim("n", min=1, max=9)},)
    with pytest.raises(DataError, match=r"outputs of same, twice, as its program .*, got z"):
        bundled(tmp_path, Derived(), {"x": x}, shapes, {"z": x})


def test_one_item_is_too_few(grasps: Any, tmp_path: Path) -> None:
    program, outputs = grasps
    few, one = {"commands": COMMANDS[:1]}, {"scores": outputs["scores"][:1]}
    with pytest.raises(DataError, match=r"two items or more, got one$"):
        bundled(tmp_path, Grasps(), GRASPS | few, None, outputs | one, program)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"method": "classify"}, "classify: expected one output of floats"),
        ({"padding": {"width": 0.0}}, "no input has the size 'width'"),
        ({"labels": ("a",)}, "labels are for classify"),
    ],
)
def test_what_the_records_refuse_is_told(
    grasps: Any, tmp_path: Path, more: dict[str, Any], message: str
) -> None:
    program, outputs = grasps
    with pytest.raises(DataError, match=f"model some: .*{message}.*; correct its examples"):
        bundled(tmp_path, Grasps(), GRASPS, None, outputs, program, **more)


def test_a_program_that_is_one_step_makes_a_bundle_of_whole_sequences(tmp_path: Path) -> None:
    bundle = reader(tmp_path / "b")
    assert bundle.schema_ == "orrery.bundle/2"
    assert shapes_of(bundle) == {
        "words": ("batch", "words_1"),
        "after": ("batch", 4),
        "tags": ("batch", "words_1", 2),
    }
    words = np.arange(14).reshape(2, 7) % 9
    onnx, torch_ = (
        Servable(tmp_path / "b", bundle, each).ask("predict", {"words": words})
        for each in ("onnx", "torch")
    )
    for name in ("after", "tags"):
        np.testing.assert_allclose(onnx[name], torch_[name], atol=1e-6)
    assert onnx["tags"].shape == (2, 7, 2)


def test_a_recurrence_names_what_the_program_has(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(models, "Recurrence", lambda **_: Recurrence(("words",), {"after": "h"}))
    with pytest.raises(DataError, match="names h, the program takes words, before"):
        reader(tmp_path / "b", with_onnx=False)


class Around(nn.Module):
    """Work that is by request, before and after what is worth a batch."""

    def forward(self, x: Any) -> Any:
        return {"y": torch.relu(x + 1).cumsum(dim=1) - x}


def test_a_region_lies_between_tensors_of_the_graph(tmp_path: Path) -> None:
    x = RNG.normal(size=(4, 3)).astype(np.float32)
    example = Example({"x": x}, {"y": np.cumsum(np.maximum(x + 1, 0), axis=1) - x}, 1e-5)
    program = exported(Around(), (torch.tensor(x),), ({0: BATCH},))
    make_bundle(tmp_path / "whole", "around", program, {"predict": example})
    graph = onnx.load(str(tmp_path / "whole" / "model.onnx")).graph
    names = {node.op_type: node.output[0] for node in graph.node}
    region = Region(
        inputs=(Tensor(name=names["Relu"], dtype="float32", shape=("n", 3)),),
        outputs=(Tensor(name=names["CumSum"], dtype="float32", shape=("n", 3)),),
        batch="n",
    )
    bundle = make_bundle(tmp_path / "b", "around", program, {"predict": example}, region=region)
    assert bundle.networks["onnx"].region == region
    assert bundle.networks["torch"].region is None
    servable = Servable(tmp_path / "b", bundle, "onnx")
    entered = servable.enter(("predict",), {"x": x})
    assert list(entered.arrays) == [names["Relu"]]
    found = servable.leave(("predict",), entered, servable.answer(entered.arrays))
    np.testing.assert_allclose(found["predict"]["y"], example.outputs["y"], atol=1e-6)


def test_large_weights_lie_beside_the_graph(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("tasks.bundle.graphs._MAX_INLINE_BYTES", 100)
    network, x = nn.Linear(64, 64).eval(), torch.ones(2, 64)
    program = exported(network, (x,), ({0: BATCH},))
    example = Example({"input": x.numpy()}, {"y": network(x).detach().numpy()}, 1e-4)
    bundle = make_bundle(tmp_path / "b", "large", program, {"predict": example}, int8_tolerance=1.0)
    assert bundle.files["model.onnx"].num_bytes < 4 * 64 * 64 <= bundle.files[DATA].num_bytes
    assert read_bundle(tmp_path / "b", network="onnx") == bundle
    with (tmp_path / "b" / DATA).open("r+b") as file:
        file.write(b"no")
    with pytest.raises(DataError, match=rf"{DATA} is not what"):
        read_bundle(tmp_path / "b", network="onnx")
