"""Outcomes of items: which can be used, and whether too many can't."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from tasks.core.errors import DataError
from tasks.core.ports import Skipped
from tasks.core.records import Record

OutcomeT = TypeVar("OutcomeT", bound=Record)
_NUM_NAMED = 10


def split(
    outcomes: Sequence[OutcomeT | Skipped], max_skipped_fraction: float
) -> tuple[tuple[OutcomeT, ...], tuple[Skipped, ...]]:
    """Part the made items from the skipped ones, both in order.

    Args:
        outcomes: What `Items.map` returned.
        max_skipped_fraction: Greatest part of the items that may be skipped, in [0, 1].

    Raises:
        DataError: More were skipped; the message names them and the reasons.
    """
    skipped = tuple(each for each in outcomes if isinstance(each, Skipped))
    made = tuple(each for each in outcomes if not isinstance(each, Skipped))
    if len(skipped) > max_skipped_fraction * len(outcomes):
        named = "; ".join(f"{each.item_id}: {each.reason}" for each in skipped[:_NUM_NAMED])
        more = f"; and {len(skipped) - _NUM_NAMED} more" if len(skipped) > _NUM_NAMED else ""
        raise DataError(
            f"{len(skipped)} of {len(outcomes)} items can't be used, at most "
            f"{max_skipped_fraction:.0%} may be skipped (max_skipped_fraction): {named}{more}"
        )
    return made, skipped
