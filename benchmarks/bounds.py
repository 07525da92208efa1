"""Prints figures, and says which of them don't hold what they must."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from benchmarks.results_file import Figure

Bounds = Mapping[str, tuple[float, float]]
QUICK_FACTOR = 2.0  # how much wider a bound is in a quick run


def print_table(figures: Mapping[str, Figure]) -> None:
    """Print one line per figure."""
    for key, figure in figures.items():
        low_high = "" if figure.interval is None else "  [{:.4g}, {:.4g}]".format(*figure.interval)
        print(f"{key:32} {figure.value:10.4g} {figure.unit:8}{low_high}")


def report_bounds(
    figures: Mapping[str, Figure],
    bounds: Bounds,
    *,
    quick: bool,
    by_value: Collection[str] = (),
) -> int:
    """Print the figures that miss their bounds; return how many do.

    Args:
        figures: What was measured.
        bounds: Least and greatest allowed value, by figure; those not measured are left out.
        quick: Whether the run was a short one: bounds are wider then.
        by_value: Figures of which the value alone must hold; else the whole interval must.
    """
    missed = 0
    for key, (low, high) in bounds.items():
        if key not in figures:
            continue
        figure = figures[key]
        interval = None if key in by_value else figure.interval
        least, greatest = interval or (figure.value, figure.value)
        limit = high * QUICK_FACTOR if quick else high
        floor = low * QUICK_FACTOR ** (-1 if low > 0 else 1) if quick else low
        if least < floor or greatest > limit:
            print(f"MISSED {key}: {least:.4g} to {greatest:.4g}, bound {floor:g} to {limit:g}")
            missed += 1
    return missed
