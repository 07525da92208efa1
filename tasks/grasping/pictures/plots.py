"""Plots of outcomes: where grasps were tried, and which objects and policies succeed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from matplotlib.axes import Axes

from tasks.grasping.workspace import BIN_CENTRE_M, BIN_FLOOR_M, BIN_INNER_M, GRASP_AREA_M
from tasks.report.estimates import wilson
from tasks.report.plots import BAD_COLOUR, COLOURS, GOOD_COLOUR, label, new_figure, png

if TYPE_CHECKING:  # it loads Dask, which most pictures do without
    from tasks.grasping.manifests import GroupSuccess

_LINE: Final = "#8a8a8a"  # of what lies still
_MIN_IN_BIN = 10  # attempts below which a rate says nothing
_SHOWN_OBJECTS = 12


def attempts_map(attempts: Sequence[Mapping[str, Any]]) -> bytes:
    """Closing poses in the bin, and success by height and by distance to the nearest object.

    Args:
        attempts: Rows.

    Returns:
        The plot as a PNG file.
    """
    poses = np.array([each["steps"][-1]["reached"] for each in attempts])
    is_success = np.array([each["is_success"] for each in attempts], bool)
    figure, (place, height, distance) = new_figure(3.4, 3, widths=(1.3, 1, 1))
    _draw_places(place, poses, is_success)
    heights_cm = (poses[:, 2] - BIN_FLOOR_M) * 100
    _draw_rates(height, heights_cm, is_success, "height above the floor, cm")
    nearest_cm = np.array([_nearest_cm(each) for each in attempts])
    _draw_rates(distance, nearest_cm, is_success, "nearest object, cm away")
    return png(figure)


def success_plot(table: Sequence[GroupSuccess]) -> bytes:
    """Success by policy, and by object for those that are lifted most and least.

    Args:
        table: What `tasks.grasping.readers.statistics.success_table` gives.

    Returns:
        The plot as a PNG file.
    """
    policies = [row for row in table if row.kind in ("all", "policy")]
    objects = [row for row in table if row.kind == "object" and row.num_attempts >= _MIN_IN_BIN]
    ranked = sorted(objects, key=lambda row: (row.rate, row.group))
    if len(ranked) > 2 * _SHOWN_OBJECTS:
        ranked = ranked[:_SHOWN_OBJECTS] + ranked[-_SHOWN_OBJECTS:]
    figure, (left, right) = new_figure(max(2.4, 1.2 + 0.2 * max(len(ranked), len(policies))), 2)
    _draw_bars(left, policies, "Success by policy")
    _draw_bars(right, ranked, "Attempts that lift it, by object")
    return png(figure)


def _draw_places(axes: Axes, poses: Any, is_success: Any) -> None:
    for half, style in ((BIN_INNER_M, "-"), (GRASP_AREA_M, ":")):
        x, y = BIN_CENTRE_M[0] - half[0] / 2, BIN_CENTRE_M[1] - half[1] / 2
        ring = [(x, y), (x + half[0], y), (x + half[0], y + half[1]), (x, y + half[1]), (x, y)]
        axes.plot(*np.transpose(ring)[::-1], style, color=_LINE, linewidth=1)
    for wanted, colour, name in ((False, BAD_COLOUR, "failure"), (True, GOOD_COLOUR, "success")):
        chosen = poses[is_success == wanted]
        title = f"{name} ({len(chosen)})"
        axes.scatter(chosen[:, 1], chosen[:, 0], 9, colour, alpha=0.6, linewidths=0, label=title)
    axes.set_aspect("equal")
    axes.invert_xaxis()  # y points to the left of the robot, which looks along x
    label(axes, "Where the fingers closed", "y, m", "x, away from the robot, m")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), frameon=False, fontsize=9)


def _draw_rates(axes: Axes, values: Any, is_success: Any, name: str) -> None:
    """Success rate in bins that hold equally many attempts, with 95 % intervals."""
    finite = np.isfinite(values)
    values, is_success = values[finite], is_success[finite]
    order = np.argsort(values, kind="stable")
    num_bins = max(1, min(8, len(order) // _MIN_IN_BIN))
    parts = [part for part in np.array_split(order, num_bins) if len(part)]
    middles = [float(np.median(values[part])) for part in parts]
    rates = np.array([is_success[part].mean() for part in parts])
    ends = np.array([wilson(int(is_success[part].sum()), len(part)) for part in parts])
    reach = 100 * np.abs(ends.reshape(-1, 2).T - rates)
    axes.errorbar(middles, rates * 100, reach, fmt="o-", color=COLOURS[0], capsize=2)
    axes.set_ylim(0, 100)
    label(axes, f"Success, {len(order)} attempts", name, "%")


def _draw_bars(axes: Axes, rows: Sequence[GroupSuccess], title: str) -> None:
    places = np.arange(len(rows))
    rates = np.array([row.rate for row in rows]) * 100
    below = rates - np.array([row.rate_low for row in rows]) * 100
    above = np.array([row.rate_high for row in rows]) * 100 - rates
    axes.barh(places, rates, color=COLOURS[5], xerr=np.maximum([below, above], 0), ecolor="#333333")
    names = [f"{row.group or 'all'} ({row.num_attempts:,})" for row in rows]
    label(axes, title, "%", "")
    axes.set_yticks(places, names, fontsize=8)
    axes.set_xlim(0, 100)


def _nearest_cm(attempt: Mapping[str, Any]) -> float:
    """Horizontal distance from the closing pose to the nearest object; infinite without one."""
    x_m, y_m, *_ = attempt["steps"][-1]["reached"]
    apart = [np.hypot(x - x_m, y - y_m) for x, y, _ in attempt["object_centres_m"]]
    return float(min(apart, default=np.inf)) * 100
