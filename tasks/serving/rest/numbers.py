"""Short decimals for floats of 32 bits and less, so that 0.1 is written as 0.1.

Their values as doubles would be written with 17 digits. Of many values six digits are used where
they give the same float again, as TensorFlow Serving does, else nine, which always do.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

_DIGITS = (6, 9)
_MAX_POWER = 22  # greatest power of ten that a double holds exactly
_FEW = 8


def listed(array: npt.NDArray[Any]) -> Any:
    """An array as nested lists: of doubles whose shortest decimals give its floats again."""
    if array.dtype.kind != "f" or array.dtype.itemsize == np.dtype(np.float64).itemsize:
        return array.tolist()
    return _few(array) if array.size <= _FEW else _shortened(array).tolist()


def _few(array: npt.NDArray[Any]) -> Any:
    """NumPy's own shortest decimals: of few values they cost less than work on whole arrays."""
    if array.ndim > 1:
        return [_few(each) for each in array]
    short = [float(str(each)) for each in array.ravel()]
    return short if array.ndim else short[0]


def _shortened(array: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    values = array.astype(np.float64)
    with np.errstate(all="ignore"):
        places = np.floor(np.log10(np.abs(values)))
        found = _rounded(values, _DIGITS[1] - 1 - places)
        few = _rounded(values, _DIGITS[0] - 1 - places)
        found = np.where(few.astype(array.dtype) == array, few, found)
        far = (np.abs(places) > _MAX_POWER - _DIGITS[1]) & (values != 0)
    found = np.where(values == 0, values, found)
    found[far] = [float(str(each)) for each in array[far]]
    return found


def _rounded(values: npt.NDArray[Any], places: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Values to so many decimal places: a whole number by or over an exact power of ten."""
    power = np.power(10.0, np.abs(places))
    is_over = places >= 0
    whole = np.rint(np.where(is_over, values * power, values / power))
    found: npt.NDArray[Any] = np.where(is_over, whole / power, whole * power)
    return found
