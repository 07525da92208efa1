"""Settings of the `release_model` pipeline."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from tasks.core.config import SETTINGS, setting

_NAME = r"^[A-Za-z0-9._-]{0,100}$"


@dataclass(frozen=True, config=SETTINGS)
class FetchConfig:
    """Which version is released, and as what the server knows it."""

    model: str = setting(
        "",
        param="model",
        pattern=_NAME,
        needed=True,
        help="Name of the model in the registry, e.g. cells-cifar10.",
    )
    version: str = setting(
        "champion",
        param="version",
        pattern=r"^[A-Za-z0-9_.-]{1,100}$",
        help="The version's number, or an alias of the registry.",
    )
    served: str = setting(
        "",
        pattern=_NAME,
        help="Name under which the server has it; found by its settings if empty.",
    )


@dataclass(frozen=True, config=SETTINGS)
class CheckConfig:
    """What must hold before anybody is answered, beside the golden answers."""

    max_us: float | None = setting(
        None, gt=0, le=1e9, unit="us", help="CPU time of an item alone, in the first network."
    )


@dataclass(frozen=True, config=SETTINGS)
class ShadowConfig:
    """What is asked again of the candidate and of the version that answers now."""

    load_s: float = setting(
        600.0, gt=0, le=86_400, unit="s", help="The server must have loaded it by then."
    )
    log: str = setting(
        "",
        param="log",
        path="read",
        help="Folder or file of the server's request log; the bundle's own examples if empty.",
    )
    max_rows: int = setting(1000, ge=1, le=1_000_000, help="Newest requests that are asked again.")
    max_failed: float = setting(0.01, ge=0, lt=1, help="Share that the candidate may leave out.")
    max_disagreeing: float = setting(
        0.1, ge=0, lt=1, help="Share of answers that may name another class, or be no numbers."
    )
    max_differing: float = setting(
        1.0, ge=0, le=1, help="Share that may differ by more than the signature's tolerance."
    )


@dataclass(frozen=True, config=SETTINGS)
class CanaryConfig:
    """How the candidate's share of the live requests grows, and what takes it back."""

    steps: tuple[Annotated[int, Field(ge=1, lt=1000)], ...] = setting(
        (50, 200, 500),
        param="steps",
        unit="per mille",
        min_length=1,
        max_length=20,
        help="Shares of the requests that it gets, one after the other.",
    )
    min_answers: int = setting(
        500, ge=1, le=10_000_000, help="Answers of the candidate that a step takes."
    )
    max_step_s: float = setting(
        7200.0, gt=0, le=2_592_000, unit="s", help="A step without so many by then is taken back."
    )
    poll_s: float = setting(5.0, gt=0, le=600, unit="s", help="How often the counts are read.")
    alpha: float = setting(
        0.05, gt=0, le=0.5, help="Chance of taking back a candidate that is no worse than allowed."
    )
    max_failed_ratio: float = setting(
        1.5, ge=1, le=100, help="How many times as often as the other version it may fail."
    )
    max_slow_ratio: float = setting(
        2.0, ge=1, le=100, help="How many times as often it may be slower than the other's p99."
    )
    max_disagreeing: float = setting(
        0.1, gt=0, lt=1, help="Share of live answers that may name another class, or be no numbers."
    )

    @model_validator(mode="after")
    def _grows(self) -> Self:
        if list(self.steps) != sorted(set(self.steps)):
            raise ValueError("steps: expected shares that grow")
        return self


@dataclass(frozen=True, config=SETTINGS)
class DecideConfig:
    """What follows: the candidate answers all, or nobody."""

    promotes: bool = setting(True, help="Whether a candidate that passed is promoted at once.")


@dataclass(frozen=True, config=SETTINGS)
class ReleaseModelConfig:
    """All settings: one section a stage."""

    seed: int = setting(0, ge=0, le=2**53 - 1, help="Root of all random draws; there is none.")
    fetch: FetchConfig = Field(default_factory=FetchConfig)
    check: CheckConfig = Field(default_factory=CheckConfig)
    shadow: ShadowConfig = Field(default_factory=ShadowConfig)
    canary: CanaryConfig = Field(default_factory=CanaryConfig)
    decide: DecideConfig = Field(default_factory=DecideConfig)
