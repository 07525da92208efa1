"""Results files: figures that a benchmark measured, with what is needed to measure them again."""

from __future__ import annotations

import datetime
import json
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil
from pydantic import BaseModel, ConfigDict

RESULTS_DIR = Path(__file__).parent / "results"


class Figure(BaseModel):
    """One measured value; formatted, it is shown with its unit, to three digits or as asked.

    Attributes:
        value: The figure; a mean or a median as the benchmark's docstring says.
        unit: Unit, or an empty string for a ratio or a count.
        interval: 95 % interval, or the range over the seeds, as the benchmark says; None
            where the figure is a count.
        commit: Commit that it was measured on where that is not the file's: runs of hours are
            not repeated for each change.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: float
    unit: str
    interval: tuple[float, float] | None
    commit: str | None = None

    def __format__(self, spec: str) -> str:
        number = f"{self.value:{spec or '.3g'}}".replace("%", " %")
        return f"{number} {self.unit}".rstrip()

    @property
    def span(self) -> str:
        """The ends of the interval.

        Raises:
            ValueError: It has none.
        """
        if self.interval is None:
            raise ValueError("this figure has no interval: show its value alone")
        low, high = self.interval
        return f"{low:.3g} to {high:.3g}"


class ResultsFile(BaseModel):
    """The content of ``benchmarks/results/<name>.json``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    date: str
    commit: str
    machine: str
    command: str
    seeds: tuple[int, ...]
    figures: dict[str, Figure]


def machine() -> str:
    """Describe this machine: CPU model, cores, memory, nothing else."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = names[0].split(":", 1)[1].strip() if names else model
    memory_gib = round(psutil.virtual_memory().total / 2**30)
    return f"{model}, {os.cpu_count()} cores, {memory_gib} GiB"


def commit() -> str:
    """Return the commit that is checked out, with ``+`` where the tree differs from it."""
    root = Path(__file__).parents[1]

    def git(*words: str) -> str:
        done = subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    return git("rev-parse", "--short=12", "HEAD") + ("+" if git("status", "--porcelain") else "")


def write_results(
    name: str,
    command: str,
    seeds: Sequence[int],
    figures: Mapping[str, Figure],
    folder: Path = RESULTS_DIR,
    measured_on: str | None = None,
) -> Path:
    """Write a results file, whole or not at all, and return its path.

    Args:
        name: Name of the benchmark.
        command: What measures the figures again.
        seeds: Seeds that were measured.
        figures: What was measured.
        folder: Where results are kept.
        measured_on: Commit of the figures; the one that is checked out if None.
    """
    results = ResultsFile(
        name=name,
        date=datetime.datetime.now(tz=datetime.UTC).date().isoformat(),
        commit=measured_on or commit(),
        machine=machine(),
        command=command,
        seeds=tuple(seeds),
        figures=dict(figures),
    )
    path = folder / f"{name}.json"
    write_whole(path, json.dumps(results.model_dump(mode="json"), indent=2) + "\n")
    return path


def write_whole(path: Path, text: str) -> None:
    """Write a text file, whole or not at all; its folder is made if need be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".{os.getpid()}.part")
    partial.write_text(text)
    partial.replace(path)


def read_results(path: Path) -> ResultsFile:
    """Read a results file.

    Raises:
        pydantic.ValidationError: The file is not of this form; the error names the field.
    """
    return ResultsFile.model_validate_json(path.read_bytes())
