"""The serial twin: every stage runs without any service, in this process.

local = LocalRun(tmp_path)
matches = local.run(match_captures, captures, config=MatchConfig())
local.read(matches, MatchSet)
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from operators.compute.serial import SerialExecutor
from operators.stage.context import LiveContext, open_context
from operators.stage.plan import Plan
from operators.stage.request import Caller, StageRequest
from operators.stage.run import run_stage
from operators.store.artifacts import StageStore, read_artifact
from operators.store.storage import Storage
from tasks.core.config import config_json
from tasks.core.digests import digest
from tasks.core.records import ArtifactRef, FileRef, Record
from tasks.core.stages import StageSpec, spec_of

T = TypeVar("T")
R = TypeVar("R")
RecordT = TypeVar("RecordT", bound=Record)


@dataclass(frozen=True)
class LocalRun:
    """Runs stages one after the other on a folder, for tests, examples and notebooks.

    Attributes:
        folder: Root of the store.
        seed: Root seed.
        profile: Name or path of the profile: limits and granted resources.
    """

    folder: Path
    seed: int = 0
    profile: str = "serial"

    def run(self, function: Callable[..., Any], *inputs: Any, config: Any) -> Any:
        """Run a stage, or find its finished result; one that reads the world outside looks again.

        Args:
            function: The stage function.
            *inputs: Its inputs: `ArtifactRef`, or a list of them.
            config: Its section of the settings.

        Returns:
            What the stage returns.
        """
        refs = run_stage(self.request(function, *inputs, config=config), SerialExecutor())
        return refs if spec_of(function).fans_out else refs[0]

    def context(self, function: Callable[..., Any], *inputs: Any, config: Any) -> LiveContext:
        """Return the context for calling a stage function directly."""
        plan = Plan.of(self.request(function, *inputs, config=config))
        return open_context(plan.on("cpu"), SerialExecutor())

    def request(self, function: Callable[..., Any], *inputs: Any, config: Any) -> StageRequest:
        """Return the call of a stage as a request."""
        # A run of its own each time: what reads the world outside looks at it again.
        run_id = f"local-{uuid.uuid4().hex}"
        caller = Caller(run_id=run_id, profile=self.profile, store_uri=str(self.folder))
        return StageRequest(
            pipeline="local",
            stage=f"{function.__module__}:{function.__qualname__}",
            config={"seed": self.seed, spec_of(function).section: config_json(config)},
            inputs=list(inputs),
            caller=caller,
        )

    def put(self, content: Record) -> ArtifactRef:
        """Keep a record as if a stage had written it, as input for another."""
        spec, key = StageSpec(name="input", section=""), digest(content)
        return StageStore(self._storage, f"local/input/{key}", spec, key, dict).write(content)

    def read(self, ref: ArtifactRef, record_type: type[RecordT]) -> RecordT:
        """Read a result."""
        return read_artifact(self._storage, ref).record(record_type, ref.uri)

    def fetch(self, file: FileRef) -> Path:
        """Return a local path of a file."""
        return self._storage.fetch(file)

    @property
    def _storage(self) -> Storage:
        return Storage(str(self.folder))
