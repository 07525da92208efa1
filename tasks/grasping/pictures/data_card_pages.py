"""The data card as Markdown and as one HTML page that needs nothing else."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape

from tasks.grasping.pictures.data_card import Histogram, Picture, Section, Table

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 1100px;
  padding: 0 1rem; color: #222; background: #fafafa; }
table { border-collapse: collapse; margin: 1rem 0; }
th, td { padding: .25rem .7rem; border-bottom: 1px solid #ddd; text-align: left;
  vertical-align: top; }
img { max-width: 100%; display: block; margin: .5rem 0 1.5rem; }
h2 { margin-top: 2.5rem; }
figure { display: inline-block; margin: .5rem 1rem .5rem 0; }
figcaption { color: #666; font-size: .9em; }
svg { background: #fff; border: 1px solid #ddd; }
"""
_BARS = "▁▂▃▄▅▆▇█"
_WIDTH, _HEIGHT = 240, 80  # of a histogram, CSS pixels


def markdown(sections: Sequence[Section]) -> str:
    """Write the card as Markdown; pictures are named by their path beside it."""
    return "\n\n".join(_markdown(section, first=not i) for i, section in enumerate(sections)) + "\n"


def html(sections: Sequence[Section]) -> str:
    """Write the card as one HTML page that holds its pictures."""
    body = "\n".join(_html(section, first=not i) for i, section in enumerate(sections))
    return (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>"
        f"<title>{escape(sections[0].title)}</title><style>{_STYLE}</style></head>"
        f"<body>\n{body}\n</body></html>\n"
    )


def _markdown(section: Section, *, first: bool) -> str:
    parts = [f"{'#' if first else '##'} {section.title}", *section.text]
    parts += [_markdown_table(table) for table in section.tables]
    parts += [
        f"`{_bars(each.counts)}` {each.title}, {each.edges[0]:.3g} to {each.edges[-1]:.3g}"
        for each in section.histograms
    ]
    parts += [f"![{each.title}]({each.name})" for each in section.pictures]
    return "\n\n".join(parts)


def _markdown_table(table: Table) -> str:
    lines = [table.head, ("---",) * len(table.head), *table.rows]
    return "\n".join("| " + " | ".join(_cell(each) for each in line) + " |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _bars(counts: Sequence[int]) -> str:
    highest = max(*counts, 1)
    return "".join(_BARS[round(count / highest * (len(_BARS) - 1))] for count in counts)


def _html(section: Section, *, first: bool) -> str:
    level = "h1" if first else "h2"
    parts = [f"<{level}>{escape(section.title)}</{level}>"]
    parts += [f"<p>{escape(text)}</p>" for text in section.text]
    parts += [_html_table(table) for table in section.tables]
    parts += [_html_histogram(each) for each in section.histograms]
    parts += [_html_picture(each) for each in section.pictures]
    return "\n".join(parts)


def _html_table(table: Table) -> str:
    head = "".join(f"<th>{escape(each)}</th>" for each in table.head)
    rows = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in table.rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _html_histogram(histogram: Histogram) -> str:
    highest, width = max(*histogram.counts, 1), _WIDTH / len(histogram.counts)
    bars = "".join(
        f"<rect x='{i * width:.1f}' y='{_HEIGHT - count / highest * _HEIGHT:.1f}' "
        f"width='{width - 1:.1f}' height='{count / highest * _HEIGHT:.1f}' fill='#46c'>"
        f"<title>{low:.3g} to {high:.3g}: {count}</title></rect>"
        for i, (low, high, count) in enumerate(
            zip(histogram.edges[:-1], histogram.edges[1:], histogram.counts, strict=True)
        )
    )
    title = f"{histogram.title}, {histogram.edges[0]:.3g} to {histogram.edges[-1]:.3g}"
    return (
        f"<figure><svg width='{_WIDTH}' height='{_HEIGHT}'>{bars}</svg>"
        f"<figcaption>{escape(title)}</figcaption></figure>"
    )


def _html_picture(picture: Picture) -> str:
    data = base64.b64encode(picture.data).decode("ascii")
    kind = "png" if picture.data.startswith(b"\x89PNG") else "jpeg"
    title = escape(picture.title, quote=True)
    return (
        f"<p>{title}</p><img alt='{title}' title='{title}' src='data:image/{kind};base64,{data}'>"
    )
