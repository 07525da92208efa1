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
_FUNCTION_TOLERANCE = 1e-4
_PARAMETER_TOLERANCE = 1e-7
# Steps come from conjugate gradients on the normal equations, each only as exact as the next one
# will need (forcing term of an inexact Newton step): a third of the time of factorising them, for
# the same cost to five digits.
_FORCING = 0.03

_DONE = (pyceres.TerminationType.CONVERGENCE, pyceres.TerminationType.NO_CONVERGENCE)


class RobustLinearCost(pyceres.CostFunction):  # type: ignore[misc]
    """Residuals ``constant + matrix @ x``: the first in pairs under a soft-L1 loss, others plain.

    Attributes:
        matrix: (m, size of x).
    """

    def __init__(
        self,
        matrix: FloatArray,
        constant: FloatArray,
        block_sizes: Sequence[int],
        loss_width: float = np.inf,
        weights: FloatArray | None = None,
    ) -> None:
        """Set up the cost.

        Args:
            matrix: Derivative of the residuals, row by row.
            constant: Residuals at x = 0.
            block_sizes: Sizes of the parameter blocks that make up x, in order.
            loss_width: Length of a residual pair beyond which it counts linearly.
            weights: (n,) factor of the loss of each of the first n residual pairs; residuals
                beyond them, or all without weights, are plain squares.
        """
        super().__init__()
        self.matrix = np.ascontiguousarray(matrix, np.float64)
        self._constant = np.ascontiguousarray(constant, np.float64)
        self._width = loss_width
        self._root_weights = np.sqrt(np.empty(0) if weights is None else weights)
        self._num_robust = 2 * len(self._root_weights)
        ends = np.cumsum(block_sizes).tolist()
        self._slices = [slice(end - n, end) for end, n in zip(ends, block_sizes, strict=True)]
        self.set_num_residuals(len(self._constant))
        self.set_parameter_block_sizes(list(block_sizes))

    def Evaluate(  # noqa: N802 - Ceres calls it by this name
        self, parameters: list[FloatArray], residuals: FloatArray, jacobians: Any
    ) -> bool:
        """Fill in residuals and, where asked for, their derivatives (flat, row-major)."""
        linear = self.matrix @ np.concatenate(parameters)
        linear += self._constant
        residuals[:] = linear
        derivative = self.matrix
        if self._num_robust:
            derivative = self._make_robust(linear, residuals, jacobians is not None)
        if jacobians is not None:
            for block, columns in zip(jacobians, self._slices, strict=True):
                if block is not None:
                    block.reshape(len(derivative), -1)[:] = derivative[:, columns]
        return True

    def _make_robust(
        self, linear: FloatArray, residuals: FloatArray, with_derivative: bool
    ) -> FloatArray:
        """Scale each pair r by g = sqrt(loss(s) / s), s = |r|^2, loss = 2 w^2 (root - 1)."""
        num, width = self._num_robust, self._width
        pairs = linear[:num].reshape(-1, 2)
        root = np.sqrt(1.0 + np.einsum("ni,ni->n", pairs, pairs) / width**2)
        scale = np.sqrt(2.0 / (1.0 + root)) * self._root_weights
        residuals[:num] = (pairs * scale[:, None]).ravel()
        if not with_derivative:
            return self.matrix
        slope = -scale / (2.0 * width**2 * root * (1.0 + root))
        matrix = self.matrix[:num].reshape(len(pairs), 2, -1)
        along = np.einsum("ni,nip->np", pairs, matrix)
        derivative = self.matrix.copy()
        robust = derivative[:num].reshape(matrix.shape)
        robust *= scale[:, None, None]
        robust += (slope[:, None] * pairs)[:, :, None] * along[:, None, :]
        return derivative


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
    options.linear_solver_type = pyceres.LinearSolverType.CGNR
    options.preconditioner_type = pyceres.PreconditionerType.JACOBI
    options.eta = _FORCING
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
