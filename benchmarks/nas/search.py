"""Real searches on CIFAR-10, from `prepare` to `report`, through the pipeline.

Part `search`: three searches by regularised evolution and a random control at the proxy ``8px``;
the best five of each and 20 random cells trained longer at equal multiply-adds; the winner beside
published cells, ResNet and MobileNetV2 at equal multiply-adds, three seeds. Parts
`search_predictor` and `search_ppo`: the same searches led by another strategy, with the same
budget, control and longer trainings, without the comparison of the winner. Accuracies are those
of the 10,000 test images, in percent; what is chosen is chosen by validation images.

``top5_minus_random``: for each search the mean of its five cells less the mean of the random
ones, in points; mean over the searches, with its t interval. ``top5_minus_random_se``: standard
error over the searches. ``random_accuracy``: mean of the random cells.
``cell_minus_…``: the winner less another network, in points; mean over seeds, t interval.
``final_accuracy_…``, ``final_image_cpu_ms_…``, ``final_mult_adds_…``: test accuracy, CPU
milliseconds to classify one image, and its multiply-adds, of each network that was compared.
``spearman_rungs``: rank correlation of children that were trained at both rungs, bootstrap
interval; only the better ones of the first rung were.
``search_children``, ``search_core_hours``, ``retrain_core_hours``: what was trained, and CPU
hours of it.
``search_predictor_minus_evolution``, ``search_ppo_minus_evolution``: mean of a search's five cells
less that of the search by evolution with the same number, in points; mean over the three numbers,
t interval. ``top5_minus_random_predictor``, ``search_core_hours_predictor``, ``…_ppo``: as above.

Children and networks are kept: a run that was cut off goes on, and one that has ended is read. So
the parts that compare begin by reading evolution's run, or by making it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.nas.estimated import percent, plain
from benchmarks.results_file import RESULTS_DIR, Figure
from operators.headless.run import run_headless
from operators.installation import ROOT, load_profile
from operators.store.artifacts import read_artifact
from operators.store.storage import Storage
from tasks.nas.manifests import RetrainedCells
from tasks.nas.report.contents import agreements, cell_png
from tasks.nas.report.plots_retrained import top_plot
from tasks.nas.report.statistics import comparisons, final_scores, top_against_random
from tasks.report.estimates import mean_estimate

PIPELINE = "search_cells"
FULL: Mapping[str, Any] = {
    "strategy": "evolution",
    "budget": 100,
    "proxy": "8px",
    "search.num_searches": 3,
    "search.num_control": 30,
    "retrain.mult_adds": 1_000_000,
    "retrain.num_images": 12_000,
    "retrain.final_mult_adds": 1_500_000,
    "retrain.final_num_images": 12_000,
}
QUICK: Mapping[str, Any] = {
    "strategy": "evolution",
    "budget": 6,
    "proxy": "tiny",
    "search.num_searches": 2,
    "search.num_control": 3,
    "retrain.num_top": 2,
    "retrain.num_random": 2,
    "retrain.num_images": 500,
    "retrain.recipe.num_epochs": 1,
    "retrain.final_num_images": 500,
    "retrain.final_num_seeds": 1,
    "retrain.final_recipe.num_epochs": 1,
}
_PERCENT, _HOUR_S = 100.0, 3600.0


def measure(data: Path, *, quick: bool) -> dict[str, Figure]:
    """Search by evolution, or read what a run left.

    Args:
        data: Folder with CIFAR-10.
        quick: Whether to run it small, which says nothing but that it runs.

    Raises:
        RuntimeError: The run failed; names its log.
    """
    found = _searched({**(QUICK if quick else FULL), "data": str(data)})
    if not quick:
        draw(found, RESULTS_DIR)
    return figures_of(found)


def measure_beside(strategy: str, data: Path, *, quick: bool) -> dict[str, Figure]:
    """Search by another strategy, and compare; see `measure`."""
    conf = {**(QUICK if quick else FULL), "data": str(data)}
    evolution = _searched(conf)
    found = _searched({**conf, "strategy": strategy, "retrain.final_num_seeds": 0})
    return beside(strategy, found, evolution)


def beside(strategy: str, found: RetrainedCells, evolution: RetrainedCells) -> dict[str, Figure]:
    """Figures of the searches by a strategy, beside those by evolution.

    Raises:
        ValueError: The searches are not of the same numbers.
    """
    gains = []
    for each in (found, evolution):
        against = top_against_random(each)
        if against is None:
            raise ValueError("expected cells of searches and of the control, got none")
        gains.append({name.rpartition("-")[2]: gain for name, gain in against.by_search.items()})
    ours, theirs = gains
    if ours.keys() != theirs.keys():
        raise ValueError(f"expected searches of the same numbers, got {[*ours]} and {[*theirs]}")
    apart = mean_estimate([ours[number] - theirs[number] for number in ours])
    return {
        f"search_{strategy}_minus_evolution": percent(apart, "points"),
        f"top5_minus_random_{strategy}": percent(mean_estimate([*ours.values()]), "points"),
        f"search_core_hours_{strategy}": _costs(found)["search_core_hours"],
    }


def _searched(conf: Mapping[str, Any]) -> RetrainedCells:
    """What the stage `retrain` of a run left."""
    result = run_headless(PIPELINE, conf, on_line=print)
    if result.state != "success":
        raise RuntimeError(f"{PIPELINE} failed; see {result.log}")
    profile = load_profile("laptop")
    storage = Storage(str(ROOT / profile.store_uri), profile.store_options)
    (ref,) = result.results["retrain"]
    return read_artifact(storage, ref).record(RetrainedCells, ref.uri)


def draw(found: RetrainedCells, folder: Path) -> None:
    """Draw what was retrained beside random cells, and the cells that won."""
    (folder / "nas_search.png").write_bytes(top_plot(found))
    (folder / "nas_cells.png").write_bytes(cell_png(found))


def figures_of(found: RetrainedCells) -> dict[str, Figure]:
    """The figures of a run."""
    figures: dict[str, Figure] = {}
    against = top_against_random(found)
    if against is not None:
        figures["top5_minus_random"] = percent(against.gain, "points")
        if against.gain.error is not None:
            figures["top5_minus_random_se"] = plain(_PERCENT * against.gain.error, "points")
        figures["random_accuracy"] = plain(_PERCENT * against.control, "%")
    scores = final_scores(found)
    for name, comparison in comparisons(scores).items():
        figures[f"cell_minus_{name.replace('_v2', 'v2')}"] = percent(comparison.gain, "points")
    for name, score in scores.items():
        short = name.replace(" ", "_")
        figures[f"final_accuracy_{short}"] = percent(score.accuracy, "%")
        figures[f"final_image_cpu_ms_{short}"] = plain(1e3 * score.mean("image_cpu_s"), "ms")
        figures[f"final_mult_adds_{short}"] = plain(score.any_one.mult_adds / 1e6, "M")
    for each in agreements(found).rungs:
        spearman = each.spearman
        interval = None if spearman.low is None else (spearman.low, spearman.high or 1.0)
        figures["spearman_rungs"] = Figure(value=spearman.value, unit="", interval=interval)
    return figures | _costs(found)


def _costs(found: RetrainedCells) -> dict[str, Figure]:
    trained = [trial for trial in found.search.trials if trial.cpu_s > 0]
    retrained_s = sum(network.train_cpu_s for network in found.networks)
    return {
        "search_children": plain(float(len(trained)), ""),
        "search_core_hours": plain(found.search.children_cpu_s / _HOUR_S, "h"),
        "retrain_core_hours": plain(retrained_s / _HOUR_S, "h"),
    }
