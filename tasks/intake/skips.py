"""A few odd items are left out and named; many of them mean that the data itself is wrong.

A share of a small set is less than one item, and one odd item says nothing of the others: so one
may be left out wherever any may, as long as another is left.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tasks.core.errors import DataError

if TYPE_CHECKING:  # settings read the share below, and DAG files load those without NumPy
    from tasks.core.ports import Skipped

logger = logging.getLogger(__name__)

MAX_SKIPPED_FRACTION = 0.05
"""Part of a folder or a list that may be unusable where no setting says otherwise, or one item."""
_NUM_NAMED, _MAX_CHARS = 5, 300


def check_few(
    skipped: Sequence[Skipped],
    num_items: int,
    what: str,
    max_skipped_fraction: float | None = None,
) -> None:
    """Log what is left out.

    Args:
        skipped: What can't be used.
        num_items: All there are, with those.
        what: What they are, for messages, e.g. ``images of train``.
        max_skipped_fraction: Greatest part of them that may be left out, in [0, 1], where a setting
            says it; above 0 one of several always may.

    Raises:
        DataError: More are; the message names the first and the reasons.
    """
    for each in skipped:
        logger.warning("skipped: %s", _told(each))
    share, setting = MAX_SKIPPED_FRACTION, ""
    if max_skipped_fraction is not None:
        share, setting = max_skipped_fraction, " (max_skipped_fraction)"
    allowed = share * num_items
    if share > 0 and num_items > 1:
        allowed = max(allowed, 1)
    if len(skipped) > allowed:
        named = "; ".join(_told(each) for each in skipped[:_NUM_NAMED])
        more = f"; and {len(skipped) - _NUM_NAMED} more" if len(skipped) > _NUM_NAMED else ""
        raise DataError(
            f"{len(skipped)} {what} can't be used: {named}{more}; at most {share:.0%} of "
            f"{num_items} may be left out{setting}: repair them or take them out"
        )


def _told(each: Skipped) -> str:
    is_named = each.item_id in each.reason
    text = each.reason if is_named else f"{each.item_id}: {each.reason}"
    return text if len(text) <= _MAX_CHARS else f"{text[:_MAX_CHARS]}…"
