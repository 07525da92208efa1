"""Settings of the server: models, who answers, how it batches, and limits.

They stand in ``configs/serving.yaml`` and change while the server runs; the address, the token and
what is measured don't. The token is no setting: it stands in the environment.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator
from pydantic.dataclasses import dataclass

from tasks.core.config import SETTINGS, setting

# A name stands in paths, file names and metrics; a label must not look like a number.
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$")]
Label = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_.-]{0,99}$")]
Version = Annotated[int, Field(ge=0, lt=2**63)]
PER_MILLE = 1000


@dataclass(frozen=True, config=SETTINGS)
class Policy:
    """Which of the versions that are there should be served: one of the three."""

    latest: int | None = setting(None, ge=1, le=100, help="The greatest numbers, so many.")
    all: bool = setting(False, help="All that are there.")
    specific: tuple[Version, ...] = setting((), help="These numbers.", max_length=100)

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.latest is not None) + self.all + bool(self.specific) > 1:
            raise ValueError("expected one of latest, all and specific")
        return self


@dataclass(frozen=True, config=SETTINGS)
class Batching:
    """How requests share a batch; without a word the bundle's latency curve decides."""

    max_batch_size: int | None = setting(
        None, ge=1, le=4096, help="Items a batch; none: as many as pay by the bundle's curve."
    )
    batch_timeout_us: int = setting(
        0, ge=0, le=10_000_000, help="How long a free worker waits for a full batch.", unit="us"
    )
    max_enqueued: int = setting(
        1000, ge=1, le=100_000, help="Requests that may wait; one more is answered UNAVAILABLE."
    )
    allowed_batch_sizes: tuple[Annotated[int, Field(ge=1, le=4096)], ...] = setting(
        (), help="Sizes that batches are filled up to; the last is max_batch_size.", max_length=64
    )
    max_items: int = setting(4096, ge=1, le=10_000_000, help="Items that one request may hold.")

    @model_validator(mode="after")
    def _sizes(self) -> Self:
        sizes = self.allowed_batch_sizes
        if list(sizes) != sorted(set(sizes)) or (sizes and sizes[-1] != self.max_batch_size):
            raise ValueError(
                "allowed_batch_sizes: expected sizes that grow and end with max_batch_size"
            )
        return self


@dataclass(frozen=True, config=SETTINGS)
class Sharding:
    """How a model that is too large for one machine is cut; its parts are held by Ray's actors."""

    max_mb: int = setting(1000, ge=1, le=2000, help="Weights of a shard.", unit="MB")
    at: tuple[str, ...] = setting(
        (),
        help="Tensors of the graph behind which it is cut, too: models that are the same up to "
        "there hold that once.",
        max_length=1000,
    )
    num_cpus: float = setting(1.0, gt=0, le=1000, help="CPUs a shard; fractions are allowed.")
    num_gpus: float = setting(0.0, ge=0, le=100, help="GPUs a shard; fractions are allowed.")


@dataclass(frozen=True, config=SETTINGS)
class ModelConfig:
    """A model: where its versions are, which of them answer, and what they may take."""

    folder: str = setting(
        "", help="Folder of versions, each a bundle in a folder named by its number.", path="read"
    )
    registry: str = setting("", help="Name in MLflow's registry, instead of a folder.")
    aliases: tuple[Label, ...] = setting(
        ("champion", "candidate"),
        help="Aliases of the registry whose versions are served under them as labels; requests "
        "that name none get the first.",
        max_length=10,
    )
    policy: Policy = Field(default_factory=Policy)
    labels: dict[Label, Version] = setting({}, help="Versions by label.", max_length=100)
    default_label: str = setting(
        "", help="Label that requests get that name neither version nor label; none: the greatest."
    )
    split: dict[Label, Annotated[int, Field(ge=0, le=PER_MILLE)]] = setting(
        {}, help="Share of those requests by label, 1000 in all.", unit="per mille", max_length=10
    )
    shadow: str = setting("", help="Label that is asked the same beside; its answers aren't sent.")
    shadow_share: int = setting(
        PER_MILLE, ge=0, le=PER_MILLE, help="Share of requests that it is asked.", unit="per mille"
    )
    batching: Batching = Field(default_factory=Batching)
    network: str = setting("", help="Which of the bundle's networks answers; none: its first.")
    memory_mb: int | None = setting(
        None, ge=64, le=1_000_000, help="Memory of a version's process; none: no limit.", unit="MB"
    )
    shards: Sharding | None = setting(None, help="Cut it, and hold it on a Ray cluster.")
    weight: float = setting(
        1.0, gt=0, le=1000, help="Its share of compute beside other models' while all are busy."
    )
    keep_previous: int = setting(
        1, ge=0, le=10, help="Versions that stay loaded after others took their place."
    )
    transition: Literal["availability", "resource"] = setting(
        "availability", help="Load the new one first, or unload the old one first."
    )

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if bool(self.folder) == bool(self.registry):
            raise ValueError("expected either a folder or a name in the registry")
        if self.split and sum(self.split.values()) != PER_MILLE:
            raise ValueError(f"split: expected 1000 per mille, got {sum(self.split.values())}")
        if self.split and self.default_label:
            raise ValueError("expected either a split or a default_label")
        known = {*self.labels, *(self.aliases if self.registry else ())}
        for name in (*self.split, self.default_label, self.shadow):
            if name and name not in known:
                raise ValueError(f"no label {name!r}; there are {', '.join(sorted(known))}")
        return self

    @property
    def default(self) -> str:
        """Label of requests that name neither version nor label; empty for the greatest."""
        alias = self.aliases[0] if self.registry and self.aliases else ""
        return self.default_label or alias


@dataclass(frozen=True, config=SETTINGS)
class Limits:
    """What one client, one request or one load may take."""

    max_body_mb: int = setting(
        32,
        ge=1,
        le=2000,
        help="Size of a request, unpacked; gRPC's is set at the start.",
        unit="MB",
    )
    max_connections: int = setting(5000, ge=1, le=100_000, help="Connections of REST at a time.")
    head_s: float = setting(10.0, gt=0, le=3600, help="A request's head must be here.", unit="s")
    body_s: float = setting(60.0, gt=0, le=3600, help="A request's body must be here.", unit="s")
    slots: int | None = setting(
        None, ge=1, le=1000, help="Batches computed at a time, of all models; none: one a core."
    )
    answer_s: float = setting(
        60.0, gt=0, le=3600, help="Deadline of requests that name none.", unit="s"
    )
    load_s: float = setting(300.0, gt=0, le=86_400, help="A version must be loaded.", unit="s")
    drain_s: float = setting(30.0, ge=0, le=3600, help="Answers before the end.", unit="s")
    poll_s: float = setting(1.0, gt=0, le=3600, help="How often sources are looked at.", unit="s")
    retry_s: float = setting(
        1.0, gt=0, le=3600, help="Wait after a failed load; doubles each time.", unit="s"
    )
    max_retry_s: float = setting(300.0, gt=0, le=86_400, help="Longest such wait.", unit="s")


@dataclass(frozen=True, config=SETTINGS)
class LogConfig:
    """Which requests are kept with their answers, and how many."""

    folder: str = setting("", help="Where they are kept; none: nowhere.", path="write")
    share: int = setting(
        10, ge=0, le=PER_MILLE, help="Share of requests that are kept.", unit="per mille"
    )
    max_mb: int = setting(1000, ge=1, le=1_000_000, help="Size of all of them.", unit="MB")
    max_age_s: float = setting(7 * 86_400.0, gt=0, help="Age of the oldest.", unit="s")
    redact: tuple[str, ...] = setting(
        (), help="Inputs and outputs whose values are left out, by name.", max_length=100
    )


@dataclass(frozen=True, config=SETTINGS)
class ServingConfig:
    """All settings."""

    models: dict[Name, ModelConfig] = setting({}, help="Models by name.", max_length=1000)
    limits: Limits = Field(default_factory=Limits)
    log: LogConfig = Field(default_factory=LogConfig)
