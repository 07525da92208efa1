"""Networks on their way to a model registry, and what became of them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from tasks.core.digests import digest, file_digest
from tasks.core.errors import DataError
from tasks.core.records import Record

ANSWERS_FILE, BUNDLE_FILE = "answers.npz", "bundle.json"
_NAME = re.compile(r"[A-Za-z0-9._-]+")


@dataclass(frozen=True)
class ModelPackage:
    """A trained network with everything that a registry keeps of it.

    Attributes:
        name: Name in the registry, e.g. ``cells-cifar10``: letters, digits, ``.``, ``_``, ``-``.
        bundle: Folder of the network as it is served: its signatures, and what they must answer;
            see `tasks.bundle`.
        metrics: Its figures; all are finite.
        metric: The one of them by which versions compete: the higher, the better.
        test_key: Digest of the test (set and protocol) that gave it; only answers to one test
            are compared.
        answers: ``.npz`` file of how it answered that test: ``item`` (n, 32), uint8, a digest that
            names each item, in an order that the test alone decides; ``is_right`` (n,), bool.
        files: Further files under their names, e.g. ``genotype.json``.
        tags: Labels of the version.
    """

    name: str
    bundle: Path
    metrics: Mapping[str, float]
    metric: str
    test_key: str
    answers: Path
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
        """The files beside the bundle, answers among them."""
        return {**self.files, ANSWERS_FILE: self.answers}

    @property
    def digest(self) -> str:
        """What makes two packages the same: name, bytes, figures and labels, not places.

        A bundle's own file names the digests of all its others.
        """
        return digest(
            {
                "name": self.name,
                "bundle": file_digest(self.bundle / BUNDLE_FILE),
                "files": {name: file_digest(path) for name, path in self.all_files.items()},
                "metrics": dict(self.metrics),
                "test": [self.metric, self.test_key],
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


@dataclass(frozen=True)
class FetchedModel:
    """A registered model on this disk.

    Attributes:
        name: Name in the registry.
        version: Which version it is, where an alias was asked for too.
        bundle: Folder of its bundle, verified.
    """

    name: str
    version: int
    bundle: Path


class ModelRegistry(Protocol):
    """Keeps the networks that are ready to be used, version by version."""

    def register(self, package: ModelPackage) -> RegisteredModel:
        """Register a network; the same package again is found, not doubled.

        The alias ``champion`` moves to the version only if it is the first, or beats the champion
        in the same metric on the same test, by a paired test of their answers. Where there is no
        registry (serial profile) nothing is registered; the value that comes back says so, and
        the log.

        Raises:
            DataError: The bundle is none, so nothing is registered; or, fetched back from the
                registry, a network of it does not give its golden outputs: then the alias stays.
            TransientError: The registry can't be reached.
        """

    def fetch(self, name: str, version: int | str, folder: Path) -> FetchedModel:
        """Fetch a registered model's bundle, verified by its digests.

        Args:
            name: Name in the registry.
            version: The version, or an alias such as ``champion``.
            folder: Where its bundle is to lie; it must not exist, and appears whole or not at all.

        Raises:
            ConfigError: There is no such model, version or alias.
            DataError: An earlier release registered it, without a bundle; or what is kept is not
                what was registered.
            ResourceError: There is no registry.
            TransientError: The registry can't be reached.
        """

    def read_run_file(self, run_id: str, name: str) -> bytes:
        """Return a file of an earlier run, e.g. ``genotype.json``; the settings name the run.

        Raises:
            ArtifactError: There is no such run, or it has no such file.
            ResourceError: There is no server that keeps runs.
        """


@dataclass(frozen=True)
class ServerAnswer:
    """What a server of models answered.

    Attributes:
        status: HTTP's status.
        body: The body.
        headers: Its headers; names are small letters.
    """

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class ModelServer(Protocol):
    """The server that answers for models, by its own HTTP interface; see `tasks.serving`."""

    def ask(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> ServerAnswer:
        """Ask it; the machine adds its address, and the token by which changes are allowed.

        Raises:
            ResourceError: There is none: the profile names no address.
            TransientError: It can't be reached.
        """
