"""Loads all kernels at once."""

from __future__ import annotations

import inspect
from typing import Any, Final

from numba import types

from tasks.nas.models.layout.kernels import norms, products, windows

KERNELS: Final[tuple[Any, ...]] = (
    products.product,
    products.outer,
    windows.weighted,
    windows.weighted_back,
    windows.greatest,
    windows.greatest_back,
    norms.standardised,
    norms.standardised_back,
)
_SCALARS: Final = {"int": types.int64, "float": types.float64, "bool": types.boolean}


def load_kernels() -> None:
    """Compile all kernels for float32, or load what was compiled: else each one's first call does.

    A compiler that was interrupted is of no use to its process any more, so whoever runs kernels
    within limits of time or memory calls this before.
    """
    for kernel in KERNELS:
        annotated = inspect.get_annotations(kernel.py_func)
        _, *others = (kind for name, kind in annotated.items() if name != "return")
        kernel.compile((types.float32, *(_SCALARS[kind] for kind in others)))
