"""What programs take and give, and golden arrays that do not agree with them."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.export import Dim

from operators.record.programs import read_golden
from tasks.core.errors import DataError
from tasks.core.models import ModelPackage
from tests.support.hostile.arrays import npy
from tests.support.hostile.refusals import refused
from tests.support.kernel.model_packages import package_in


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


class Derived(nn.Module):
    def forward(self, x: Any) -> Any:
        return x, torch.cat([x, x])


class Length(nn.Module):
    def forward(self, line: Any) -> Any:
        return line.mean(dim=1)


def packed(
    folder: Path,
    network: nn.Module,
    inputs: Mapping[str, Any],
    shapes: Any,
    outputs: Mapping[str, Any],
) -> ModelPackage:
    example = tuple(torch.tensor(each) for each in inputs.values())
    program = torch.export.export(network.eval(), example, dynamic_shapes=shapes)
    torch.export.save(program, folder / "model.pt2")
    np.savez(folder / "inputs.npz", **inputs)
    np.savez(folder / "outputs.npz", **outputs)
    return package_in(folder, name="some")


RNG = np.random.default_rng(0)
PICTURES = RNG.integers(0, 256, (2, 1, 4, 6, 3), np.uint8)
COMMANDS = RNG.normal(size=(7, 5)).astype(np.float32)
GRASPS = {"before": PICTURES[0], "now": PICTURES[1], "commands": COMMANDS}
SCORES = {"scores": np.full(7, 0.5, np.float32), "mean": np.array(0.5)}
ANY = {0: Dim("n", min=1, max=64)}


@pytest.fixture(scope="module")
def grasps(tmp_path_factory: pytest.TempPathFactory) -> ModelPackage:
    folder = tmp_path_factory.mktemp("grasps")
    return packed(folder, Grasps(), GRASPS, (None, None, ANY), SCORES)


def test_a_program_says_names_types_and_dynamic_axes(grasps: ModelPackage) -> None:
    golden = read_golden(grasps)
    assert [(each.name, each.dtype.name, each.shape) for each in golden.takes] == [
        ("before", "uint8", (1, 4, 6, 3)),
        ("now", "uint8", (1, 4, 6, 3)),
        ("commands", "float32", (-1, 5)),
    ]
    assert [(each.name, each.dtype.name, each.shape) for each in golden.gives] == [
        ("scores", "float32", (-1,)),
        ("mean", "float64", ()),
    ]
    part = golden.first(2)
    assert part.inputs["before"].shape == (1, 4, 6, 3)
    np.testing.assert_array_equal(part.inputs["commands"], COMMANDS[:2])
    assert part.outputs.keys() == {"scores"}, "the mean is none of the first two"


def test_items_lie_along_any_axis_and_outputs_bear_their_own_names(tmp_path: Path) -> None:
    frames, weights = np.zeros((2, 3, 4)), np.zeros((3, 1))
    shapes = ({1: Dim("n"), 2: Dim("length")}, {0: Dim("n")})
    outputs = {"sum": np.zeros((3, 4)), "twice": np.zeros((2, 3, 8))}
    inputs = {"frames": frames, "weights": weights}
    golden = read_golden(packed(tmp_path, Named(), inputs, shapes, outputs))
    assert [(each.name, each.shape) for each in golden.gives] == [
        ("twice", (2, -1, -1)),
        ("sum", (-1, -1)),
    ]
    part = golden.first(1)
    assert {name: each.shape for name, each in part.inputs.items()} == {
        "frames": (2, 1, 4),
        "weights": (1, 1),
    }
    assert {name: each.shape for name, each in part.outputs.items()} == {
        "twice": (2, 1, 8),
        "sum": (1, 4),
    }


def test_sizes_that_count_no_items_are_not_cut(tmp_path: Path) -> None:
    line = np.zeros((3, 4), np.float32)
    length = packed(tmp_path, Length(), {"line": line}, ({1: Dim("n")},), {"y": line[:, 0]})
    assert read_golden(length).first(1).inputs["line"].shape == (3, 4)
    both = {"same": line, "twice": np.zeros((6, 4), np.float32)}
    derived = packed(tmp_path, Derived(), {"x": line}, ({0: Dim("n")},), both)
    assert read_golden(derived).first(1).inputs["x"].shape == (3, 4)


@pytest.mark.parametrize(
    ("part", "changes", "message"),
    [
        ("inputs", {"now": None}, "inputs before, now, commands, as .* got before, commands$"),
        ("inputs", {"later": COMMANDS}, "got before, now, commands, later$"),
        ("inputs", {"now": PICTURES[0] / 255}, r"golden input now: expected uint8 of .* float64"),
        ("inputs", {"now": PICTURES[0][:, :3]}, r"\(1, 4, 6, 3\), as .* got uint8 of .*3, 6, 3\)$"),
        ("inputs", {"commands": COMMANDS[0]}, r"commands: expected .* \(-1, 5\), .* \(5,\)$"),
        ("inputs", {"commands": COMMANDS[:1]}, "outpu.* size of 1 of axis 0, which .* got 7"),
        ("outputs", {"mean": None}, "golden outputs as .*, 2 in its order, got scores$"),
        ("outputs", {"scores": SCORES["scores"] > 0}, "golden output scores: .* got bool of"),
        ("outputs", {"scores": SCORES["scores"][:3]}, "scores: expected a size of 7 of axis 0"),
    ],
)
def test_what_golden_arrays_say_otherwise_is_named(
    grasps: ModelPackage, tmp_path: Path, part: str, changes: dict[str, Any], message: str
) -> None:
    arrays = (GRASPS if part == "inputs" else SCORES) | changes
    np.savez(tmp_path / "a.npz", **{name: a for name, a in arrays.items() if a is not None})
    odd = replace(grasps, **{f"golden_{part}": tmp_path / "a.npz"})
    with pytest.raises(DataError, match=f"(?s)^model some: .*{message}"):
        read_golden(odd)


class ByKeyword(nn.Module):
    def forward(self, x: Any, *, scale: Any) -> Any:
        return x * scale


class Nested(nn.Module):
    def forward(self, x: Any) -> Any:
        return {"inner": {"y": x + 1}}


class Half(nn.Module):
    def forward(self, x: Any) -> Any:
        return x.bfloat16()


class Number(nn.Module):
    def forward(self, x: Any, power: int) -> Any:
        return x**power


class Same(nn.Module):
    def forward(self, x: Any) -> Any:
        return {"y": x + 1}


X = torch.zeros(3, 2)


@pytest.mark.parametrize(
    ("network", "example", "shapes", "message"),
    [
        (ByKeyword(), ((X,), {"scale": X}), ({0: Dim("n")}, {0: Dim("n")}), "by position, and re"),
        (Nested(), ((X,), {}), ({0: Dim("n")},), "a tuple or a dict of them, got one that"),
        (Half(), ((X,), {}), ({0: Dim("n")},), "that NumPy has, got torch.bfloat16 for y; let"),
        (Number(), ((X, 2), {}), ({0: Dim("n")}, None), "tensors in and out alone, got 2$"),
        (Same(), ((X,), {}), None, "a dynamic axis, all sizes are fixed; export it with dynamic"),
        (Same(), ((X,), {}), ({0: Dim("n")},), "golden outputs as .* returns them, y, got z$"),
    ],
    ids=["keyword", "nested", "bfloat16", "number", "static", "name"],
)
def test_programs_that_do_not_fit_are_named(
    tmp_path: Path, network: nn.Module, example: Any, shapes: Any, message: str
) -> None:
    program = torch.export.export(network, *example, dynamic_shapes=shapes)
    torch.export.save(program, tmp_path / "model.pt2")
    np.savez(tmp_path / "inputs.npz", x=X.numpy())
    name = "z" if isinstance(network, Same) and shapes else "y"
    np.savez(tmp_path / "outputs.npz", **{name: X.numpy()})
    with pytest.raises(DataError, match=f"(?s)^model cells: expected .*{message}"):
        read_golden(package_in(tmp_path))


def test_one_item_is_too_few(grasps: ModelPackage, tmp_path: Path) -> None:
    np.savez(tmp_path / "inputs.npz", **GRASPS | {"commands": COMMANDS[:1]})
    np.savez(tmp_path / "outputs.npz", **SCORES | {"scores": SCORES["scores"][:1]})
    one = package_in(tmp_path, model=grasps.model)
    with pytest.raises(DataError, match=r"two items or more, got one in commands$"):
        read_golden(one)


@pytest.mark.hostile
@pytest.mark.parametrize("kind", ["80 GB", "pickled", "cut", "npy", "model"])
def test_files_that_are_none_are_refused(grasps: ModelPackage, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "odd"
    if kind in ("80 GB", "pickled"):
        header = ("<f8", "(10000000000,)") if kind == "80 GB" else ("|O", "(2,)", b"cos\nsystem\n")
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("before.npy", npy(*header))
    elif kind == "cut":
        path.write_bytes(grasps.golden_inputs.read_bytes()[:-9])
    elif kind == "npy":  # as earlier releases took it
        path.write_bytes(npy("<f8", "(1,)", b"\0" * 8))
    else:
        path.write_bytes(grasps.model.read_bytes()[:1000])
    part = "model" if kind == "model" else "golden_inputs"
    with refused("odd"):
        read_golden(replace(grasps, **{part: path}))
