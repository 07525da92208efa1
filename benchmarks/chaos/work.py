"""Small runs of each pipeline: those of their tests, and the sample pipeline's."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from operators.installation import ROOT

SAMPLE: Final = "sample"
SAMPLE_DAG: Final = ROOT / "tests" / "support" / "dags" / f"{SAMPLE}.py"
NUM_ITEMS: Final = 12
# Long enough that a fault falls into the midst of them.
ITEM_S: Final = 1.5
# All but releases, which act on a server in traffic that has to be there.
DAGS: Final = tuple(
    path for path in sorted((ROOT / "dags").glob("[!_]*.py")) if path.stem != "release_model"
)
# Their results are the same to the bit whenever they are made; those of trainings are not.
EXACT: Final = frozenset({SAMPLE, "restitch", "collect_grasps"})


@dataclass(frozen=True)
class Work:
    """A small run.

    Attributes:
        dag_id: Its pipeline.
        conf: Its params.
    """

    dag_id: str
    conf: Mapping[str, Any]


def sample(number: int = 0) -> Work:
    """A run of the sample pipeline, whose items are slow; other numbers share no result."""
    conf = {"count": NUM_ITEMS, "double.wait_s": ITEM_S, "double.factor": 2.0 + number}
    return Work(SAMPLE, conf)


def quick_sample(number: int) -> Work:
    """A run whose items take no time."""
    return Work(SAMPLE, {"count": 4, "double.factor": 2.0, "seed": number})


def small(dag_id: str, folder: Path) -> Work:
    """The small run of a pipeline's tests; its files are made if need be.

    Args:
        dag_id: The pipeline.
        folder: Folder of its inputs and exports.
    """
    (found,) = (ROOT / "tests").glob(f"*/small/{dag_id}.yaml")
    folder.mkdir(parents=True, exist_ok=True)
    maker, done = found.parent / "make.py", folder / "made"
    if maker.exists() and not done.exists():
        spec = importlib.util.spec_from_file_location("make", maker)
        if spec is None or spec.loader is None:
            raise ImportError(f"{maker} can't be loaded")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        module.make(folder, is_grown=False)
        done.touch()
    params = yaml.safe_load(found.read_text().replace("{folder}", str(folder)))["params"]
    return Work(dag_id, params)
