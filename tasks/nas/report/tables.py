"""Tables of the report: figures as text, with their intervals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from tasks.nas.manifests import RetrainedCells, SearchLog
from tasks.nas.report.progress import accuracies_at, display_name, ends_of
from tasks.nas.report.statistics import Comparison, Score, TopAgainstRandom
from tasks.report.estimates import Estimate
from tasks.report.page import Table

_MEGA, _KILO, _MILLI, _HOUR_S = 1e6, 1e3, 1e-3, 3600
_ENOUGH = 2.0  # standard errors from which a difference is called one
_MAX_REASONS = 20


def points(found: Estimate) -> str:
    """A difference of accuracies in points, with its interval."""
    value = f"{100 * found.value:+.2f}"
    if found.low is None or found.high is None:
        return f"{value} (no interval, n = {found.num})"
    return f"{value} ({100 * found.low:+.2f} to {100 * found.high:+.2f})"


def verdict(found: Estimate) -> str:
    """What a difference says, in words."""
    if found.error is None:
        return "one observation, so it says nothing of chance"
    away = found.in_errors
    if away is None:
        return "no spread between observations"
    if abs(away) <= _ENOUGH:
        return f"{away:+.1f} standard errors: no difference shown"
    said = "better" if away > 0 else "worse"
    if found.low is not None and found.high is not None and found.low <= 0 <= found.high:
        said += ", yet the interval holds zero"
    return f"{away:+.1f} standard errors: {said}"


def rungs_table(log: SearchLog) -> Table:
    """What each rung spends, and what came of it."""
    rows = []
    for number, rung in enumerate(log.rungs):
        trained = [t for t in log.trials if t.rung == number and not t.is_reused]
        known = accuracies_at(log, number)
        cpu_s = sum(trial.cpu_s for trial in trained)
        rows.append(
            (
                str(number),
                f"{rung.image_px} px, F = {rung.num_filters:g}, N = {rung.num_cells}",
                f"{rung.num_images:,}",
                f"{rung.num_epochs}",
                f"{rung.num_validation:,}",
                f"{len(known):,}",
                f"{cpu_s / max(len(trained), 1):.1f}",
                f"{100 * max(known.values(), default=0.0):.2f}",
            )
        )
    head = ("rung", "network", "images", "epochs", "validated on")
    more = ("children", "CPU s a child", "best, %")
    return Table((*head, *more), tuple(rows))


def searches_table(log: SearchLog) -> Table:
    """What each search asked for."""
    rows = []
    for search in log.searches:
        ends = ends_of(log, search, 0)
        names = {trial.genotype_hash for trial in ends}
        promoted = {t.genotype_hash for t in log.trials if t.search == search and t.rung > 0}
        best = max((t.accuracy for t in ends if t.accuracy is not None), default=0.0)
        rows.append(
            (
                display_name(log, search),
                f"{len(ends):,}",
                f"{len(names):,}",
                f"{sum(trial.is_reused for trial in ends):,}",
                f"{len(promoted):,}",
                f"{sum(trial.accuracy is None for trial in ends):,}",
                f"{100 * best:.2f}",
            )
        )
    head = ("search", "children", "different", "known already", "promoted", "failed")
    return Table((*head, "best at rung 0, %"), tuple(rows))


def top_table(found: TopAgainstRandom) -> Table:
    """Top cells of each search against the random control."""
    rows = [(name, f"{100 * gain:+.2f}") for name, gain in found.by_search.items()]
    rows.append(("mean, with 95 % interval over searches", points(found.gain)))
    if found.gain.error is not None:
        rows.append(("standard error over searches", f"{100 * found.gain.error:.2f}"))
    rows.append(("in standard errors", verdict(found.gain)))
    if found.control_error is not None:
        rows.append(("standard error of the control's mean", f"{100 * found.control_error:.2f}"))
    note = (
        f"Test accuracy in points above the mean of {found.num_control} random cells "
        f"({100 * found.control:.2f} %), trained alike. All searches share this one control, so "
        f"its own standard error comes on top. Multiply-adds of these cells lie within "
        f"{100 * found.cost_spread:.1f} % of one another."
    )
    return Table(("search", "top minus random"), tuple(rows), note)


def scores_table(scores: Mapping[str, Score]) -> Table:
    """The networks of the final comparison."""
    head = ("network", "weights, k", "mult-adds, M", "test accuracy, %", "seeds")
    more = ("% per M mult-adds", "CPU ms an image", "% per CPU ms", "training, CPU s")
    rows = tuple(
        (
            score.name,
            f"{score.any_one.num_params / _KILO:,.1f}",
            f"{score.any_one.mult_adds / _MEGA:.3f}",
            _share(score.accuracy),
            str(score.accuracy.num),
            f"{score.points_per_mega_mult_add:.1f}",
            f"{score.mean('image_cpu_s') / _MILLI:.3f}",
            f"{score.points_per_cpu_ms:.1f}",
            f"{score.mean('train_cpu_s'):,.0f}",
        )
        for score in scores.values()
    )
    return Table((*head, *more), rows, "Mean over seeds with its 95 % t interval.")


def comparisons_table(found: Mapping[str, Comparison]) -> Table:
    """The found cell against each other network."""
    rows = tuple(
        (
            each.name,
            points(each.gain),
            verdict(each.gain),
            f"{each.cost_ratio:.3f}{'' if each.is_equal_cost else ' (not equal)'}",
            f"{each.time_ratio:.2f}",
        )
        for each in found.values()
    )
    head = ("found cell against", "points", "which is", "ratio of mult-adds")
    note = "Differences of test accuracy, paired by seed where seeds match, with 95 % intervals."
    return Table((*head, "ratio of CPU time"), rows, note)


def costs_table(retrained: RetrainedCells) -> Table:
    """CPU time of everything."""
    log = retrained.search
    networks_s = sum(network.train_cpu_s for network in retrained.networks)
    num_trained = sum(not trial.is_reused for trial in log.trials)
    rate = num_trained / max(log.children_cpu_s / _HOUR_S, 1e-9)
    rows = [
        ("children, all rungs", f"{log.children_cpu_s / _HOUR_S:.3f} CPU hours"),
        ("children per CPU hour, all rungs", f"{rate:.0f}"),
        ("driver of the search", f"{log.driver_cpu_s / _HOUR_S:.4f} CPU hours"),
        ("its share of the search", f"{100 * driver_share(log):.2f} %"),
        ("retraining", f"{networks_s / _HOUR_S:.3f} CPU hours"),
        ("everything", f"{(log.children_cpu_s + log.driver_cpu_s + networks_s) / _HOUR_S:.3f}"),
    ]
    note = "Of a search that was cut off and went on, the driver's time is that of its last part."
    return Table(("what", "cost"), tuple(rows), note)


def driver_share(log: SearchLog) -> float:
    """Share of the driver in all CPU seconds of the search."""
    return log.driver_cpu_s / max(log.children_cpu_s + log.driver_cpu_s, 1e-9)


def failures_table(retrained: RetrainedCells) -> Table | None:
    """What could not be trained, by reason; None if all could."""
    trials = [t for t in retrained.search.trials if t.accuracy is None and not t.is_reused]
    counted = Counter(trial.reason for trial in trials)
    first = {t.reason: f"{t.genotype_hash[:16]} at rung {t.rung}" for t in reversed(trials)}
    rows = [
        (reason, str(number), first[reason]) for reason, number in counted.most_common(_MAX_REASONS)
    ]
    rows += [(reason, "1", item_id) for item_id, reason in retrained.skipped.items()]
    return Table(("reason", "how often", "for example"), tuple(rows)) if rows else None


def _share(found: Estimate) -> str:
    if found.low is None or found.high is None:
        return f"{100 * found.value:.2f}"
    return f"{100 * found.value:.2f} ({100 * found.low:.2f} to {100 * found.high:.2f})"
