"""Tiny models as bundles: networks of torch, and plain classes that stand for ones."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from tasks.bundle.arrays import Arrays, write_golden
from tasks.bundle.folders import files_of, write_manifest
from tasks.bundle.making import Example, Recurrence, make_bundle
from tasks.bundle.manifest import SCHEMA, Bundle, Network, Signature, Tensor
from tasks.bundle.steps import shares

BATCH = torch.export.Dim("batch", min=1)
LENGTH = torch.export.Dim("length", min=1, max=64)


class Scores(nn.Module):
    """A classifier of two classes with a batch norm."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.norm, self.last = nn.Linear(6, 4), nn.BatchNorm1d(4), nn.Linear(4, 2)

    def forward(self, images: Any) -> Any:
        return self.last(self.norm(self.first(images)).relu())


class Tags(nn.Module):
    """Takes words of any number, of which 0 is none; two heads of other types."""

    def __init__(self) -> None:
        super().__init__()
        self.known = nn.Embedding(9, 3)

    def forward(self, words: Any, weight: Any) -> Any:
        seen = self.known(words) * (words > 0).unsqueeze(-1)
        return {"each": seen.sum(dim=2), "sum": seen.sum(dim=(1, 2)) * weight, "there": words > 0}


class Reader(nn.Module):
    """One step of a network that reads words: a state, and a tag of each word."""

    def __init__(self) -> None:
        super().__init__()
        self.known, self.more, self.kept = nn.Embedding(9, 3), nn.Linear(3, 4), nn.Linear(4, 4)

    def forward(self, words: Any, before: Any) -> Any:
        after = torch.tanh(self.more(self.known(words)) + self.kept(before))
        return {"after": after, "tags": after[:, :2] * 2}


def exported(network: nn.Module, example: tuple[Any, ...], shapes: Any) -> Any:
    """A program of a network."""
    return torch.export.export(network, example, dynamic_shapes=shapes)


def scores(folder: Path, **more: Any) -> Bundle:
    """A bundle of two signatures, in all forms."""
    torch.manual_seed(0)
    network, images = Scores().eval(), torch.randn(5, 6)
    logits = {"logits": network(images).detach().numpy()}
    given = {"images": images.numpy()}
    examples = {
        "predict": Example(given, logits, 1e-4, warm_up=(1, 7)),
        "classify": Example(given, shares(logits), 1e-4, "classify", ("a", "b"), after=shares),
    }
    program = exported(network, (images,), ({0: BATCH},))
    return make_bundle(folder, "scores", program, examples, int8_tolerance=0.2, **more)


def reader(folder: Path, **more: Any) -> Bundle:
    """A bundle of `Reader`, whose signature is of whole sequences."""
    torch.manual_seed(0)
    network, words = Reader().eval(), torch.arange(15).reshape(3, 5) % 9
    state, tags = torch.zeros(3, 4), []
    with torch.no_grad():
        for each in words.T:
            found = network(each, state)
            state = found["after"]
            tags.append(found["tags"].numpy())
    outputs = {"after": state.numpy(), "tags": np.stack(tags, axis=1)}
    examples = {"predict": Example({"words": words.numpy()}, outputs, 1e-5)}
    program = exported(network, (words[:, 0], torch.zeros(3, 4)), ({0: BATCH}, {0: BATCH}))
    recurrence = Recurrence(along=("words",), state={"after": "before"}, collected=("tags",))
    return make_bundle(folder, "reader", program, examples, recurrence=recurrence, **more)


class Mean:
    """Twice the mean of each line: stands for a network, made with the bundle's folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, arrays: Arrays) -> Arrays:
        return {"y": 2 * arrays["x"].mean(axis=1)}


def plain(folder: Path, monkeypatch: pytest.MonkeyPatch, made: type = Mean, **more: Any) -> Bundle:
    """A bundle of a Python class, which stands in `tasks` meanwhile; its golden outputs are right.

    Args:
        folder: Where it is written.
        monkeypatch: Takes the class away again.
        made: The class; ``x`` (n, 4) in, ``y`` (n,) out.
        **more: What its signature has otherwise.
    """
    module: Any = types.ModuleType("tasks.probe")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(made, "__module__", module.__name__)
    setattr(module, made.__name__, made)
    x = np.arange(20.0).reshape(5, 4)
    inputs, outputs = {"x": x}, Mean(folder)({"x": x})
    write_golden(folder / "golden.safetensors", inputs, outputs)
    told = signature(**more)
    network = Network(runtime="python", target=f"tasks.probe:{made.__name__}", outputs=("y",))
    return write_manifest(folder, bundle_of(folder, {"predict": told}, {"plain": network}))


def signature(**more: Any) -> Signature:
    """The signature of `plain`, or another one."""
    x = Tensor(name="x", dtype="float64", shape=("n", 4))
    y = Tensor(name="y", dtype="float64", shape=("n",))
    usual: dict[str, Any] = {
        "method": "predict",
        "inputs": (x,),
        "outputs": (y,),
        "batch": "n",
        "golden": "golden.safetensors",
        "tolerance": 1e-9,
    }
    return Signature(**usual | more)


def bundle_of(
    folder: Path, signatures: dict[str, Signature], networks: dict[str, Network]
) -> Bundle:
    """What a folder's `bundle.json` is to say."""
    return Bundle(
        schema=SCHEMA,
        name="some",
        signatures=signatures,
        networks=networks,
        files=files_of(folder),
    )


Maker = Callable[..., Bundle]
