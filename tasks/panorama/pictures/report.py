"""What the report of a run says, section by section."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tasks.core.ports import Skipped
from tasks.panorama.check_records import WORST_FIRST
from tasks.panorama.manifests import PublishedCapture
from tasks.report.estimates import mean_estimate
from tasks.report.page import Cell, Link, Picture, Section, Table, settings_section, skipped_section

# Name of the figure, title, decimals, whether more is better.
COLUMNS: tuple[tuple[str, str, int, bool], ...] = (
    ("held_out_mean_px", "held-out error, px", 2, False),
    ("true_mean_px", "true misalignment, px", 2, False),
    ("true_p95_px", "true misalignment p95, px", 2, False),
    ("overlap_ssim", "overlap SSIM", 3, True),
    ("seam_step", "seam step ratio", 2, False),
    ("seam_excess_worst", "worst seam excess", 2, False),
    ("psnr_db", "PSNR to truth, dB", 1, True),
)
_NOTE = (
    "Each figure: unrepaired, then published. Seam figures are measured on seams that are the same "
    "for both, at half the panorama's width."
)
_LEAST_FOR_MEANS = 2
_MEANS_NOTE = (
    "Of the captures that have the figure; the change with its 95 % t interval over captures."
)


def report_sections(
    captures: Sequence[PublishedCapture],
    skipped: Sequence[Skipped],
    pictures: Mapping[str, Sequence[Picture]],
    settings: Mapping[str, object],
    links: Sequence[Link],
) -> list[Section]:
    """Write the report.

    Args:
        captures: What was published.
        skipped: What could not be used.
        pictures: Pictures of captures by their id; a capture may have none.
        settings: What the run was set to.
        links: Ways to files beside the report.
    """
    num_repaired = sum(capture.is_repaired for capture in captures)
    summary = (
        f"{len(captures)} captures: {num_repaired} published repaired, "
        f"{len(captures) - num_repaired} as they were, {len(skipped)} could not be used."
    )
    return [
        Section("Restitched panoramas", (summary, *_verdicts(captures)), links=tuple(links)),
        _figures(captures),
        skipped_section(skipped),
        *([Section("Captures")] if captures else []),
        *(_capture(each, pictures.get(each.item_id, ())) for each in captures),
        settings_section(settings),
    ]


def _verdicts(captures: Sequence[PublishedCapture]) -> list[str]:
    """How many captures are not good, if any."""
    counts = {
        verdict: sum(capture.verdict == verdict for capture in captures) for verdict in WORST_FIRST
    }
    if counts["good"] == len(captures):
        return []
    return [
        f"{counts['rejected']} are rejected (photos or rig were wrong, or overlaps don't agree), "
        f"{counts['suspect']} are suspect. They stand first; look at them before you use them."
    ]


def figures_in_use(captures: Sequence[PublishedCapture]) -> list[tuple[str, str, int, bool]]:
    """Columns that at least one capture has figures for."""
    return [
        column
        for column in COLUMNS
        if any(column[0] in capture.before or column[0] in capture.after for capture in captures)
    ]


def figures_of(capture: PublishedCapture) -> list[tuple[str, str, Cell]]:
    """Title, before, and after with its mark, of each figure that a capture has."""
    rows = []
    for name, title, decimals, more_is_better in figures_in_use([capture]):
        before, after = (
            "" if value is None else f"{value:.{decimals}f}"
            for value in (capture.before.get(name), capture.after.get(name))
        )
        change = _change(capture, name, decimals, more_is_better)
        rows.append((title, before, Cell(after, change.mark if isinstance(change, Cell) else "")))
    return rows


def _figures(captures: Sequence[PublishedCapture]) -> Section:
    if not captures:
        return Section("Figures", ("There is no capture to measure.",))
    columns = figures_in_use(captures)
    head = ("capture", "verdict", "published", *(title for _, title, _, _ in columns))
    rows = tuple(
        (
            Cell(capture.item_id, to=capture.item_id),
            Cell(capture.verdict, "good" if capture.verdict == "good" else "bad"),
            capture.published,
            *(_change(capture, name, decimals, more) for name, _, decimals, more in columns),
        )
        for capture in captures
    )
    return Section("Figures", tables=(Table(head, rows, _NOTE), *_means(captures)))


def _change(
    capture: PublishedCapture, name: str, decimals: int, more_is_better: bool
) -> str | Cell:
    before, after = capture.before.get(name), capture.after.get(name)
    if before is None or after is None:
        return ""
    text = f"{before:.{decimals}f} → {after:.{decimals}f}"
    if round(before, decimals) == round(after, decimals):
        return text
    return Cell(text, "good" if (after > before) == more_is_better else "bad")


def _means(captures: Sequence[PublishedCapture]) -> list[Table]:
    """Means over captures; one capture has none."""
    rows = []
    for name, title, decimals, _ in figures_in_use(captures):
        both = [
            (capture.before[name], capture.after[name])
            for capture in captures
            if name in capture.before and name in capture.after
        ]
        if len(both) < _LEAST_FOR_MEANS:
            continue
        before, after = (mean_estimate(values).value for values in zip(*both, strict=True))
        change = mean_estimate([b - a for a, b in both])
        value, low, high = (f"{x:+.{decimals}f}" for x in (change.value, change.low, change.high))
        means = (f"{mean:.{decimals}f}" for mean in (before, after))
        rows.append((title, str(len(both)), *means, f"{value} ({low} to {high})"))
    head = ("mean of", "captures", "unrepaired", "published", "change (95 % interval)")
    return [Table(head, tuple(rows), _MEANS_NOTE)] if rows else []


def said(capture: PublishedCapture) -> list[str]:
    """What is to be said of a capture, in sentences."""
    sentences = [f"Verdict: {capture.verdict}. Published: {capture.published}."]
    for title, texts in (
        ("Doubt", capture.doubts),
        ("Refused", capture.reasons),
        ("Note", capture.warnings),
    ):
        sentences += [f"{title}: {text}" for text in texts]
    return sentences


def _capture(capture: PublishedCapture, pictures: Sequence[Picture]) -> Section:
    text = tuple(said(capture))
    return Section(capture.item_id, text, pictures=tuple(pictures), is_part=True)
