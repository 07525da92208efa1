"""Parts of a benchmark: measured one by one, put together into one results file.

A part's figures are kept with the commit and the code that they were measured on. Parts of
different commits are never put together: a results file tells of one commit.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from benchmarks.results_file import Figure, commit, machine, write_whole
from operators.installation import ROOT

FOLDER = ROOT / "artifacts" / "bench"
# What any measurement may run; benchmarks and systems with names of their own come on top.
_SHARED = (
    "benchmarks/bootstrap.py",
    "benchmarks/own_process.py",
    "benchmarks/speedup.py",
    "operators/**/*.py",
    "tasks/core/**/*.py",
)
_SYSTEMS = {"restitch": "panorama"}  # of benchmarks that bear another name than their system


class Part(BaseModel):
    """Figures of one part and where they come from.

    Attributes:
        commit: See `benchmarks.results_file.commit`.
        code: Digest of the code as it was on disk, which tells two unclean trees apart.
        machine: See `benchmarks.results_file.machine`.
        seeds: Seeds that were measured.
        figures: What was measured.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    commit: str
    code: str
    machine: str
    seeds: tuple[int, ...]
    figures: dict[str, Figure]


def code_digest(name: str, root: Path = ROOT) -> str:
    """Digest of all Python files that a measurement may run; 16 digits.

    Args:
        name: Name of the benchmark.
        root: The repository.
    """
    own = (f"benchmarks/{name}/**/*.py", f"tasks/{_SYSTEMS.get(name, name)}/**/*.py")
    found = hashlib.sha256()
    for path in sorted({path for each in (*_SHARED, *own) for path in root.glob(each)}):
        data = path.read_bytes()
        found.update(f"{path.relative_to(root)} {len(data)}\n".encode() + data)
    return found.hexdigest()[:16]


def save(
    name: str,
    part_name: str,
    seeds: Sequence[int],
    figures: Mapping[str, Figure],
    code: str,
    folder: Path = FOLDER,
) -> Path:
    """Keep a part as measured now, whole or not at all.

    Args:
        name: Name of the benchmark.
        part_name: Name of the part.
        seeds: Seeds that were measured.
        figures: What was measured.
        code: `code_digest` before the measurement began.
        folder: Where parts are kept.

    Raises:
        RuntimeError: The code changed while it was measured.
    """
    if code != code_digest(name):
        raise RuntimeError(
            f"the code changed while part {part_name} was measured: measure it again, in a clone "
            "of the repository if others work in this one"
        )
    part = Part(
        commit=commit(), code=code, machine=machine(), seeds=tuple(seeds), figures=dict(figures)
    )
    path = folder / name / f"{part_name}.json"
    write_whole(path, part.model_dump_json(indent=1) + "\n")
    return path


def kept(path: Path, make: Callable[[], Any]) -> Any:
    """What a call makes, as JSON; read where an interrupted run has kept it.

    Args:
        path: File that keeps it, whole or not at all.
        make: Makes JSON values.
    """
    if not path.is_file():
        write_whole(path, json.dumps(make(), indent=1))
    return json.loads(path.read_bytes())


def is_measured(name: str, part_name: str, folder: Path = FOLDER) -> bool:
    """Whether a part of a benchmark was measured."""
    return (folder / name / f"{part_name}.json").is_file()


def together(
    name: str, part_names: Sequence[str], folder: Path = FOLDER, earlier: Sequence[str] = ()
) -> Part:
    """Put all parts of a benchmark together.

    Args:
        name: Name of the benchmark.
        part_names: Parts that must be of one commit.
        folder: Where parts are kept.
        earlier: Further parts, runs of hours, which may be of other commits; each figure of
            theirs names its commit.

    Raises:
        FileNotFoundError: A part was not measured yet.
        ValueError: No part is named, or they are not of one commit, code, machine and set of
            seeds.
    """
    if not part_names:
        raise ValueError("expected parts of one commit, got none")
    parts = {part_name: _read(folder / name, part_name) for part_name in part_names}
    for field in ("commit", "code", "machine", "seeds"):
        found = {part_name: getattr(part, field) for part_name, part in parts.items()}
        if len(set(found.values())) > 1:
            raise ValueError(
                f"expected parts of one {field}, got {found}; measure the older ones again"
            )
    figures: dict[str, Figure] = {}
    for part in parts.values():
        figures |= part.figures
    for part_name in earlier:
        part = _read(folder / name, part_name)
        stamp = {"commit": part.commit}
        figures |= {key: each.model_copy(update=stamp) for key, each in part.figures.items()}
    first = next(iter(parts.values()))
    return first.model_copy(update={"figures": figures})


def _read(folder: Path, part_name: str) -> Part:
    path = folder / f"{part_name}.json"
    if not path.is_file():
        raise FileNotFoundError(f"part {part_name} was not measured yet: --parts {part_name}")
    return Part.model_validate_json(path.read_bytes())
