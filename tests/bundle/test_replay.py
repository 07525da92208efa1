"""Golden outputs must come back in any company, and an answer that depends on it is caught."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tasks.bundle.arrays import Arrays, write_golden
from tasks.bundle.folders import files_of
from tasks.bundle.making import Example, make_bundle
from tasks.bundle.manifest import Bundle, Tensor
from tasks.bundle.replay import golden_of, items_of, replay, warm_up_of
from tasks.core.errors import DataError
from tests.support.bundle.models import Mean, Scores, exported, plain, reader


def test_all_networks_give_what_is_known(made: tuple[Path, Bundle]) -> None:
    told = replay(*made)
    assert [(each.network, each.signature) for each in told] == [
        (network, signature)
        for network in ("onnx", "torch", "int8")
        for signature in ("predict", "classify")
    ]
    assert all(each.difference < 1e-5 for each in told[:4])
    assert 0 < told[4].difference < 0.2


class Counting(Mean):
    """Says in which company it was asked."""

    asked: list[list[float]] = []  # noqa: RUF012

    def __call__(self, arrays: Arrays) -> Arrays:
        self.asked.append([float(each) for each in arrays["x"][:, 0] // 4])
        return super().__call__(arrays)


def test_items_are_asked_in_all_companies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Counting.asked.clear()
    replay(tmp_path, plain(tmp_path, monkeypatch, Counting))
    asked = Counting.asked
    assert asked[0] == [0, 1, 2, 3, 4]
    assert asked[1:6] == [[0], [1], [2], [3], [4]]
    assert asked[6:9] == [[0, 1], [2, 3], [4]]
    assert sorted(asked[9]) == [0, 1, 2, 3, 4] != asked[9]
    assert [each for part in asked[10:] for each in part] == asked[9]


class Compared(Mean):
    """What an item's answer is depends on the mean of all."""

    def __call__(self, arrays: Arrays) -> Arrays:
        lines = arrays["x"].mean(axis=1)
        return {"y": 2 * lines + (lines.mean() - 9.5) * 1e-3}


class Ordered(Mean):
    """What an item's answer is depends on the order of all."""

    def __call__(self, arrays: Arrays) -> Arrays:
        is_other = (np.diff(arrays["x"][:, 0]) < 0).any() and len(arrays["x"]) > 2
        return {"y": 2 * arrays["x"].mean(axis=1) + is_other}


class OfTwo(Mean):
    """Batches of two are answered otherwise."""

    def __call__(self, arrays: Arrays) -> Arrays:
        return {"y": 2 * arrays["x"].mean(axis=1) + (len(arrays["x"]) == 2)}


class Nothing(Mean):
    def __call__(self, arrays: Arrays) -> Arrays:
        return {"y": arrays["x"].mean(axis=1) * np.nan}


class Wrong(Mean):
    def __call__(self, arrays: Arrays) -> Arrays:
        return {"y": 2 * arrays["x"].mean(axis=1) + 1e-3}


class NotOne(Mean):
    def __call__(self, arrays: Arrays) -> Arrays:
        if len(arrays["x"]) == 1:
            raise IndexError("too few")
        return super().__call__(arrays)


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (Wrong, "items all at once: expected y within 1e-09, got a difference of 0.001"),
        (Nothing, "items all at once: expected y within 1e-09, got a difference of nan"),
        (Compared, "items each alone: expected y .* eval mode, which answers each item by itself"),
        (OfTwo, "items in twos: expected y"),
        (Ordered, "items in another order: expected y"),
        (NotOne, "items each alone: .*IndexError: too few.*; export it on the CPU with dynamic"),
    ],
)
def test_an_answer_that_depends_on_its_company_is_caught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: type, told: str
) -> None:
    bundle = plain(tmp_path, monkeypatch, made)
    with pytest.raises(DataError, match=f"^model some: network plain, signature predict.*{told}"):
        replay(tmp_path, bundle)


def test_a_batch_norm_in_training_mode_is_caught(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network, images = Scores().train(), torch.randn(6, 6)
    logits = {"logits": network(images).detach().numpy()}
    program = exported(network, (images,), ({0: torch.export.Dim("batch", min=2)},))
    example = Example({"images": images.numpy()}, logits, 1e-4)
    with pytest.raises(DataError, match=r"golden items (each alone|in twos): "):
        make_bundle(tmp_path / "b", "some", program, {"predict": example}, with_onnx=False)
    assert not [*tmp_path.iterdir()], "what is not as it should be does not appear"


class Sum(Mean):
    """Words of any number; those that are 0 don't count, or do."""

    counts_fill = False

    def __call__(self, arrays: Arrays) -> Arrays:
        words = arrays["x"]
        return {"y": words.sum(axis=1) + self.counts_fill * words.shape[1], "each": words}


class Counted(Sum):
    counts_fill = True


@pytest.mark.parametrize("made", [Sum, Counted])
def test_items_that_are_filled_up_are_answered_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: type
) -> None:
    x = Tensor(name="x", dtype="float64", shape=("n", "length"))
    y = Tensor(name="y", dtype="float64", shape=("n",))
    each = Tensor(name="each", dtype="float64", shape=("n", "length"))
    more: dict[str, Any] = {"inputs": (x,), "outputs": (y, each), "padding": {"length": 0.0}}
    bundle = plain(tmp_path, monkeypatch, made)
    words = np.arange(1.0, 11.0).reshape(2, 5)
    outputs = {"y": words.sum(axis=1) + 5 * (made is Counted), "each": words}
    write_golden(tmp_path / "golden.safetensors", {"x": words}, outputs)
    network = bundle.networks["plain"].model_copy(update={"outputs": ("y", "each")})
    told = bundle.signatures["predict"].model_copy(update=more)
    update = {"networks": {"n": network}, "signatures": {"s": told}, "files": files_of(tmp_path)}
    bundle = bundle.model_copy(update=update)
    if made is Sum:
        assert [each.difference for each in replay(tmp_path, bundle)] == [0.0]
        return
    with pytest.raises(DataError, match="items filled up along length: expected y within"):
        replay(tmp_path, bundle)


def test_a_call_that_is_one_item_is_asked_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Counting.asked.clear()
    replay(tmp_path, plain(tmp_path, monkeypatch, Counting, batch=None))
    assert len(Counting.asked) == 1


def test_items_are_had_one_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = plain(tmp_path, monkeypatch).signatures["predict"]
    inputs, _ = golden_of(tmp_path, told)
    found = np.concatenate([each["x"] for each in items_of(told, inputs)])
    np.testing.assert_array_equal(found, inputs["x"])
    assert list(items_of(told.model_copy(update={"batch": None}), inputs)) == [inputs]


def test_warm_up_repeats_golden_items(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = plain(tmp_path, monkeypatch, warm_up=(1, 7)).signatures["predict"]
    inputs, _ = golden_of(tmp_path, told)
    one, seven = warm_up_of(told, inputs)
    assert (len(one["x"]), len(seven["x"])) == (1, 7)
    np.testing.assert_array_equal(seven["x"][5:], inputs["x"][:2])


@pytest.mark.parametrize(
    ("inputs", "outputs", "told"),
    [
        ({}, {"y": np.zeros(5)}, "expected golden inputs x, got"),
        ({"x": np.zeros((5, 4))}, {"z": np.zeros(5)}, "expected golden outputs y, got z"),
        ({"x": np.zeros((5, 3))}, {"y": np.zeros(5)}, "golden input x: expected float64"),
        ({"x": np.zeros((5, 4))}, {"y": np.zeros(4)}, "golden output y: expected a size of 5"),
        ({"x": np.zeros((1, 4))}, {"y": np.zeros(1)}, "two items or more, got one"),
    ],
)
def test_golden_arrays_that_do_not_fit_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inputs: Any, outputs: Any, told: str
) -> None:
    bundle = plain(tmp_path, monkeypatch)
    write_golden(tmp_path / "golden.safetensors", inputs, outputs)
    with pytest.raises(DataError, match=told):
        replay(tmp_path, bundle)


def test_sequences_are_asked_as_they_come_one_with_each_step(tmp_path: Path) -> None:
    bundle = reader(tmp_path / "b", with_onnx=False)
    (told,) = replay(tmp_path / "b", bundle)
    assert told.difference < 1e-6
    cell = bundle.networks["torch"].cell
    assert cell is not None
    kept = Tensor(name="before", dtype="float64", shape=("batch", 4))
    odd = cell.model_copy(update={"state": {"after": kept}})
    networks = {"torch": bundle.networks["torch"].model_copy(update={"cell": odd})}
    with pytest.raises(DataError, match="network torch"):
        replay(tmp_path / "b", bundle.model_copy(update={"networks": networks}))
