"""What the report of a search says, section by section."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

import numpy as np

from tasks.nas.manifests import RetrainedCells, SearchLog
from tasks.nas.pictures.cell_drawing import draw_genotype
from tasks.nas.pictures.render import png, svg
from tasks.nas.report import plots, plots_retrained
from tasks.nas.report.progress import Agreement, accuracies_at, agreement
from tasks.nas.report.statistics import (
    comparisons,
    final_scores,
    hash_of,
    top_against_random,
    trained,
)
from tasks.nas.report.tables import (
    comparisons_table,
    costs_table,
    failures_table,
    points,
    rungs_table,
    scores_table,
    searches_table,
    top_table,
    verdict,
)
from tasks.nas.report.trainings import training_settings
from tasks.nas.space.genotype_file import genotype_json
from tasks.nas.training.groups import RANDOM, WINNER
from tasks.report.estimates import spearman
from tasks.report.page import Link, Picture, Section, Table, settings_section, skipped_section

_SEED: Final = 0  # of bootstraps and of the control's orders: the report repeats exactly
_RUNG: Final = 0  # at which all children of all searches end, so that they compare


@dataclass(frozen=True)
class Agreements:
    """How rungs rank children.

    Attributes:
        rungs: Each rung with the next.
        retrained: The first rung with the test accuracy of the retrained random cells, which no
            rung has selected.
    """

    rungs: tuple[Agreement, ...]
    retrained: Agreement | None


def report_sections(retrained: RetrainedCells, links: Sequence[Link] = ()) -> list[Section]:
    """Write the report.

    Args:
        retrained: What was found.
        links: Ways to files beside the report.
    """
    log = retrained.search
    return [
        replace(_summary(retrained), links=tuple(links)),
        _searched(log),
        _found(retrained),
        _chance(retrained),
        _rivals(retrained),
        _ranking(log, agreements(retrained)),
        _operations(log),
        _costs(retrained),
        _skipped(retrained),
        settings_section(
            training_settings(retrained.tasks),
            ("How networks were retrained; rungs and searches stand above.",),
        ),
    ]


def agreements(retrained: RetrainedCells) -> Agreements:
    """Measure how rungs rank."""
    log, rng = retrained.search, np.random.default_rng(_SEED)
    rungs = tuple(agreement(log, low, high, rng) for low, high in pairwise(range(len(log.rungs))))
    known = accuracies_at(log, _RUNG)
    rows = [
        (known[hash_of(task)], network.test_accuracy)
        for task, network in trained(retrained, RANDOM)
        if hash_of(task) in known
    ]
    if not rows:
        return Agreements(rungs, None)
    pairs = np.array(rows, float)
    return Agreements(rungs, Agreement(_RUNG, _RUNG, pairs, spearman(pairs, rng)))


def _summary(retrained: RetrainedCells) -> Section:
    log, scores = retrained.search, final_scores(retrained)
    num = len({trial.genotype_hash for trial in log.trials})
    text = [
        f"{len(log.searches) - 1} searches and a random control trained {num:,} different cells "
        f"on {log.images.name}. The cell chosen by validation accuracy is "
        f"{retrained.winner[:16]} ({100 * retrained.validation_accuracy:.2f} % of the "
        "validation images)."
    ]
    against = top_against_random(retrained)
    if against is not None:
        text.append(
            "Retrained at equal multiply-adds, the top cells of the searches lie "
            f"{points(against.gain)} points of test accuracy above random cells; over searches "
            f"that is {verdict(against.gain)}."
        )
    found = comparisons(scores)
    said = "; ".join(f"{e.name} {points(e.gain)}, {verdict(e.gain)}" for e in found.values())
    if said:
        text.append(f"By one recipe at equal multiply-adds, the found cell against: {said}.")
    else:
        text.append("The found cell was not compared with known networks.")
    return Section(f"Cells searched on {log.images.name}", tuple(text))


def _searched(log: SearchLog) -> Section:
    images = log.images
    splits = {"training": images.train, "validation": images.validation, "test": images.test}
    counts = ", ".join(f"{split.num_images:,} for {name}" for name, split in splits.items())
    record = next(iter(log.genotypes.values()))
    blocks = len(record.normal.blocks)
    text = (
        f"Data: {images.name}, {len(images.classes)} classes, {images.side_px} px; {counts}. "
        f"Source: {images.source}.",
        f"Space: {record.space}, {blocks} blocks a cell, a normal and a reduction cell. A child "
        "is trained with the budget of a rung; the best part of a rung goes on to the next. "
        "Searches are rewarded with validation accuracy at rung 0.",
    )
    return Section("What was searched", text, (rungs_table(log), searches_table(log)))


def _found(retrained: RetrainedCells) -> Section:
    genotype = retrained.search.genotypes[retrained.winner].genotype()
    drawing = draw_genotype(genotype)
    pictures = (Picture("cell.svg", "The found cells", svg(drawing).encode()),)
    text = (f"Hash: {retrained.winner}.",)
    return Section("The found cells", text, pictures=pictures, code=genotype_json(genotype))


def _chance(retrained: RetrainedCells) -> Section:
    log = retrained.search
    rng = np.random.default_rng(_SEED)
    pictures = (
        Picture(
            "best_so_far.png",
            "The best child so far. The band holds 80 % of random searches: the control's "
            "children in random orders, which at the last child all agree.",
            plots.progress_plot(log, _RUNG, rng),
        ),
        Picture(
            "best_so_far_by_time.png",
            "The same by CPU time of the children at this rung.",
            plots.progress_by_time_plot(log, _RUNG, rng),
        ),
        Picture(
            "top.png", "Test accuracy of retrained cells.", plots_retrained.top_plot(retrained)
        ),
        Picture(
            "cost.png",
            "All children. Published cells are marked if they were among them.",
            plots.cost_plot(log, _RUNG),
        ),
    )
    against = top_against_random(retrained)
    tables = () if against is None else (top_table(against),)
    text = () if tables else ("Top cells or random cells were not retrained.",)
    return Section("Is the search better than chance?", text, tables, pictures)


def _rivals(retrained: RetrainedCells) -> Section:
    scores = final_scores(retrained)
    if not scores:
        return Section("At equal cost", ("No final comparison was made.",))
    tables: tuple[Table, ...] = (scores_table(scores),)
    text: tuple[str, ...] = ()
    if WINNER in scores:
        tables = (*tables, comparisons_table(comparisons(scores)))
    else:
        text = ("The found cell could not be trained here; the reason stands below.",)
    pictures = (
        Picture(
            "final.png", "Each seed, the mean, its interval.", plots_retrained.final_plot(scores)
        ),
        Picture(
            "sizes.png",
            "Test accuracy against multiply-adds and CPU time, with the Pareto fronts.",
            plots_retrained.sizes_plot(retrained, scores),
        ),
    )
    return Section("At equal cost", text, tables, pictures)


def _ranking(log: SearchLog, found: Agreements) -> Section:
    text = [
        "A rung trains only what did well below, so its correlation with the rung below is lower "
        "than over all children."
    ]
    if found.retrained is not None:
        text.append("No rung has selected the retrained random cells; theirs is free of this.")
    if len(log.rungs) == 1:
        text[:1] = ["There was one rung."]
    picture = Picture(
        "agreement.png",
        "Accuracies of the same cells at two budgets, Spearman's correlation with its 95 % "
        "interval.",
        plots.agreement_plot(found.rungs, found.retrained),
    )
    return Section("Do short trainings rank?", tuple(text), pictures=(picture,))


def _operations(log: SearchLog) -> Section:
    title = "Shares of operations among the children of each search, over time."
    picture = Picture("operations.png", title, plots.operations_plot(log, _RUNG))
    return Section("Which operations were chosen", pictures=(picture,))


def _costs(retrained: RetrainedCells) -> Section:
    return Section("Costs", tables=(costs_table(retrained),))


def _skipped(retrained: RetrainedCells) -> Section:
    """Trials that failed come by the thousand, so they are counted by their reason."""
    images, failures = retrained.search.images, failures_table(retrained)
    found = skipped_section(images.skipped)
    if not images.skipped:
        return found if failures is None else Section(found.title, tables=(failures,))
    left_out = f"{len(images.skipped):,} of the data {images.name} can't be used; left out."
    more = () if failures is None else (failures,)
    return replace(found, text=(left_out,), tables=(*found.tables, *more))


def cell_png(retrained: RetrainedCells) -> bytes:
    """The found cells as a PNG file."""
    return png(draw_genotype(retrained.search.genotypes[retrained.winner].genotype()))
