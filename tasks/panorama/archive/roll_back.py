"""Publishes former panoramas of an archive again; the same command once more undoes it.

    python -m tasks.panorama.archive.roll_back FOLDER --captures corner-17 corner-18
    python -m tasks.panorama.archive.roll_back FOLDER --run scheduled__2026-11-30T03:00:00+00:00

The folder is what `publish.export_to` named, on a disk or in an object store (``s3://…``). What is
rolled back is withdrawn: later runs leave it so until they make another version of the capture.
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tasks.core.errors import OrreryError
from tasks.panorama.archive.published import roll_back_files

logger = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(
        prog="python -m tasks.panorama.archive.roll_back",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", help="the archive: what publish.export_to named")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--captures", nargs="+", default=[], help="captures to roll back")
    what.add_argument("--run", default="", help="a run; all that it published is rolled back")
    given = parser.parse_args(arguments)
    try:
        with tempfile.TemporaryDirectory() as scratch:
            names = roll_back_files(given.folder, given.captures, given.run, Path(scratch))
    except OrreryError as error:
        logger.error("ERROR %s", error)  # noqa: TRY400 - said for people
        return 1
    logger.info("%d rolled back: %s", len(names), ", ".join(names))
    return 0


if __name__ == "__main__":
    sys.exit(main())
