from __future__ import annotations

import signal
import subprocess
import sys

import numpy as np
import pyceres
import pytest

from tasks.core.errors import DataError
from tasks.panorama.algorithms.fit.ceres import RobustLinearCost, solve


def test_derivative_of_the_robust_cost_is_exact() -> None:
    rng = np.random.default_rng(0)
    matrix, constant = rng.normal(size=(8, 5)), rng.normal(size=8) * 3
    weights = rng.uniform(0.2, 1, 3)  # the last two residuals are plain squares
    cost = RobustLinearCost(matrix, constant, [2, 3], 0.7, weights)

    def residuals(x: np.ndarray) -> np.ndarray:
        return np.ravel(cost.evaluate(x[:2], x[2:])[0])

    x = rng.normal(size=5)
    _, jacobians = cost.evaluate(x[:2], x[2:])
    exact = np.concatenate([np.reshape(j, (8, -1)) for j in jacobians], axis=1)
    for i in range(5):
        step = np.zeros(5)
        step[i] = 1e-6
        slope = (residuals(x + step) - residuals(x - step)) / 2e-6
        np.testing.assert_allclose(exact[:, i], slope, atol=1e-6)


def test_its_square_is_the_soft_l1_loss() -> None:
    pair = np.array([3.0, 4.0])
    cost = RobustLinearCost(np.eye(2), pair, [2], 2.0, np.array([0.5]))
    values = np.ravel(cost.evaluate(np.zeros(2))[0])
    assert values @ values == pytest.approx(0.5 * 2 * 4.0 * (np.sqrt(1 + 25 / 4.0) - 1))


def test_without_weights_residuals_are_plain_squares() -> None:
    cost = RobustLinearCost(np.eye(2), np.array([3.0, 4.0]), [2], 0.1)
    np.testing.assert_array_equal(np.ravel(cost.evaluate(np.zeros(2))[0]), [3.0, 4.0])


def test_an_outlier_hardly_moves_the_estimate() -> None:
    samples = np.array([[1.0, 2.0]] * 9 + [[100.0, 100.0]])
    cost = RobustLinearCost(np.tile(np.eye(2), (10, 1)), -samples.ravel(), [2], 0.1, np.ones(10))
    estimate = np.zeros(2)
    problem = pyceres.Problem()
    problem.add_residual_block(cost, None, [estimate])
    solve(problem, "mean", 50)
    np.testing.assert_allclose(estimate, [1.0, 2.0], atol=0.05)


def test_a_failing_solver_is_an_error() -> None:
    cost = RobustLinearCost(np.eye(2), np.full(2, np.nan), [2])
    problem = pyceres.Problem()
    problem.add_residual_block(cost, None, [np.zeros(2)])
    with pytest.raises(DataError, match="warp of nothing"):
        solve(problem, "warp of nothing", 5)


def test_importing_the_solver_leaves_sigterm_alone() -> None:
    code = (
        "import os, signal, tasks.panorama.algorithms.fit.ceres\n"
        "os.kill(os.getpid(), signal.SIGTERM)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert ended.returncode == -signal.SIGTERM
    assert b"***" not in ended.stderr
