"""Bundles without a network, whose runtime is `faulty`, and the path on which workers find it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from tasks.bundle.arrays import write_golden
from tasks.bundle.folders import files_of, write_manifest
from tasks.bundle.manifest import (
    GRANULAR_SCHEMA,
    SCHEMA,
    Bundle,
    Cell,
    Network,
    Signature,
    Tensor,
)

_PLACE = "tests.support.serving.faulty:open_network"


def install_faulty(folder: Path) -> Path:
    """Write what declares the runtime; a process that has the folder on its path has it."""
    place = folder / "faulty-1.0.dist-info"
    place.mkdir(parents=True)
    (place / "METADATA").write_text("Metadata-Version: 2.1\nName: faulty\nVersion: 1.0\n")
    (place / "entry_points.txt").write_text(f"[orrery.runtimes]\nfaulty = {_PLACE}\n")
    return folder


def faulty(
    folder: Path, *, golden_factor: float | None = None, warm_up: int = 1, **told: Any
) -> Bundle:
    """A bundle of one signature, which multiplies by a factor (2 if not told otherwise).

    Args:
        folder: Where it is written.
        golden_factor: What its golden outputs say, where that is another one.
        warm_up: Size of its warm-up batch.
        told: What its runtime does; see `tests.support.serving.faulty`.
    """
    factor = told.get("factor", 2.0) if golden_factor is None else golden_factor
    x = np.arange(6, dtype=np.float32).reshape(3, 2) + 1
    return _written(folder, x, x * np.float32(factor), warm_up, told)


def faulty_cell(folder: Path, **told: Any) -> Bundle:
    """The same as a cell: the factor times the sum of a sequence's steps."""
    x = np.arange(12, dtype=np.float32).reshape(2, 3, 2)
    state = Tensor(name="h", dtype="float32", shape=("batch", 2))
    cell = Cell(along=("x",), state={"y": state})
    return _written(folder, x, told.get("factor", 2.0) * x.sum(axis=1), 1, told, cell)


def _written(
    folder: Path, x: Any, y: Any, warm_up: int, told: dict[str, Any], cell: Cell | None = None
) -> Bundle:
    folder.mkdir(parents=True)
    write_golden(folder / "golden.safetensors", {"x": x}, {"y": y.astype(np.float32)})
    (folder / "told.json").write_text(json.dumps(told))
    shapes = {"x": ("batch", 2) if cell is None else ("batch", "steps", 2), "y": ("batch", 2)}
    tensors = [(Tensor(name=k, dtype="float32", shape=shape),) for k, shape in shapes.items()]
    signature = Signature(
        method="predict",
        inputs=tensors[0],
        outputs=tensors[1],
        batch="batch",
        golden="golden.safetensors",
        tolerance=1e-4,
        warm_up=(warm_up,),
    )
    network = Network(
        runtime="faulty",
        file="told.json",
        outputs=("y",),
        curve=((1, 100.0), (8, 40.0), (32, 20.0)),
        cell=cell,
    )
    bundle = Bundle(
        schema=SCHEMA if cell is None else GRANULAR_SCHEMA,
        name="faulty",
        signatures={"predict": signature},
        networks={"only": network},
        files=files_of(folder),
    )
    return write_manifest(folder, bundle)
