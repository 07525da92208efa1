"""Fetches one version's bundle from MLflow, and ends: its client would take the server's memory.

    python -m operators.serving.models.fetch <address> <name> <version> <folder>

What goes wrong is said on the standard output, in one line.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from operators.plain_log import plain, say
from tasks.core.errors import OrreryError


def main(arguments: Sequence[str]) -> int:
    """Fetch; returns the exit code."""
    from operators.record.model_registry import fetch

    uri, name, version, folder = arguments
    try:
        fetch(uri, name, int(version), Path(folder))
    except OrreryError as error:
        say(plain(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
