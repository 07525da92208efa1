"""Starting a program while all threads of this process go on.

`subprocess` and `os.posix_spawn` hold the interpreter's lock until the child has become the
program: every thread stands still for as long as that waits for a core. A call by ctypes lets go
of the lock, and only the thread that calls waits.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Mapping, Sequence

_LIBC = ctypes.CDLL(None)
_ACTIONS_BYTES = 256  # posix_spawn_file_actions_t is an opaque one of 80, in glibc as in musl


def spawn(command: Sequence[str], env: Mapping[str, str], descriptors: Sequence[int]) -> int:
    """Start a program; nothing comes from its standard input, and it prints where this one does.

    Args:
        command: Path of the program, and its arguments.
        env: Its environment.
        descriptors: What it inherits, by the same numbers; of the others only what is inheritable.

    Returns:
        Its process id, for which the caller waits one day.

    Raises:
        OSError: It can't be started.
    """
    actions, pid = ctypes.create_string_buffer(_ACTIONS_BYTES), ctypes.c_int()
    arguments, variables = _strings(command), _strings([f"{k}={v}" for k, v in env.items()])
    _check(_LIBC.posix_spawn_file_actions_init(actions))
    try:
        null = os.devnull.encode()
        _check(_LIBC.posix_spawn_file_actions_addopen(actions, 0, null, os.O_RDONLY, 0))
        for each in descriptors:  # onto itself: it stays open (glibc 2.29, POSIX 2024)
            _check(_LIBC.posix_spawn_file_actions_adddup2(actions, each, each))
        path = os.fsencode(command[0])
        _check(_LIBC.posix_spawn(ctypes.byref(pid), path, actions, None, arguments, variables))
    finally:
        _LIBC.posix_spawn_file_actions_destroy(actions)
    return pid.value


def _strings(values: Sequence[str]) -> ctypes.Array[ctypes.c_char_p]:
    encoded = [*map(os.fsencode, values), None]
    return (ctypes.c_char_p * len(encoded))(*encoded)


def _check(code: int) -> None:
    if code:
        raise OSError(code, os.strerror(code))
