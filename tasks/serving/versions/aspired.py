"""Which of a model's versions should be served."""

from __future__ import annotations

from tasks.serving.config import ModelConfig
from tasks.serving.versions.folder import Listing


def aspired_of(model: ModelConfig, there: Listing) -> frozenset[int]:
    """Versions that should be served: by policy, and of a registry those of its aliases.

    Without a policy a folder's greatest is, and of a registry none but those.

    Args:
        model: The model's settings.
        there: What its source has.
    """
    policy, known = model.policy, sorted(there.versions)
    named = {there.aliases[each] for each in model.aliases if each in there.aliases}
    if policy.all:
        return frozenset(known)
    if policy.specific:
        return frozenset(policy.specific) | named
    num = (0 if model.registry else 1) if policy.latest is None else policy.latest
    return frozenset(known[-num:] if num else ()) | named
