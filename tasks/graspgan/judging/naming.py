"""What is compared is named before the test is opened.

Controls are named by labels of the target's validation split, which favours them. Adaptations that
do without labels can't be named by labels: they are named by simulation's validation split, painted
with textures that were cut from unlabelled pictures of the target.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tasks.graspgan.judging.answers import Answers
from tasks.graspgan.judging.opened import TREES
from tasks.graspgan.judging.verdicts import has_curve
from tasks.graspgan.methods import Method, is_headline, methods


@dataclass(frozen=True)
class Named:
    """Names of methods; see `tasks.graspgan.judging.manifests.TargetResult`.

    Attributes:
        control: The best control.
        network: The best control that is a network.
        adapted: The best adaptation; the best network where nothing was adapted.
        curve_of: Control and adaptation whose curves over labels are compared.
    """

    control: str
    network: str
    adapted: str
    curve_of: tuple[str, str] | None


def named(validation: Answers, painted: Answers) -> Named:
    """Name the best of a target.

    Args:
        validation: Of the target's validation split.
        painted: Of simulation's, in the target's own textures.
    """
    trained = [each for each in methods("all") if each.name in validation.said]
    trees = [each.method for each in TREES.values() if each.method.name in validation.said]
    networks = [each.name for each in trained if each.is_control]
    adapted = [each.name for each in trained if _is_adaptation(each)]
    network = validation.best_of(networks)
    return Named(
        control=validation.best_of([network, *(each.name for each in trees if each.is_control)]),
        network=network,
        adapted=painted.best_of(adapted) if adapted else network,
        curve_of=_with_curves(networks, adapted, validation, painted),
    )


def _is_adaptation(method: Method) -> bool:
    """Whether it adapts without labels, and is trained with all seeds."""
    is_control = method.is_control or bool(method.label_share) or not method.standardises
    return not is_control and is_headline(method)


def _with_curves(
    networks: Sequence[str], adapted: Sequence[str], validation: Answers, painted: Answers
) -> tuple[str, str] | None:
    ends = [
        [name for name in names if has_curve(name, validation.said)]
        for names in (networks, adapted)
    ]
    return (validation.best_of(ends[0]), painted.best_of(ends[1])) if all(ends) else None
