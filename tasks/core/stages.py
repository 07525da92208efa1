"""What a stage declares about itself: its settings, libraries and repeatability."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeVar

StageFunction = TypeVar("StageFunction", bound=Callable[..., object])
_ATTRIBUTE = "__orrery_stage__"


@dataclass(frozen=True)
class StageSpec:
    """The declaration that `stage` attaches to a stage function.

    Attributes:
        name: System and stage, e.g. ``panorama.match``; enters the stage key.
        section: Section of the pipeline's settings that the stage receives.
        libraries: Numeric libraries whose versions enter the key (distribution names).
        draws: Whether the stage draws random numbers; the root seed then enters the key.
        reads_outside: Whether the inputs are the world outside the store (a user's folder).
            Each run looks again; what is unchanged is found, since items are keyed by what
            they read, and what follows by the content.
        fans_out: Whether the stage returns a list of results, one per group; the number of
            groups then enters the key of the stage, never that of its items.
        device: ``cpu``; ``gpu`` (fails where there is none); ``any`` (falls back, and says so).
        tolerances: For a stage whose repetition is not exact: named values and how far they
            may differ.
        replays: Whether the result depends on the order in which items end, so that it is
            repeated by replaying the noted order; see `tasks.core.ports.ItemPool`.
    """

    name: str
    section: str
    libraries: tuple[str, ...] = ()
    draws: bool = False
    reads_outside: bool = False
    fans_out: bool = False
    device: Literal["cpu", "gpu", "any"] = "cpu"
    tolerances: tuple[tuple[str, float], ...] = ()
    replays: bool = False


def stage(spec: StageSpec) -> Callable[[StageFunction], StageFunction]:
    """Declare a function as a stage: ``(*inputs, config, ctx) -> ArtifactRef`` or a list."""

    def declare(function: StageFunction) -> StageFunction:
        setattr(function, _ATTRIBUTE, spec)
        return function

    return declare


def spec_of(function: Callable[..., object]) -> StageSpec:
    """Return the declaration of a stage function.

    Raises:
        TypeError: The function is not declared as a stage.
    """
    spec = getattr(function, _ATTRIBUTE, None)
    if not isinstance(spec, StageSpec):
        raise TypeError(f"{function!r} is not a stage: decorate it with tasks.core.stages.stage")
    return spec
