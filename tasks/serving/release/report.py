"""The page of a release: the verdict, and the numbers of each stage behind it."""

from __future__ import annotations

from collections.abc import Iterator

from tasks.report.page import Cell, Picture, Section, Table
from tasks.report.plots import BAD_COLOUR, COLOURS, label, new_figure, png
from tasks.serving.release.canary import GUARDS, Canary
from tasks.serving.release.counts import Counts
from tasks.serving.release.manifests import Canaried, CheckedBundle, Shadowed

_HEIGHT_IN = 3.4
_LEAST = 0.01  # less is as good as none


def figures_of(found: Canaried) -> dict[str, float]:
    """Numbers of a release, by name."""
    shadowed, canary = found.shadowed, found.canary
    figures = {
        "num_networks": float(len(shadowed.checked.networks)),
        "shadow_asked": float(shadowed.num_asked),
        "shadow_failed": float(shadowed.num_failed),
        "shadow_disagreeing": float(shadowed.num_disagreeing),
        "shadow_differing": float(shadowed.num_differing),
    }
    if canary is None:
        return figures
    for name, each in zip(("candidate", "other"), canary.total, strict=True):
        counts = {f"{name}_{key}": float(value) for key, value in each.model_dump().items()}
        figures |= {key.replace("_num_", "_"): value for key, value in counts.items()}
    return figures | {f"evidence_{guard}": canary.highest[guard] for guard in GUARDS}


def sections_of(found: Canaried, verdict: str, reasons: tuple[str, ...]) -> list[Section]:
    """The page, its verdict first."""
    candidate = found.shadowed.checked.candidate
    before = "no version" if candidate.stable is None else f"version {candidate.stable}"
    answers = f"version {candidate.version}" if verdict == "promoted" else before
    facts = (
        ("model", candidate.model),
        ("candidate", f"version {candidate.version}"),
        ("answered before", before),
        ("answers now", answers),
        ("verdict", Cell(verdict, "good" if verdict == "promoted" else "bad")),
        ("release", candidate.holder),
    )
    text = tuple(f"{each[:1].upper()}{each[1:]}." for each in reasons)
    title = f"{candidate.model} version {candidate.version}: {verdict}"
    return [
        Section(title, text, tables=(Table((), facts),)),
        _check(found.shadowed.checked),
        _shadow(found.shadowed),
        _canary(found.canary),
    ]


def _check(checked: CheckedBundle) -> Section:
    rows = tuple(
        (
            each.item_id,
            each.runtime,
            str(each.num_signatures),
            f"{each.difference:.2g}",
            *_ends(each.curve),
        )
        for each in checked.networks
    )
    head = ("network", "runtime", "signatures", "greatest difference", "us at 1", "us at most")
    note = "CPU microseconds an item, alone and in the batch in which an item costs least."
    text = () if rows else ("No network passed.",)
    return Section("Check", text, tables=(Table(head, rows, note),) if rows else ())


def _ends(curve: tuple[tuple[int, float], ...]) -> tuple[str, str]:
    if not curve:
        return "–", "–"
    size, us = min(curve, key=lambda each: each[1])
    return f"{curve[0][1]:,.0f}", f"{us:,.0f} at {size}"


def _shadow(shadowed: Shadowed) -> Section:
    if not shadowed.num_asked:
        return Section("Shadow", ("Nothing was asked.",))
    greatest = "names or shapes" if shadowed.greatest is None else f"{shadowed.greatest:.3g}"
    rows = (
        ("asked", f"{shadowed.num_asked:,}, of {shadowed.source}"),
        ("failed", f"{shadowed.num_failed:,}"),
        ("compared", f"{shadowed.num_compared:,}"),
        ("disagreeing", f"{shadowed.num_disagreeing:,}"),
        ("differing", f"{shadowed.num_differing:,}"),
        ("greatest difference", greatest),
    )
    return Section("Shadow", tables=(Table((), rows),))


def _canary(canary: Canary | None) -> Section:
    if canary is None:
        return Section(
            "Canary", ("There was none: see the verdict, or no version answered before.",)
        )
    head = ("version", "answered", "failed", "slow", "compared", "disagreeing")
    rows = tuple(
        (name, *_row(each)) for name, each in zip(("candidate", "other"), canary.total, strict=True)
    )
    note = f"Slow: longer than {canary.limit_s:g} s, the other version's p99 when the canary began."
    evidence = tuple((name, f"{canary.highest[name]:.3g}") for name in GUARDS)
    limit = f"1 is none; {canary.convicts_at:.4g} takes it back. Each step begins anew."
    tables = (Table(head, rows, note), Table(("guard", "highest evidence"), evidence, limit))
    picture = Picture("canary.png", "Evidence against the candidate", plot(canary))
    return Section("Canary", tables=tables, pictures=(picture,) if canary.points else ())


def _row(counts: Counts) -> Iterator[str]:
    yield from (f"{value:,}" for value in counts.model_dump().values())


def plot(canary: Canary) -> bytes:
    """Evidence of each guard, and the candidate's share, by its answers; a PNG."""
    figure, (axes, below) = new_figure(_HEIGHT_IN * 1.5, rows=2)
    nums = [each.num for each in canary.points]
    for index, guard in enumerate(GUARDS):
        values = [each.evidence[index] for each in canary.points]
        axes.plot(nums, values, color=COLOURS[index], label=guard, drawstyle="steps-post")
    axes.axhline(canary.convicts_at, color=BAD_COLOUR, linewidth=1, linestyle="--")
    axes.set_yscale("log")
    axes.set_ylim(bottom=_LEAST)
    axes.legend(fontsize=9, frameon=False, loc="lower left")  # the line is above
    label(axes, "Evidence against the candidate (1: none; the line takes it back)", "", "evidence")
    shares = [each.share / 10 for each in canary.points]
    below.plot(nums, shares, color=COLOURS[0], drawstyle="steps-post")
    below.set_ylim(bottom=0)
    label(below, "Share of the live requests", "answers of the candidate", "per cent")
    return png(figure)
