"""Steering: which mixture of policies gives a share of successes between two bounds.

A predictor of success learns little where nearly all attempts fail, or nearly none. Shares and
their uncertainty come from a pilot or from earlier data: Wilson's interval with as many attempts
as the design effect leaves of them, since attempts in one scene resemble each other (L. Kish,
"Survey Sampling", 1965); intervals of a mixture by the method of variance estimates recovery
(G. Y. Zou, A. Donner, "Construction of confidence limits about effect measures: a general
approach", Statistics in Medicine 27, 2008).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np

from tasks.core.errors import ConfigError
from tasks.grasping.algorithms.policies import POLICIES, Mixture, PolicyName
from tasks.grasping.config import PolicyConfig
from tasks.report.estimates import wilson

_STEP: Final = 0.01  # of a mixture's parts
_SAME: Final = 0.005  # expected shares of successes that don't differ

Interval = tuple[float, float]
Parts = tuple[float, float, float]


@dataclass(frozen=True)
class Rate:
    """Measured share of successes of one policy.

    Attributes:
        attempts: Attempts that were made.
        successes: Those that lifted an object.
        design_effect: Factor by which attempts that share scenes widen the variance, at least 1.
    """

    attempts: int
    successes: int
    design_effect: float = 1.0

    @property
    def share(self) -> float:
        """Successes per attempt."""
        return self.successes / self.attempts

    @property
    def interval(self) -> Interval:
        """Where the share lies with 95 % confidence (Wilson)."""
        return wilson(self.successes / self.design_effect, self.attempts / self.design_effect)


@dataclass(frozen=True)
class Steering:
    """The mixture that is used.

    Attributes:
        mixture: Its parts.
        share: Expected share of successes.
        interval: Where that lies with 95 % confidence.
        is_sure: Whether the whole interval lies between the bounds, not just a part of it.
    """

    mixture: Mixture
    share: float
    interval: Interval
    is_sure: bool


def rate_of(scenes: Sequence[tuple[int, int]]) -> Rate:
    """Sum up a policy's attempts.

    Args:
        scenes: Attempts and successes in each scene.
    """
    counts = np.array([each for each in scenes if each[0]], np.float64).reshape(-1, 2)
    num_scenes, (attempts, successes) = len(counts), counts.sum(axis=0)
    effect = 1.0
    if num_scenes > 1 and 0 < successes < attempts:
        share = successes / attempts
        by_chance = share * (1 - share) * attempts
        seen = ((counts[:, 1] - share * counts[:, 0]) ** 2).sum() * num_scenes / (num_scenes - 1)
        effect = max(1.0, float(seen / by_chance))
    return Rate(int(attempts), int(successes), effect)


def kinds_of(policy: PolicyConfig) -> tuple[PolicyName, ...]:
    """Return the policies that a mixture may have a part of."""
    if policy.kind == "uniform" or policy.uniform_share >= 1:
        return ("uniform",)
    return ("uniform", "near_object") if policy.kind == "mixture" else POLICIES


def wished_mixture(policy: PolicyConfig) -> Mixture:
    """Return the mixture that the settings ask for where nothing is steered.

    The uniform part is the least that is allowed; other policies share the rest evenly.
    """
    kinds = kinds_of(policy)
    if len(kinds) == 1:
        return _mixture((1.0, 0.0, 0.0), policy)
    rest = (1 - policy.uniform_share) / (len(kinds) - 1)
    return _mixture((policy.uniform_share, rest, rest if "model" in kinds else 0.0), policy)


def pilot_mixture(policy: PolicyConfig) -> Mixture:
    """Return a mixture that tries each of the policies equally often."""
    kinds = kinds_of(policy)
    return _mixture(tuple((kind in kinds) / len(kinds) for kind in POLICIES), policy)  # type: ignore[arg-type]


def steer(rates: Mapping[PolicyName, Rate], policy: PolicyConfig) -> Steering:
    """Choose a mixture whose share of successes lies between the bounds.

    The mixture that the settings ask for stays if its whole interval lies between them. Else the
    expected share is brought to their middle, or as near as it gets, by the least change; that
    the share then lies between the bounds must be possible, by its interval, and may be unsure.

    Args:
        rates: What was measured of each policy that the mixture may have a part of.
        policy: Bounds, least uniform part and kind of mixture.

    Raises:
        ConfigError: The whole interval of the best mixture lies outside of the bounds; the
            message says what was measured and what can be changed.
    """
    wished = _expected(wished_mixture(policy), rates, policy)
    if wished.is_sure:
        return wished
    best = min(
        (_expected(mixture, rates, policy) for mixture in _mixtures(policy)),
        key=lambda found: _preference(found, wished, policy),
    )
    low, high = best.interval
    if high < policy.success_low or low > policy.success_high:
        raise ConfigError(_unreachable(best, rates, policy))
    return best


def _preference(found: Steering, wished: Steering, policy: PolicyConfig) -> tuple[int, float]:
    """Sort key: first the distance from the middle, then the change."""
    apart = abs(found.share - (policy.success_low + policy.success_high) / 2)
    parts = zip(found.mixture.weights, wished.mixture.weights, strict=True)
    return int(apart / _SAME), sum(abs(one - other) for one, other in parts)


def _mixtures(policy: PolicyConfig) -> list[Mixture]:
    """Return all mixtures that the settings allow, in steps."""
    kinds = kinds_of(policy)
    num_steps = round(1 / _STEP)
    least = int(np.ceil(policy.uniform_share * num_steps - 1e-9))
    uniform = range(least, num_steps + 1) if len(kinds) > 1 else range(num_steps, num_steps + 1)
    model = range(num_steps - least + 1) if "model" in kinds else range(1)
    found = [(u, num_steps - u - m, m) for u, m in product(uniform, model) if u + m <= num_steps]
    return [wished_mixture(policy)] + [
        _mixture((u / num_steps, n / num_steps, m / num_steps), policy) for u, n, m in found
    ]


def _expected(mixture: Mixture, rates: Mapping[PolicyName, Rate], policy: PolicyConfig) -> Steering:
    parts = [
        (weight, rates[name].share, *rates[name].interval)
        for name, weight in zip(POLICIES, mixture.weights, strict=True)
        if weight > 0
    ]
    share = sum(weight * rate for weight, rate, _, _ in parts)
    below = np.sqrt(sum((weight * (rate - low)) ** 2 for weight, rate, low, _ in parts))
    above = np.sqrt(sum((weight * (high - rate)) ** 2 for weight, rate, _, high in parts))
    low, high = float(share - below), float(share + above)
    is_sure = policy.success_low <= low and high <= policy.success_high
    return Steering(mixture, float(share), (low, high), is_sure)


def _mixture(parts: Parts, policy: PolicyConfig) -> Mixture:
    return Mixture(
        uniform=parts[0],
        near_object=parts[1],
        model=parts[2],
        spread_m=policy.spread_m,
        model_candidates=policy.model_candidates,
    )


def _unreachable(best: Steering, rates: Mapping[PolicyName, Rate], policy: PolicyConfig) -> str:
    measured = ", ".join(
        f"{name} {rate.successes} of {rate.attempts} ({rate.share:.2f}, 95 % interval "
        f"{rate.interval[0]:.2f} to {rate.interval[1]:.2f})"
        for name, rate in rates.items()
    )
    if best.share < policy.success_low:
        advice = (
            f"lower policy.uniform_share (now {policy.uniform_share:g}), policy.spread_m (now "
            f"{policy.spread_m:g}) or policy.success_low, or open the gripper wider "
            "(world.physics.opening_m)"
        )
    else:
        advice = "raise policy.spread_m or policy.success_high, or narrow world.physics.opening_m"
    return (
        f"expected a share of successes between {policy.success_low:g} and "
        f"{policy.success_high:g} (policy.success_low, policy.success_high); measured were "
        f"{measured}, and the nearest that a mixture comes is {best.share:.2f} ("
        f"{best.interval[0]:.2f} to {best.interval[1]:.2f}): {advice}, or switch policy.steer off"
    )
