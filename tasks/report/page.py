"""A report as one HTML page that needs nothing else, and as Markdown with files beside it."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_STYLE = """
body { font: 15px/1.5 system-ui, "DejaVu Sans", sans-serif; margin: 2rem auto;
  max-width: 960px; padding: 0 1rem; color: #222; background: #fafafa; }
table { border-collapse: collapse; margin: 1rem 0; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .6rem; border-bottom: 1px solid #ddd; text-align: right; }
th:first-child, td:first-child { text-align: left; }
td { white-space: nowrap; }
th { font-weight: 600; vertical-align: bottom; }
.wide { overflow-x: auto; }
figure { margin: 1rem 0; }
figure img { width: 100%; height: auto; background: #fff; border: 1px solid #ddd; }
figcaption, .note { color: #555; font-size: .93em; }
h2 { margin-top: 2.5rem; }
pre { background: #f0f0f0; padding: .8rem; overflow-x: auto; font-size: .85em; }
"""
_KINDS = {"png": "image/png", "svg": "image/svg+xml"}


@dataclass(frozen=True)
class Table:
    """Rows of texts under a head.

    Attributes:
        head: Names of the columns; the first holds the names of the rows.
        rows: Texts.
        note: What the columns mean; empty for none.
    """

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


@dataclass(frozen=True)
class Picture:
    """A picture of the report.

    Attributes:
        name: File name, ``….png`` or ``….svg``.
        title: What it shows.
        data: Its bytes.
    """

    name: str
    title: str
    data: bytes


@dataclass(frozen=True)
class Section:
    """A part of the report.

    Attributes:
        title: Its heading.
        text: Paragraphs.
        tables: Shown after the paragraphs.
        pictures: Shown after the tables.
        code: Shown last as it is; empty for none.
    """

    title: str
    text: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    pictures: tuple[Picture, ...] = ()
    code: str = ""


def html(sections: Sequence[Section]) -> str:
    """Write the report as one page that holds its pictures."""
    body = "\n".join(_html(section, first=not i) for i, section in enumerate(sections))
    return (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width'>"
        f"<title>{escape(sections[0].title)}</title><style>{_STYLE}</style></head>"
        f"<body>\n{body}\n</body></html>\n"
    )


def markdown(sections: Sequence[Section]) -> str:
    """Write the report as Markdown; pictures are named as files beside it."""
    return "\n\n".join(_markdown(section, first=not i) for i, section in enumerate(sections)) + "\n"


def _html(section: Section, *, first: bool) -> str:
    level = "h1" if first else "h2"
    parts = [f"<{level}>{escape(section.title)}</{level}>"]
    parts += [f"<p>{escape(text)}</p>" for text in section.text]
    parts += [_html_table(table) for table in section.tables]
    parts += [_html_picture(each) for each in section.pictures]
    parts += [f"<pre>{escape(section.code)}</pre>"] if section.code else []
    return "\n".join(parts)


def _html_table(table: Table) -> str:
    head = "".join(f"<th>{escape(each)}</th>" for each in table.head)
    rows = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in table.rows
    )
    note = f"<p class='note'>{escape(table.note)}</p>" if table.note else ""
    return (
        f"<div class='wide'><table><thead><tr>{head}</tr></thead>"
        f"<tbody>{rows}</tbody></table></div>{note}"
    )


def _html_picture(picture: Picture) -> str:
    data = base64.b64encode(picture.data).decode("ascii")
    title = escape(picture.title, quote=True)
    kind = _KINDS[picture.name.rsplit(".", 1)[-1]]
    return (
        f"<figure><img alt='{title}' src='data:{kind};base64,{data}'>"
        f"<figcaption>{title}</figcaption></figure>"
    )


def _markdown(section: Section, *, first: bool) -> str:
    parts = [f"{'#' if first else '##'} {section.title}", *section.text]
    for table in section.tables:
        parts += [_markdown_table(table), *([table.note] if table.note else [])]
    parts += [f"![{each.title}]({each.name})" for each in section.pictures]
    parts += [f"```\n{section.code.rstrip()}\n```"] if section.code else []
    return "\n\n".join(parts)


def _markdown_table(table: Table) -> str:
    rule = ("---", *("---:" for _ in table.head[1:]))
    lines = [table.head, rule, *table.rows]
    return "\n".join("| " + " | ".join(_cell(each) for each in line) + " |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
