"""The report of a run: one HTML page that holds its pictures and needs nothing else."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from tasks.core.ports import Skipped
from tasks.panorama.manifests import PublishedCapture

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
_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 1500px;
  padding: 0 1rem; color: #222; background: #fafafa; }
table { border-collapse: collapse; margin: 1rem 0; }
th, td { padding: .3rem .7rem; border-bottom: 1px solid #ddd; text-align: right; }
th:first-child, td:first-child, td.text { text-align: left; }
td.good { color: #0a7a2f; } td.bad { color: #b3261e; }
img { max-width: 100%; display: block; margin: .5rem 0; }
h2 { margin-top: 2.5rem; }
.note { color: #666; }
"""


@dataclass(frozen=True)
class ReportPicture:
    """A picture of the report.

    Attributes:
        title: Shown where the picture can't be.
        jpeg: Its bytes.
    """

    title: str
    jpeg: bytes


def html_report(
    captures: Sequence[PublishedCapture],
    skipped: Sequence[Skipped],
    pictures: Mapping[str, Sequence[ReportPicture]],
) -> str:
    """Write the report.

    Args:
        captures: What was published.
        skipped: What could not be used.
        pictures: Pictures of captures by their id; a capture may have none.

    Returns:
        A whole HTML page.
    """
    num_repaired = sum(capture.is_repaired for capture in captures)
    parts = [
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>",
        f"<title>Restitched panoramas</title><style>{_STYLE}</style></head><body>",
        "<h1>Restitched panoramas</h1>",
        f"<p>{len(captures)} captures: {num_repaired} published repaired, "
        f"{len(captures) - num_repaired} as they were, {len(skipped)} could not be used.</p>",
        _overview(captures),
        _skipped(skipped),
        *(_section(capture, pictures.get(capture.item_id, ())) for capture in captures),
        "</body></html>",
    ]
    return "\n".join(parts)


def figures_in_use(captures: Sequence[PublishedCapture]) -> list[tuple[str, str, int, bool]]:
    """Columns that at least one capture has figures for."""
    return [
        column
        for column in COLUMNS
        if any(column[0] in capture.before or column[0] in capture.after for capture in captures)
    ]


def _overview(captures: Sequence[PublishedCapture]) -> str:
    if not captures:
        return ""
    columns = figures_in_use(captures)
    head = "".join(f"<th>{escape(title)}</th>" for _, title, _, _ in columns)
    rows = [
        f"<tr><td><a href='#{escape(c.item_id, quote=True)}'>{escape(c.item_id)}</a></td>"
        f"<td class='text'>{escape(c.published)}</td>"
        + "".join(_cell(c, name, decimals, more) for name, _, decimals, more in columns)
        + "</tr>"
        for c in captures
    ]
    return (
        "<table><thead><tr><th>capture</th><th>published</th>"
        f"{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
        "<p class='note'>Each figure: unrepaired, then published. Seam figures are measured on "
        "seams that are the same for both, at half the panorama's width.</p>"
    )


def _cell(capture: PublishedCapture, name: str, decimals: int, more_is_better: bool) -> str:
    before, after = capture.before.get(name), capture.after.get(name)
    if before is None or after is None:
        return "<td></td>"
    kind = ""
    if round(before, decimals) != round(after, decimals):
        kind = " class='good'" if (after > before) == more_is_better else " class='bad'"
    return f"<td{kind}>{before:.{decimals}f} &rarr; {after:.{decimals}f}</td>"


def _skipped(skipped: Sequence[Skipped]) -> str:
    if not skipped:
        return ""
    rows = "".join(
        f"<li><b>{escape(each.item_id)}</b>: {escape(each.reason)}</li>" for each in skipped
    )
    return f"<h2>Could not be used</h2><ul>{rows}</ul>"


def _section(capture: PublishedCapture, pictures: Sequence[ReportPicture]) -> str:
    lines = [
        f"<h2 id='{escape(capture.item_id, quote=True)}'>{escape(capture.item_id)}</h2>",
        f"<p>Published: {escape(capture.published)}.</p>",
    ]
    for title, texts in (("Refused", capture.reasons), ("Note", capture.warnings)):
        lines += [f"<p class='note'>{title}: {escape(text)}</p>" for text in texts]
    lines += [_image(picture) for picture in pictures]
    return "\n".join(lines)


def _image(picture: ReportPicture) -> str:
    data = base64.b64encode(picture.jpeg).decode("ascii")
    title = escape(picture.title, quote=True)
    return f"<img alt='{title}' title='{title}' src='data:image/jpeg;base64,{data}'>"
