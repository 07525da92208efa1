"""The models that are served here, as bundles, made once of weights that were only drawn.

``lstm``: a bidirectional LSTM of 128 units on 16 words, two versions. ``large``: one of more than
50 MB. ``sums``: nothing but a product, to see what a large request costs. ``nasnet``: NASNet-A of
2 x 16 on images of 32 px.
"""

from __future__ import annotations

import os
import shutil
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from operators.installation import ROOT
from tasks.bundle.making import GRAPH, Example, make_bundle

FOLDER: Final = ROOT / "artifacts" / "bench" / "serving"
NUM_WORDS, LENGTH, NUM_CLASSES = 500, 16, 8
NUM_SUMS: Final = 25_000  # floats of a request of 100 kB


def bundle(name: str, version: int = 1) -> Path:
    """Folder of a bundle, which is made if it isn't there."""
    folder = FOLDER / "bundles" / name / str(version)
    if not folder.is_dir():
        print(f"making bundle {name} {version}", flush=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the exporters warn of what they do themselves
            _MAKERS[name](folder, version)
    return folder


def place(source: Path, target: Path) -> Path:
    """Put a bundle where a server looks, all at once; its files are links to the same bytes."""
    partial = target.with_name(f".{target.name}")
    shutil.copytree(source, partial, copy_function=os.link)
    target.parent.mkdir(parents=True, exist_ok=True)
    return partial.rename(target)


def graph(name: str) -> Path:
    """The ONNX file of a bundle, which peers open themselves."""
    return bundle(name) / GRAPH


def words(num: int, seed: int = 0) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Sentences (num, LENGTH) for ``lstm``."""
    return np.random.default_rng(seed).integers(0, NUM_WORDS, (num, LENGTH))


def logits(sentence: Sequence[int]) -> list[float]:
    """What ``lstm`` says of a sentence."""
    import onnxruntime

    session = onnxruntime.InferenceSession(graph("lstm"), providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"words": np.array([sentence])})
    return [float(each) for each in found[0]]


def _lstm(folder: Path, version: int, num_units: int = 128, num_inputs: int = 64) -> None:
    import torch
    from torch import nn

    class Tagger(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.known = nn.Embedding(NUM_WORDS, num_inputs)
            self.read = nn.LSTM(num_inputs, num_units, batch_first=True, bidirectional=True)
            self.name = nn.Linear(2 * num_units, NUM_CLASSES)

        def forward(self, words: Any) -> Any:
            seen, _ = self.read(self.known(words))
            return {"logits": self.name(seen.mean(dim=1))}

    torch.manual_seed(version)
    _make(folder, "lstm", Tagger(), {"words": torch.from_numpy(words(4))})


def _large(folder: Path, version: int) -> None:
    _lstm(folder, version, num_units=1024, num_inputs=512)


def _sums(folder: Path, version: int) -> None:  # noqa: ARG001 - there is one
    import torch
    from torch import nn

    class Sums(nn.Module):
        def forward(self, values: Any) -> Any:
            return {"sums": values.sum(dim=1)}

    _make(folder, "sums", Sums(), {"values": torch.ones(2, NUM_SUMS)})


def _nasnet(folder: Path, version: int) -> None:
    import torch

    from tasks.nas.models.network import CellNetwork
    from tasks.nas.models.sizes import NetworkSize
    from tasks.nas.space.published import published

    torch.manual_seed(version)
    size = NetworkSize(num_cells=2, num_filters=16, num_classes=10)
    network = CellNetwork(published("nasnet_a"), size)
    images = {"images": torch.rand(2, 3, 32, 32)}
    _make(folder, "nasnet", network, images, tolerance=1e-3)


def _make(
    folder: Path, name: str, network: Any, inputs: Mapping[str, Any], tolerance: float = 1e-4
) -> None:
    import torch

    network.eval()
    with torch.no_grad():
        found = network(*inputs.values())
    outputs = found if isinstance(found, dict) else {"logits": found}
    given = tuple(inputs.values())
    shapes = tuple({0: torch.export.Dim("batch", min=1)} for _ in given)
    example = Example(
        {key: each.numpy() for key, each in inputs.items()},
        {key: each.numpy() for key, each in outputs.items()},
        tolerance,
    )
    program = torch.export.export(network, given, dynamic_shapes=shapes)
    make_bundle(folder, name, program, {"predict": example})


_MAKERS: Final = {"lstm": _lstm, "large": _large, "sums": _sums, "nasnet": _nasnet}
