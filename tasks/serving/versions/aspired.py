"""Which of a model's versions should be served."""

from __future__ import annotations

from collections.abc import Iterable

from tasks.serving.config import ModelConfig


def aspired_of_folder(model: ModelConfig, there: Iterable[int]) -> frozenset[int]:
    """Versions that should be served of those in a folder; without a policy the greatest.

    Args:
        model: The model's settings.
        there: Numbers of its versions.
    """
    return _picked(model, there, default=1)


def aspired_of_registry(
    model: ModelConfig, there: Iterable[int], aliases: dict[str, int]
) -> frozenset[int]:
    """Versions that should be served of a registry: those of its aliases, and by policy.

    Args:
        model: The model's settings.
        there: Numbers of its versions.
        aliases: Version of each alias.
    """
    named = {aliases[each] for each in model.aliases if each in aliases}
    return _picked(model, there, default=0) | named


def _picked(model: ModelConfig, there: Iterable[int], default: int) -> frozenset[int]:
    policy, known = model.policy, sorted(set(there))
    if policy.all:
        return frozenset(known)
    if policy.specific:
        return frozenset(policy.specific)
    num = default if policy.latest is None else policy.latest
    return frozenset(known[-num:] if num else ())
