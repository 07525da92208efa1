"""Files of other projects that pages hold, so that they need nothing but themselves.

`make assets` fetches them, once for all pages, by the versions and hashes that
`requirements/assets` pins. Where it was not run a page is made without them, and says so.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

# The files count in a stage's key like code, because their names stand here.
PANNELLUM: Final = (
    "vendored/pannellum/build/pannellum.js",
    "vendored/pannellum/build/pannellum.css",
    "vendored/pannellum/COPYING",
)
"""A viewer of spheres by Matthew Petroff: script, style, licence (MIT)."""


def read_assets(names: tuple[str, ...]) -> tuple[str, ...] | None:
    """Read the files of a package.

    Args:
        names: Their paths, as this module states them.

    Returns:
        Their texts in this order; None where they were not fetched.
    """
    paths = [Path(__file__).parent / name for name in names]
    if not all(path.is_file() for path in paths):
        return None
    return tuple(path.read_text("utf-8") for path in paths)
