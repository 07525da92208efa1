"""A page for people: one HTML file that needs nothing else, and the same as Markdown.

A page is a list of sections; the first one's title is the page's. Every text is data: names of
folders and captures come from outside, so the templates escape whatever they are given.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template, select_autoescape

from tasks.core.ports import Skipped

# The files count in a stage's key like code, because their names stand here.
_HTML: Final = "templates/page.html.j2"
_MARKDOWN: Final = "templates/page.md.j2"
_KINDS: Final = {"png": "image/png", "svg": "image/svg+xml", "jpg": "image/jpeg"}
_MOST_SKIPPED: Final = 200  # that are listed
_BARS: Final = "▁▂▃▄▅▆▇█"
_WORD: Final = re.compile(r"(?<![^\W\d_])(?!to\b)[^\W\d_]")  # begins here, and is not "to"
_ACTIVE: Final = re.compile(r"[\\`<&\[|]")  # what Markdown would read as more than text


@dataclass(frozen=True)
class Cell:
    """A cell of a table that is more than its text.

    Attributes:
        text: What it says.
        mark: Whether that is ``good`` or ``bad``; empty for neither.
        to: Title of the part that it leads to; empty for none.
    """

    text: str
    mark: Literal["", "good", "bad"] = ""
    to: str = ""


@dataclass(frozen=True)
class Table:
    """Rows of texts under a head.

    Attributes:
        head: Names of the columns; empty for a list of facts, which has none.
        rows: Texts; the first column names the rows.
        note: What the columns mean; empty for none.
    """

    head: tuple[str, ...]
    rows: tuple[tuple[str | Cell, ...], ...]
    note: str = ""

    @property
    def is_number(self) -> tuple[bool, ...]:
        """Whether a column, first to last, holds numbers, which stand at the right."""
        return tuple(
            index > 0 and _are_numbers(_text(cell) for cell in column)
            for index, column in enumerate(zip(*self.rows, strict=True))
        ) or (False,) * len(self.head)

    @property
    def columns(self) -> list[tuple[str, bool]]:
        """Its head, each name with whether the column holds numbers."""
        return [*zip(self.head, self.is_number, strict=True)]

    @property
    def lines(self) -> list[list[tuple[Cell, bool]]]:
        """Its rows, each cell with whether it stands in a column of numbers."""
        is_number = self.is_number
        cells = ((c if isinstance(c, Cell) else Cell(c) for c in row) for row in self.rows)
        return [[*zip(row, is_number, strict=True)] for row in cells]


@dataclass(frozen=True)
class Histogram:
    """Counts in bins of equal width.

    Attributes:
        title: What was counted.
        edges: Limits of the bins, one more than counts.
        counts: How many fall into each.
    """

    title: str
    edges: tuple[float, ...]
    counts: tuple[int, ...]

    @property
    def caption(self) -> str:
        """Its title with the range."""
        return f"{self.title}, {self.edges[0]:.3g} to {self.edges[-1]:.3g}"

    @property
    def bins(self) -> list[tuple[str, float]]:
        """What each bin holds in words, and its height, highest 1."""
        highest = max(*self.counts, 1)
        limits = zip(self.edges, self.edges[1:], self.counts, strict=False)
        return [(f"{low:.3g} to {high:.3g}: {n}", n / highest) for low, high, n in limits]

    @property
    def bars(self) -> str:
        """The heights as one line of text."""
        return "".join(_BARS[round(height * (len(_BARS) - 1))] for _, height in self.bins)


@dataclass(frozen=True)
class Picture:
    """A picture.

    Attributes:
        name: File beside the page that holds the same: ``….png``, ``….svg`` or ``….jpg``.
        title: What it shows: its caption, and what is read where it can't be seen.
        data: Its bytes.
    """

    name: str
    title: str
    data: bytes

    @property
    def source(self) -> str:
        """The picture itself as an address."""
        kind = _KINDS[self.name.rpartition(".")[2]]
        return f"data:{kind};base64,{base64.b64encode(self.data).decode('ascii')}"


@dataclass(frozen=True)
class Link:
    """A way to something else.

    Attributes:
        text: What it is.
        target: Path beside the page, or an address; never made of what users name.
    """

    text: str
    target: str


@dataclass(frozen=True)
class Section:
    """A part of a page.

    Attributes:
        title: Its heading.
        text: Paragraphs.
        tables: Shown after the paragraphs and links.
        pictures: Shown after tables and histograms.
        histograms: Shown after the tables.
        links: Ways to files beside the page and to sources, shown after the paragraphs.
        code: Shown last as it is; empty for none.
        is_part: Whether it belongs to the section above it, so that the contents leave it out.
    """

    title: str
    text: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    pictures: tuple[Picture, ...] = ()
    histograms: tuple[Histogram, ...] = ()
    links: tuple[Link, ...] = ()
    code: str = ""
    is_part: bool = False


def html(sections: Sequence[Section]) -> str:
    """Write the page; it holds its pictures and asks for nothing else."""
    places = {each.title: index for index, each in enumerate(sections) if each.is_part}
    return _template(_HTML).render(sections=sections, places=places)


def markdown(sections: Sequence[Section]) -> str:
    """Write the page as Markdown; pictures are named as files beside it."""
    return _template(_MARKDOWN).render(sections=sections).rstrip() + "\n"


def write_page(sections: Sequence[Section], folder: Path, name: str = "report") -> list[str]:
    """Write ``name.html``, ``name.md`` and the pictures that the latter names.

    Args:
        sections: The page.
        folder: Where to.
        name: File name without ending.

    Returns:
        Paths of the files within the folder, page and text first.
    """
    files = {f"{name}.html": html(sections).encode(), f"{name}.md": markdown(sections).encode()}
    files |= {each.name: each.data for section in sections for each in section.pictures}
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return [*files]


def settings_section(settings: Mapping[str, Any], text: tuple[str, ...] = ()) -> Section:
    """Say what a run was set to; nested settings are named by their path."""
    rows = tuple(sorted(_flat(settings)))
    return Section("Settings", text, tables=(Table(("setting", "value"), rows),))


def skipped_section(skipped: Sequence[Skipped]) -> Section:
    """Say what could not be used, and why; that there was nothing is said too."""
    if not skipped:
        return Section("Skipped", ("Nothing was skipped.",))
    rows = tuple((each.item_id, each.reason) for each in skipped[:_MOST_SKIPPED])
    rest = len(skipped) - len(rows)
    note = f"{rest:,} more are not listed." if rest else ""
    return Section("Skipped", tables=(Table(("what", "why"), rows, note),))


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        path = f"{prefix}.{name}".strip(".")
        if isinstance(value, Mapping):
            yield from _flat(value, path)
        else:
            yield path, str(value)


def _text(cell: str | Cell) -> str:
    return cell.text if isinstance(cell, Cell) else cell


def _are_numbers(cells: Iterable[str]) -> bool:
    """Whether cells hold figures and, but for an interval's ``to``, no words."""
    texts = [cell for cell in cells if any(map(str.isalnum, cell))]
    return bool(texts) and not any(_WORD.search(text) for text in texts)


@cache
def _template(name: str) -> Template:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=select_autoescape(enabled_extensions=("html.j2",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["plain"] = _plain
    return environment.get_template(name)


def _plain(text: str) -> str:
    """Text as one line of Markdown, in which nothing is read as more than text."""
    return _ACTIVE.sub(r"\\\g<0>", " ".join(text.split()))
