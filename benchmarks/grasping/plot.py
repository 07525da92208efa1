"""The cost of the post's 8 million attempts, drawn against the number of workers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.results_file import RESULTS_DIR, Figure

POST_ATTEMPTS: Final = 8e6
_WORLDS: Final = {
    "attempts_per_cpu_s_64px": ("one-shot, 64 px", "C0"),
    "attempts_per_cpu_s_128px": ("one-shot, 128 px", "C1"),
    "closed_loop_attempts_per_cpu_s": ("closed loop, 64 px", "C2"),
    "baseline_attempts_per_cpu_s": ("KukaDiverseObjectEnv, 64 px", "C7"),
}


def core_hours(rate: Figure) -> Figure:
    """Core-hours of the post's attempts at a rate per CPU second."""
    low, high = rate.interval or (rate.value, rate.value)
    return Figure(value=_hours(rate.value), unit="h", interval=(_hours(high), _hours(low)))


def _hours(rate: float) -> float:
    return POST_ATTEMPTS / rate / 3600


def draw(figures: Mapping[str, Figure], path: Path = RESULTS_DIR / "grasping.png") -> Path:
    """Draw hours against workers: ideal, and with the speed-up that was measured.

    Each rate was measured with one worker, the speed-up of two on one-shot attempts of 64 px.
    The rest is dashed: each doubling of the workers is taken to gain as much as that one, but no
    more than twice.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    speedup = min(2.0, figures["speedup_2_workers"].value)
    workers = 2.0 ** np.arange(0, 11)
    figure, axes = pyplot.subplots(figsize=(6.4, 4.2), dpi=110)
    for key, (label, colour) in _WORLDS.items():
        alone_h = _hours(figures[key].value)
        hours = alone_h / speedup ** np.log2(workers)
        axes.plot(workers, alone_h / workers, color=colour, linewidth=0.6, alpha=0.6)
        axes.plot(workers, hours, color=colour, linestyle="--", linewidth=1.4)
        measured = 2 if key == "attempts_per_cpu_s_64px" else 1
        axes.plot(workers[:measured], hours[:measured], "o-", color=colour, label=label)
    for hours, name in ((24.0, "a day"), (24.0 * 30, "a month")):
        axes.axhline(hours, color="0.85", linewidth=0.8, zorder=0)
        axes.text(workers[-1], hours * 1.06, name, ha="right", fontsize=8, color="0.5")
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xticks(workers, [f"{int(count)}" for count in workers])
    axes.set_xlabel("workers, one core each")
    axes.set_ylabel("hours for 8 million attempts")
    axes.set_title(
        f"dots: measured; dashed: each doubling gains {speedup:.2f} x as the first; thin: ideal",
        fontsize=9,
    )
    axes.legend(fontsize=8, frameon=False)
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Software": None})
    pyplot.close(figure)
    return path
