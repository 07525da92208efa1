"""Whose is a folder that only one process uses? Its name says so, and outlives a kill.

A name holds the machine, the process and when that began: ``node7-4321-1764445216``.
"""

from __future__ import annotations

import functools
import os
import platform
import re

import psutil

# A process id is not given anew that soon, and a clock may have been set meanwhile.
_TOLERANCE_S = 60
_OURS = re.compile(rf"(?:^|-){re.escape(platform.node())}-(?P<pid>\d+)-(?P<begun>\d+)")


def owner() -> str:
    """Name of this process, for the names of its folders."""
    return _name(os.getpid())  # which a fork has of its own


@functools.cache
def _name(pid: int) -> str:
    return f"{platform.node()}-{pid}-{psutil.Process(pid).create_time():.0f}"


def is_nobodys(name: str) -> bool:
    """Whether a folder's name tells of a process of this machine that has ended."""
    found = _OURS.search(name)
    if found is None:
        return False
    try:
        begun_s = psutil.Process(int(found["pid"])).create_time()
    except psutil.Error:
        return True
    return abs(begun_s - int(found["begun"])) > _TOLERANCE_S
