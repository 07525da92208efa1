"""Whether something fits into memory, asked before it is made."""

from __future__ import annotations

import os
import resource

from tasks.core.errors import ResourceError


def check_room(num_bytes: int, what: str) -> None:
    """Make sure that something fits into memory, before it is made.

    Raises:
        ResourceError: It needs more than this machine, or this process, may have.
    """
    room = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    room = room if limit == resource.RLIM_INFINITY else min(room, limit)
    if num_bytes > room:
        raise ResourceError(
            f"{what} would take {num_bytes / 1e9:,.1f} GB of memory, and there are "
            f"{room / 1e9:.1f} GB; give less, or use a larger machine"
        )
