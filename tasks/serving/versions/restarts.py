"""When a worker that was lost is started again: after a pause, and not for ever."""

from __future__ import annotations

_STEADY_S, _PAUSE_S, _MAX_EARLY = 60.0, 0.2, 5


class Restarts:
    """Losses of one version's worker.

    Attributes:
        num: How often it was lost.
    """

    def __init__(self) -> None:
        """Begin with none."""
        self.num = self._num_early = 0

    def lost(self, lived_s: float) -> float | None:
        """Note a loss; returns the seconds to wait before the next start, None for no more.

        Args:
            lived_s: How long the worker had lived; one that lived for long has no history.
        """
        self.num += 1
        self._num_early = self._num_early + 1 if lived_s < _STEADY_S else 0
        if self._num_early > _MAX_EARLY:
            return None
        return _PAUSE_S * max(0, self._num_early - 1)
