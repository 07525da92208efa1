"""Named, versioned functions before and after a network: what its graph can't do.

A bundle names such a function and the version that it was made with; it is code of `tasks`, that is
installed, and says of itself that it is one. So no bundle calls anything else, and a function that
changed what it computes refuses bundles that were made with the one before.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from tasks.bundle.arrays import Arrays
from tasks.bundle.manifest import Step
from tasks.core.errors import DataError

StepFunction = Callable[[Arrays], Arrays]
FunctionT = TypeVar("FunctionT", bound=StepFunction)
_ATTRIBUTE = "__orrery_step__"


def step(version: int) -> Callable[[FunctionT], FunctionT]:
    """Declare a function that bundles may name.

    Args:
        version: Raised by whoever changes what it computes.
    """

    def declare(function: FunctionT) -> FunctionT:
        setattr(function, _ATTRIBUTE, version)
        return function

    return declare


def step_of(function: StepFunction) -> Step:
    """How a bundle names a function."""
    place = f"{function.__module__}:{function.__name__}"
    return Step(function=place, version=getattr(function, _ATTRIBUTE))


def find_step(named: Step | None, where: str) -> StepFunction:
    """Return the function that a bundle names; None stands for one that changes nothing.

    Raises:
        DataError: There is none of that name and version.
    """
    if named is None:
        return lambda arrays: arrays
    function = installed(named.function, where)
    version = getattr(function, _ATTRIBUTE, None)
    if version != named.version:
        has = "is no step" if version is None else f"has version {version}"
        raise DataError(
            f"{where}: expected {named.function} of version {named.version}, it {has}; install the "
            "release that made the bundle, or make it again"
        )
    found: StepFunction = function
    return found


def installed(name: str, where: str) -> Any:
    """Return what a ``module:name`` of `tasks` stands for, if it was defined there.

    Raises:
        DataError: There is no such thing.
    """
    module, _, attribute = name.partition(":")
    try:
        found = getattr(importlib.import_module(module), attribute)
        if getattr(found, "__module__", None) == module:
            return found
        reason = "it comes from elsewhere"
    except (ImportError, AttributeError) as error:
        reason = str(error)
    raise DataError(f"{where}: expected {name} to be defined in this installation: {reason}")


@step(1)
def shares(outputs: Arrays) -> Arrays:
    """Scores (n, k) that add up to one, of the one output's logits (n, k)."""
    (logits,) = outputs.values()
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return {"scores": weights / weights.sum(axis=-1, keepdims=True)}
