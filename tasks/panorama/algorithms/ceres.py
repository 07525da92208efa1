"""Robust linear costs and the solver's settings for Ceres.

Source: Agarwal, Mierle and others, "Ceres Solver" (Google, 2012), chapters "Modeling
Non-linear Least Squares" and "Solving Non-linear Least Squares".

A cost holds many residuals at once, so that Python is called a few hundred times an iteration
and not tens of thousands of times. Ceres applies a loss to a whole residual block; here each
residual pair of a block is robust on its own, so the loss stands inside the cost, with its
exact derivative.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyceres

from tasks.core.errors import DataError
from tasks.panorama.types import FloatArray

# A wrong step is refused by the trust region, so loose tolerances only end the tail.
_FUNCTION_TOLERANCE = 1e-5
_PARAMETER_TOLERANCE = 1e-7

_DONE = (pyceres.TerminationType.CONVERGENCE, pyceres.TerminationType.NO_CONVERGENCE)


class RobustLinearCost(pyceres.CostFunction):  # type: ignore[misc]
    """Residuals ``constant + matrix @ x``, taken in pairs by a soft-L1 loss, or plain.

    Attributes:
        matrix: (2 n, size of x), or (m, size of x) for plain squares.
    """

    def __init__(
        self,
        matrix: FloatArray,
        constant: FloatArray,
        block_sizes: Sequence[int],
        loss_width: float | None = None,
        weights: FloatArray | None = None,
    ) -> None:
        """Set up the cost.

        Args:
            matrix: Derivative of the residuals, row by row.
            constant: Residuals at x = 0.
            block_sizes: Sizes of the parameter blocks that make up x, in order.
            loss_width: Length of a residual pair beyond which it counts linearly; None for
                plain squares.
            weights: (n,) factor of each pair's loss.
        """
        super().__init__()
        self.matrix = np.ascontiguousarray(matrix, np.float64)
        self._constant = np.ascontiguousarray(constant, np.float64)
        self._width = loss_width
        self._root_weights = None if weights is None else np.sqrt(weights)
        ends = np.cumsum(block_sizes)
        self._slices = [slice(end - n, end) for end, n in zip(ends, block_sizes, strict=True)]
        self.set_num_residuals(len(self._constant))
        self.set_parameter_block_sizes(list(block_sizes))

    def Evaluate(  # noqa: N802 - Ceres calls it by this name
        self, parameters: list[FloatArray], residuals: FloatArray, jacobians: Any
    ) -> bool:
        """Fill in residuals and, where asked for, their derivatives (flat, row-major)."""
        linear = self._constant + self.matrix @ np.concatenate(parameters)
        if self._width is None:
            residuals[:] = linear
            derivative = self.matrix
        else:
            residuals[:], derivative = self._robust(linear, self._width, jacobians is not None)
        if jacobians is not None:
            for block, columns in zip(jacobians, self._slices, strict=True):
                if block is not None:
                    block[:] = derivative[:, columns].ravel()
        return True

    def _robust(
        self, linear: FloatArray, width: float, with_derivative: bool
    ) -> tuple[FloatArray, FloatArray]:
        """Scale each pair r by g = sqrt(loss(s) / s), s = |r|^2, loss = 2 w^2 (root - 1)."""
        pairs = linear.reshape(-1, 2)
        root = np.sqrt(1.0 + np.einsum("ni,ni->n", pairs, pairs) / width**2)
        scale = np.sqrt(2.0 / (1.0 + root))
        slope = -scale / (2.0 * width**2 * root * (1.0 + root))
        if self._root_weights is not None:
            scale, slope = scale * self._root_weights, slope * self._root_weights
        residuals = (pairs * scale[:, None]).ravel()
        if not with_derivative:
            return residuals, self.matrix
        matrix = self.matrix.reshape(len(pairs), 2, -1)
        along = np.einsum("ni,nip->np", pairs, matrix)
        derivative = scale[:, None, None] * matrix
        derivative += (slope[:, None] * pairs)[:, :, None] * along[:, None, :]
        return residuals, derivative.reshape(len(linear), -1)


def solve(problem: pyceres.Problem, what: str, max_iterations: int) -> pyceres.SolverSummary:
    """Minimise a problem whose costs are written in Python.

    Args:
        problem: Costs and parameters; the parameters are changed in place.
        what: What is solved, for the error message.
        max_iterations: Iterations after which the best point so far is kept.

    Returns:
        Ceres's summary.

    Raises:
        DataError: The solver failed or left values that are not finite.
    """
    options = pyceres.SolverOptions()
    options.linear_solver_type = pyceres.LinearSolverType.SPARSE_NORMAL_CHOLESKY
    options.sparse_linear_algebra_library_type = pyceres.SparseLinearAlgebraLibraryType.SUITE_SPARSE
    options.num_threads = 1  # Python costs hold the interpreter's lock: more threads are slower
    options.max_num_iterations = max_iterations
    options.function_tolerance = _FUNCTION_TOLERANCE
    options.parameter_tolerance = _PARAMETER_TOLERANCE
    options.logging_type = pyceres.LoggingType.SILENT
    summary = pyceres.SolverSummary()
    pyceres.solve(options, problem, summary)
    if summary.termination_type not in _DONE or not np.isfinite(summary.final_cost):
        raise DataError(
            f"{what}: expected the solver to converge, but it ended with "
            f"{summary.termination_type} ({summary.message}); check the correspondences"
        )
    return summary


def _give_back_sigterm() -> None:
    """Undo the handler that the solver's logging library installs when it is imported.

    It would print a stack trace at a polite request to end and hide who asked.
    """
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGTERM) or signal.SIG_DFL)


_give_back_sigterm()
