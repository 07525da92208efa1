"""Networks on their way to a model registry, and what became of them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from tasks.core.digests import digest, file_digest
from tasks.core.errors import DataError
from tasks.core.records import Record

ANSWERS_FILE = "answers.npz"
GOLDEN_INPUTS_FILE, GOLDEN_OUTPUTS_FILE = "golden_inputs.npz", "golden_outputs.npz"
_NAME = re.compile(r"[A-Za-z0-9._-]+")


@dataclass(frozen=True)
class ModelPackage:
    """A trained network with everything that a registry keeps of it.

    Attributes:
        name: Name in the registry, e.g. ``cells-cifar10``: letters, digits, ``.``, ``_``, ``-``.
        model: The network, in eval mode, as ``torch.export.save`` writes it on the CPU: one or
            several tensors in, given by position, one or several out, of any type and rank, at
            least one axis of an input dynamic. The program itself says what its inputs are called
            (as the parameters of ``forward``), which axes are dynamic, and, where it returns a
            dict, what its outputs are called. A dynamic size with which an output begins counts
            items, which are answered each by itself.
        golden_inputs: ``.npz`` file: under the name of each input an example, of two items or more.
            They give the version its input example, too.
        golden_outputs: ``.npz`` file: what the network makes of them. Its names, in their order,
            are those of the outputs, unless the program says them.
        tolerance: Greatest difference of a golden output, once the network is loaded back.
        metrics: Its figures; all are finite.
        metric: The one of them by which versions compete: the higher, the better.
        test_key: Digest of the test (set and protocol) that gave it; only answers to one test
            are compared.
        answers: ``.npz`` file of how it answered that test: ``item`` (n, 32), uint8, a digest that
            names each item, in an order that the test alone decides; ``is_right`` (n,), bool.
        use: What whoever loads it must know, as JSON values: how an input is made, what outputs
            are called.
        files: Further files under their names, e.g. ``genotype.json``.
        tags: Labels of the version.
    """

    name: str
    model: Path
    golden_inputs: Path
    golden_outputs: Path
    tolerance: float
    metrics: Mapping[str, float]
    metric: str
    test_key: str
    answers: Path
    use: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, Path] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check what needs no file.

        Raises:
            DataError: The name does not fit, or a figure is missing or not finite.
        """
        if not _NAME.fullmatch(self.name):
            raise DataError(f"expected a model's name of {_NAME.pattern}, got {self.name!r}")
        if self.metric not in self.metrics:
            raise DataError(
                f"model {self.name}: expected the metric {self.metric!r} by which it competes, got "
                f"{sorted(self.metrics)}"
            )
        wrong = [name for name, value in self.metrics.items() if not math.isfinite(value)]
        if wrong:
            raise DataError(f"model {self.name}: expected finite metrics, got others for {wrong}")

    @property
    def all_files(self) -> Mapping[str, Path]:
        """The files beside the network, golden ones and answers among them."""
        own = {
            GOLDEN_INPUTS_FILE: self.golden_inputs,
            GOLDEN_OUTPUTS_FILE: self.golden_outputs,
            ANSWERS_FILE: self.answers,
        }
        return {**self.files, **own}

    @property
    def digest(self) -> str:
        """What makes two packages the same: name, bytes, figures and labels, not places."""
        return digest(
            {
                "name": self.name,
                "model": file_digest(self.model),
                "files": {name: file_digest(path) for name, path in self.all_files.items()},
                "metrics": dict(self.metrics),
                "test": [self.metric, self.test_key],
                "use": dict(self.use),
                "tags": dict(self.tags),
            }
        )


class RegisteredModel(Record):
    """What became of a package.

    It depends on the registry, so it is for people and for the tracker: a stage's result that
    holds it would not be the same the next time.

    Attributes:
        name: Name in the registry.
        version: The version; None where there is no registry.
        is_champion: Whether the alias ``champion`` points to it now.
        reason: Why, or why not.
    """

    schema_id = "core.registered_model/1"

    name: str
    version: int | None
    is_champion: bool
    reason: str


class ModelRegistry(Protocol):
    """Keeps the networks that are ready to be used, version by version."""

    def register(self, package: ModelPackage) -> RegisteredModel:
        """Register a network; the same package again is found, not doubled.

        The alias ``champion`` moves to the version only if it is the first, or beats the champion
        in the same metric on the same test, by a paired test of their answers. Where there is no
        registry (serial profile) nothing is registered; the value that comes back says so, and
        the log.

        Raises:
            DataError: The network and its golden inputs and outputs do not agree, so nothing is
                registered; or, loaded back from the registry, it does not give its golden outputs:
                then the alias stays.
            TransientError: The registry can't be reached.
        """

    def read_run_file(self, run_id: str, name: str) -> bytes:
        """Return a file of an earlier run, e.g. ``genotype.json``; the settings name the run.

        Raises:
            ArtifactError: There is no such run, or it has no such file.
            ResourceError: There is no server that keeps runs.
        """
