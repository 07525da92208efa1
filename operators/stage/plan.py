"""What a call of a stage means: its settings, its key and where its result lies.

Nothing heavy is loaded here, so that Airflow can look for a finished result by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict

from operators.installation import Profile, StageResources, load_profile
from operators.stage.key import Declaration, declaration_of, key_parts, stage_key
from operators.store.artifacts import finished
from operators.store.storage import Storage
from tasks.core.records import ArtifactRef


class RunContext(BaseModel):
    """Where a stage runs; arguments carry it, so it never holds a secret.

    Attributes:
        run_id: DAG run; stands for the inputs of stages that read the world outside.
        dag_id: DAG.
        task_id: Task of the DAG.
        map_index: Which of a mapped task; -1 if it is not mapped.
        try_number: Which try of the task, from 1.
        profile: Name of the profile, or path of its YAML.
        tracking_uri: MLflow server, or a local folder for JSON lines; the profile's if None,
            nothing is tracked if empty.
        parent_run_id: MLflow run of the DAG run.
        store_uri: Root of the store; the profile's if empty.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    run_id: str
    dag_id: str = ""
    task_id: str = ""
    map_index: int = -1
    try_number: int = 1
    profile: str = "laptop"
    tracking_uri: str | None = None
    parent_run_id: str = ""
    store_uri: str = ""


class StageRequest(BaseModel):
    """One call of a stage.

    Attributes:
        pipeline: Name of the pipeline, which is the first folder of its artifacts.
        stage: ``module:function``.
        config: The pipeline's settings as nested JSON: ``seed`` and sections. What is not
            given has its default.
        inputs: Results of earlier stages, in the order of the stage's parameters; a list
            where a parameter takes the groups of a fan-out.
        context: Where it runs.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    pipeline: str
    stage: str
    config: dict[str, Any] = {}
    inputs: list[ArtifactRef | list[ArtifactRef]] = []
    context: RunContext


def find_finished(request: StageRequest) -> list[ArtifactRef] | None:
    """Return the results of the stage if it has finished before; loads nothing heavy.

    Raises:
        ConfigError: The stage, its settings or the profile are wrong.
    """
    plan = Plan.of(request)
    return finished(plan.storage, plan.folder(plan.key(plan.wished_device)))


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
        profile = load_profile(request.context.profile)
        uri = request.context.store_uri or profile.absolute_store_uri()
        config = declaration.config(request.config)
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
    def wished_device(self) -> str:
        """Device class that the stage would like and the profile grants."""
        device = self.declaration.spec.device
        return "gpu" if device == "gpu" or (device == "any" and self.resources.num_gpus) else "cpu"

    def parts(self, device: str) -> dict[str, Any]:
        """What the keys of the stage and of its items have in common."""
        return key_parts(self.declaration, self.seed, device)

    def key(self, device: str) -> str:
        """Key of the stage's result."""
        inputs = self.request.model_dump(mode="json")["inputs"]
        run_id, groups = self.request.context.run_id, self.profile.num_jobs
        spec = self.declaration.spec
        return stage_key(self.parts(device), spec, self.config, inputs, run_id, groups)

    def folder(self, key: str) -> str:
        """Folder of a result, relative to the store's root."""
        return f"{self.request.pipeline}/{self.name}/{key}"
