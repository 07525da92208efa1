"""Leaving a process in order when it is told to end."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_AGAIN_S = 1


@contextmanager
def ended_by_signals() -> Iterator[Callable[[], None]]:
    """Leave through the ``finally`` clauses on TERM and Ctrl-C.

    What a handler raises is lost where it hits a destructor, so it raises again each second
    until the ending has begun. From then on no signal disturbs it.

    Yields:
        What to call when the ending begins.
    """
    handled, first = (signal.SIGTERM, signal.SIGINT), 0

    def leave(number: int, _frame: object) -> None:
        nonlocal first
        first = first or number
        signal.signal(signal.SIGALRM, leave)
        signal.alarm(_AGAIN_S)
        raise KeyboardInterrupt if first == signal.SIGINT else SystemExit(128 + first)

    def begin_to_end() -> None:
        if first:
            signal.alarm(0)
        for number in handled:
            signal.signal(number, signal.SIG_IGN)

    try:
        before = {number: signal.signal(number, leave) for number in handled}
    except ValueError:  # not the main thread: whoever owns that one decides
        yield lambda: None
        return
    alarm = signal.getsignal(signal.SIGALRM)
    try:
        yield begin_to_end
    finally:
        begin_to_end()
        for number, handler in (before | {signal.SIGALRM: alarm}).items():
            signal.signal(number, handler)
