"""The pilot as a picture: success of each policy and of the mixture that was chosen."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tasks.grasping.algorithms.policies import POLICIES, PolicyName
from tasks.grasping.algorithms.steering import Rate, Steering
from tasks.grasping.config import PolicyConfig

_INK, _BAND, _CHOSEN = "#334155", "#d9f0e1", "#0a7a4b"


def draw_pilot(
    rates: Mapping[PolicyName, Rate], chosen: Steering, policy: PolicyConfig, path: Path
) -> None:
    """Draw shares of successes with 95 % intervals, above the band that is aimed at.

    Args:
        rates: What was measured of each policy.
        chosen: The mixture and what is expected of it.
        policy: The bounds of the band.
        path: PNG file to write.
    """
    from matplotlib.figure import Figure  # takes a second to load

    weights = dict(zip(POLICIES, chosen.mixture.weights, strict=True))
    bars = [
        (f"{name.replace('_', ' ')}\n{rate.successes} of {rate.attempts}", rate.share,
         rate.interval, _INK)
        for name, rate in rates.items()
    ]  # fmt: skip
    parts = " + ".join(
        f"{weight:.0%} {name.replace('_', ' ')}" for name, weight in weights.items() if weight
    )
    bars.append((f"mixture, expected\n{parts}", chosen.share, chosen.interval, _CHOSEN))
    figure = Figure(figsize=(6.4, 0.75 * len(bars) + 1.2), layout="constrained")
    axes = figure.subplots()
    axes.axvspan(policy.success_low, policy.success_high, color=_BAND, label="aim")
    for place, (_, share, (low, high), colour) in enumerate(reversed(bars)):
        axes.errorbar(
            share, place, xerr=[[share - low], [high - share]], fmt="o", color=colour, capsize=4
        )
        axes.annotate(
            f"{share:.2f}", (share, place), (0, 8), textcoords="offset points", ha="center",
            color=colour,
        )  # fmt: skip
    axes.set_yticks(range(len(bars)), [label for label, *_ in reversed(bars)])
    axes.set_ylim(-0.6, len(bars) - 0.3)
    axes.set_xlim(0, 1)
    axes.set_xlabel("share of successes, 95 % interval")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=120)
