"""The errors of Orrery. A message says what was expected, what came, where, and what to do."""

from __future__ import annotations


class OrreryError(Exception):
    """Root of all errors that Orrery raises on purpose."""


class ConfigError(OrreryError):
    """A setting is unknown, of the wrong type or out of its range."""


class ArtifactError(OrreryError):
    """A stored artifact is missing, cut short or not what its reference promises."""


class DataError(OrreryError):
    """An input item can't be used; the item is listed with the reason and the rest goes on."""


class PassingError(DataError):
    """An input item can't be used now, but may be later; the next run tries it again."""


class ResourceError(OrreryError):
    """The machine lacks what the work needs: a GPU, a package, memory or disk space."""


class TransientError(OrreryError):
    """A driver, worker, node, store or server was lost; the same call may succeed later.

    The only error that is retried.
    """


class NotWritableError(TransientError):
    """A disk or store is full or read-only; worth one more try after a minute, not more."""


class WorkerLostError(TransientError):
    """The worker that ran a call died, or the call passed its time or memory limit."""
