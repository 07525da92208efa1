"""Trainings that are kept: each in a folder of its own, with a checkpoint and, at last, a result.

A training that was cut off at any moment goes on after its last checkpoint; one that has ended is
read. It is known by all that decides it, but for the code and for where its data lie: a run over
several sessions outlives other changes of the repository. Each result names the commit that it
ended on.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol, TypeVar

from benchmarks.results_file import commit, write_whole

Result = Mapping[str, Any]
TrainingT = TypeVar("TrainingT", bound="Training")
_NUM_PROCESSES = 2
_CHECKPOINT, _RESULT = "kept.pt", "result.json"
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG of Linux: else a killed run leaves trainings behind


class Training(Protocol):
    """A training: a frozen dataclass whose ``repr`` says all that decides it."""

    @property
    def name(self) -> str:
        """Its folder's name begins so."""

    def run(self, folder: Kept) -> Result:
        """Train, from the folder's checkpoint if there is one; files that last go there too."""


@dataclass(frozen=True)
class Kept:
    """The folder of one training, as `tasks.learning.checkpoints.Keeper` asks.

    Attributes:
        path: The folder.
    """

    path: Path

    @classmethod
    def of(cls, training: Training, root: Path) -> Kept:
        """The folder of a training below that of all of them."""
        words = f"{training!r} torch {version('torch')}"
        digest = hashlib.sha256(words.encode()).hexdigest()[:12]
        return cls(root / f"{training.name}-{digest}")

    def result(self) -> Result | None:
        """What the training came to; None if it hasn't ended."""
        path = self.path / _RESULT
        if not path.is_file():
            return None
        found: Result = json.loads(path.read_bytes())
        return found

    def checkpoint(self) -> Path | None:
        """What was saved last, or None."""
        path = self.path / _CHECKPOINT
        return path if path.is_file() else None

    def save_checkpoint(self, path: Path) -> None:
        """Keep a file in place of the one before."""
        path.replace(self.path / _CHECKPOINT)

    def report(self, metrics: Mapping[str, float], step: int) -> None:
        """Nobody looks while it runs."""

    def end(self, result: Result) -> None:
        """Keep the result; the checkpoint has served."""
        text = json.dumps({**result, "commit": commit()}, indent=1)
        write_whole(self.path / _RESULT, f"{text}\n")
        (self.path / _CHECKPOINT).unlink(missing_ok=True)


def run_all(trainings: Iterable[Training], root: Path) -> list[Result]:
    """Run what has not ended, two at a time in processes of one thread; results in order.

    Raises:
        Exception: That of the first training that fails; the others are kept.
    """
    wanted = [*trainings]
    left = [each for each in wanted if Kept.of(each, root).result() is None]
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(_NUM_PROCESSES, context, _begin) as pool:
        running = {pool.submit(_run, each, root): each for each in left}
        for number, ended in enumerate(as_completed(running), start=1):
            try:
                ended.result()
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
            print(f"{running[ended].name}: {number} of {len(left)}", flush=True)
    found = [Kept.of(each, root).result() for each in wanted]
    return [each for each in found if each is not None]


def _begin() -> None:
    ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    os.environ["OMP_NUM_THREADS"] = "1"  # before torch is loaded, by what is run


def _run(training: Training, root: Path) -> None:
    folder = Kept.of(training, root)
    folder.path.mkdir(parents=True, exist_ok=True)
    folder.end(training.run(folder))


def best_by(
    trainings: Iterable[TrainingT], results: Iterable[Result], score: Callable[[Result], float]
) -> TrainingT:
    """The training whose result scores highest; the first of equals."""
    return max(zip(trainings, results, strict=True), key=lambda pair: score(pair[1]))[0]
