"""The pilot as a picture: success of each policy and of the mixture that was chosen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tasks.grasping.algorithms.policies import POLICIES, PolicyName
from tasks.grasping.algorithms.steering import Rate, Steering
from tasks.grasping.config import PolicyConfig
from tasks.report.plots import GOOD_COLOUR, label, new_figure, png

_INK: Final = "#334155"
_BAND: Final = "#d9f0e1"


def pilot_plot(rates: Mapping[PolicyName, Rate], chosen: Steering, policy: PolicyConfig) -> bytes:
    """Draw shares of successes with 95 % intervals, above the band that is aimed at.

    Args:
        rates: What was measured of each policy.
        chosen: The mixture and what is expected of it.
        policy: The bounds of the band.

    Returns:
        The plot as a PNG file.
    """
    weights = dict(zip(POLICIES, chosen.mixture.weights, strict=True))
    bars = [
        (f"{name.replace('_', ' ')}\n{rate.successes} of {rate.attempts}", rate.share,
         rate.interval, _INK)
        for name, rate in rates.items()
    ]  # fmt: skip
    parts = " + ".join(
        f"{weight:.0%} {name.replace('_', ' ')}" for name, weight in weights.items() if weight
    )
    bars.append((f"mixture, expected\n{parts}", chosen.share, chosen.interval, GOOD_COLOUR))
    figure, (axes,) = new_figure(0.75 * len(bars) + 1.2)
    label(axes, "Pilot and mixture", "share of successes, 95 % interval", "")
    axes.axvspan(policy.success_low, policy.success_high, color=_BAND, label="aim")
    for place, (_, share, (low, high), colour) in enumerate(reversed(bars)):
        axes.errorbar(
            share, place, xerr=[[share - low], [high - share]], fmt="o", color=colour, capsize=4
        )
        axes.annotate(
            f"{share:.2f}", (share, place), (0, 8), textcoords="offset points", ha="center",
            color=colour,
        )  # fmt: skip
    axes.set_yticks(range(len(bars)), [name for name, *_ in reversed(bars)])
    axes.set_ylim(-0.6, len(bars) - 0.3)
    axes.set_xlim(0, 1)
    return png(figure)
