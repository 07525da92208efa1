"""Memory that a training takes again at each step."""

from __future__ import annotations

import ctypes
from functools import lru_cache

# Of mallopt, from glibc's malloc.h.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_LARGEST_KEPT, _MOST_KEPT = 2**25, 2**30  # bytes; the first is the most that glibc takes


@lru_cache(maxsize=1)
def keep_freed_memory() -> None:
    """Let this process keep what it frees, up to a gibibyte, if its C library is glibc.

    The maps of a step are freed when it ends. glibc returns them to the system, which hands them
    out again page by page and blanked: up to a tenth of a step at 16 px.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, _LARGEST_KEPT)
        mallopt(_TRIM_THRESHOLD, _MOST_KEPT)
