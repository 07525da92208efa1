"""What a call of a stage means: its settings, its key and where its result lies.

Nothing heavy is loaded here, so that Airflow can look for a finished result by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from operators.installation import Profile, StageResources, load_profile
from operators.stage.key import Declaration, declaration_of, key_parts, stage_key
from operators.stage.request import StageRequest
from operators.store.artifacts import finished
from operators.store.storage import Storage
from tasks.core.config import MAX_WHOLE
from tasks.core.digests import digest
from tasks.core.errors import ConfigError
from tasks.core.outside.documents import check_plain
from tasks.core.records import ArtifactRef


def find_finished(request: StageRequest) -> list[ArtifactRef] | None:
    """Return the results of the stage if it has finished before; loads nothing heavy.

    Raises:
        ConfigError: The stage, its settings or the profile are wrong.
    """
    plan = Plan.of(request)
    return plan.on(plan.wished_device).finished()


@dataclass(frozen=True)
class Plan:
    """A request with everything looked up that it names.

    Attributes:
        request: The call.
        declaration: What the stage's source says.
        profile: The installation.
        config: The stage's section of the settings.
        storage: Where results are kept.
    """

    request: StageRequest
    declaration: Declaration
    profile: Profile
    config: Any
    storage: Storage

    @classmethod
    def of(cls, request: StageRequest) -> Plan:
        """Look everything up.

        Raises:
            ConfigError: The stage, its settings or the profile are wrong.
        """
        declaration = declaration_of(request.stage)
        profile = load_profile(request.caller.profile)
        uri = request.caller.store_uri or profile.absolute_store_uri()
        config = declaration.config(request.config)
        profile.check_paths(config, declaration.spec.section)
        _check_seed(request.config.get("seed", 0))
        return cls(request, declaration, profile, config, Storage(uri, profile.store_options))

    @property
    def name(self) -> str:
        """Name of the stage."""
        return self.declaration.spec.name

    @property
    def seed(self) -> int:
        """Root seed of the run."""
        return int(self.request.config.get("seed", 0))

    @property
    def resources(self) -> StageResources:
        """What the profile grants a call of the stage."""
        return self.profile.resources(self.name)

    @property
    def num_workers(self) -> int:
        """Processes of one training; without a cluster there is one."""
        return self.resources.num_workers if self.profile.ray_address else 1

    @property
    def wished_device(self) -> str:
        """Device class that the stage would like and the profile grants."""
        device = self.declaration.spec.device
        return "gpu" if device == "gpu" or (device == "any" and self.resources.num_gpus) else "cpu"

    def on(self, device: str) -> PlacedCall:
        """Say what the call is keyed by on a device class, once for all that needs it."""
        parts = key_parts(self.declaration, self.seed, device, self.num_workers)
        inputs = self.request.model_dump(mode="json")["inputs"]
        run_id, groups = self.request.caller.run_id, self.profile.num_jobs
        key = stage_key(parts, self.declaration.spec, self.config, inputs, run_id, groups)
        return PlacedCall(self, device, parts, key)


def _check_seed(seed: Any) -> None:
    check_plain(seed, "seed")
    if type(seed) is not int or not 0 <= seed <= MAX_WHOLE:
        raise ConfigError(
            f"seed: expected a whole number of 0 to {MAX_WHOLE}, got {repr(seed)[:100]}"
        )


@dataclass(frozen=True)
class PlacedCall:
    """A plan on one device class: what its results are keyed by, and where they lie.

    Attributes:
        plan: The call.
        device: Device class.
        parts: What the keys of the stage and of its items have in common.
        key: Key of the stage's result.
    """

    plan: Plan
    device: str
    parts: Mapping[str, Any]
    key: str

    @property
    def folder(self) -> str:
        """Folder of the result, relative to the store's root."""
        return self.beside(self.key)

    @property
    def own_folder(self) -> str:
        """Folder of a result that serves its own run alone, such as one that lacks an item."""
        if self.plan.declaration.spec.reads_outside:
            return self.folder
        return self.beside(digest([self.key, self.plan.request.caller.run_id]))

    def beside(self, name: str) -> str:
        """Another folder of the stage, such as that of its items."""
        return f"{self.plan.request.pipeline}/{self.plan.name}/{name}"

    def finished(self) -> list[ArtifactRef] | None:
        """Results of an earlier call under the same key; None if none has finished."""
        storage = self.plan.storage
        return finished(storage, self.folder) or finished(storage, self.own_folder)
