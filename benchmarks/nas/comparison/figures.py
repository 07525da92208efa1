"""Figures of the comparison: paired by seed, at equal multiply-adds, seconds and milliseconds."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from benchmarks.nas.comparison.costs import Costs
from benchmarks.nas.comparison.settings import CELLS, HAND_MADE, RESNETS
from benchmarks.nas.estimated import percent, plain
from benchmarks.results_file import Figure
from tasks.report.estimates import difference, mean_estimate

BySeed = Mapping[int, float]
_AXES = {"cpu": "step_s", "ms": "image_ms"}


def cost_figures(costs: Mapping[str, Costs], kind: str) -> dict[str, Figure]:
    """Costs by network.

    Args:
        costs: By network.
        kind: ``classifier`` or ``detector``.
    """
    found = {}
    for name, each in costs.items():
        found[f"{kind}_mult_adds_{name}"] = plain(each.mult_adds / 1e6, "M")
        found[f"{kind}_params_{name}"] = plain(each.num_params / 1e6, "M")
        found[f"{kind}_depthwise_{name}"] = plain(100 * each.depthwise_share, "%")
        found[f"{kind}_step_cpu_s_{name}"] = plain(each.step_s, "s")
        found[f"{kind}_image_ms_{name}"] = plain(each.image_ms, "ms")
    return found


def score_figures(
    scores: Mapping[str, BySeed], costs: Mapping[str, Costs], kind: str
) -> dict[str, Figure]:
    """Mean scores and the differences to the cells.

    Args:
        scores: Of 1, by network and seed.
        costs: By network.
        kind: What the scores are, ``acc`` or ``map``.
    """
    found = {
        f"compared_{kind}_{name}": percent(mean_estimate([*each.values()]), "%")
        for name, each in scores.items()
    }
    cells, hand_made = scores[CELLS], scores[HAND_MADE]
    for name, each in scores.items():
        if name not in (CELLS, *RESNETS):
            found[f"cells_minus_{name}_{kind}"] = percent(difference(cells, each), "points")
            found[f"{name}_minus_resnet_{kind}"] = percent(difference(each, hand_made), "points")
    found[f"cells_minus_resnet_{kind}"] = percent(difference(cells, hand_made), "points")
    for axis, cost in _AXES.items():
        key = f"cells_minus_resnet_{kind}_{axis}"
        at = {name: float(getattr(costs[name], cost)) for name in (CELLS, *RESNETS)}
        curve = [(at[name], scores[name]) for name in RESNETS]
        other = interpolated(curve, at[CELLS])
        if other is None:
            print(f"{key}: no ResNet costs as much as the cells, so it is not in the figures")
        else:
            found[key] = percent(difference(cells, other), "points")
    return found


def interpolated(curve: list[tuple[float, BySeed]], wanted: float) -> BySeed | None:
    """Scores at a cost between two networks of one kind, by seed, linear in the log of the cost.

    Args:
        curve: Costs with scores by seed; seeds that a network lacks are left out.
        wanted: The cost.

    Returns:
        None where the cost lies outside of those of the curve.
    """
    costs = sorted(cost for cost, _ in curve)
    if not costs[0] <= wanted <= costs[-1]:
        return None
    by_cost = dict(curve)
    seeds = set.intersection(*({*each} for each in by_cost.values()))
    logs = np.log(costs)
    return {
        seed: float(np.interp(np.log(wanted), logs, [by_cost[cost][seed] for cost in costs]))
        for seed in sorted(seeds)
    }
