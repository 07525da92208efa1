"""What is larger than memory is refused before it is made."""

from __future__ import annotations

import pytest

from tasks.core.errors import ResourceError
from tasks.intake.memory import check_room


def test_what_memory_can_not_hold_is_refused() -> None:
    check_room(1000, "it")
    with pytest.raises(ResourceError, match=r"it would take 1,000,000,000\.0 GB"):
        check_room(10**18, "it")
