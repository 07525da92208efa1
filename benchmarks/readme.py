"""Write measured figures into the READMEs from the results files: as sentences and as tables.

The first README says them in sentences. Their wording stands in a comment, a figure's key in
braces for each figure; what follows the comment is made here::

    <!-- sentences:restitch
    - Surfaces meet within {misalignment_mean_px:.2g} where the calibration left {nominal_mean_px}.
    -->
    - Surfaces meet within 0.41 px where the calibration left 6.72 px.
    …
    <!-- /sentences:restitch -->

The systems' READMEs hold tables, between ``<!-- results:NAME KEY KEY … -->`` and
``<!-- /results:NAME -->``; without keys a table holds all figures. Everything is made from
``benchmarks/results/NAME.json``, and a test fails where a README differs from it.
"""

from __future__ import annotations

import argparse
import re
import string
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path

from benchmarks.results_file import RESULTS_DIR, Figure, ResultsFile, read_results
from operators.installation import ROOT

FIRST_README = ROOT / "README.md"
READMES = (
    FIRST_README,
    ROOT / "benchmarks" / "README.md",
    *sorted(ROOT.glob("tasks/*/README.md")),
)
_MAX_LISTED = 5  # seeds
_WIDTH = 100  # characters a line
_TABLE = re.compile(
    r"(<!-- results:(?P<name>\w+)(?P<keys>[\w ]*) -->\n).*?(<!-- /results:(?P=name) -->)",
    re.DOTALL,
)
_SENTENCES = re.compile(
    r"(<!-- sentences:(?P<name>\w+)\n(?P<wording>.*?)-->\n).*?(<!-- /sentences:(?P=name) -->)",
    re.DOTALL,
)
# A key in braces, and what follows it: `.span`, `:.2g`.
_KEY = re.compile(r"\w+")


def fill(text: str, results_dir: Path = RESULTS_DIR) -> str:
    """Return a README's text with all sentences and tables made anew.

    Raises:
        FileNotFoundError: There is no results file of a block's name.
        KeyError: A named figure was not measured.
    """

    def read(match: re.Match[str]) -> ResultsFile:
        return read_results(results_dir / f"{match['name']}.json")

    text = _TABLE.sub(lambda m: m[1] + table(read(m), m["keys"].split()) + m[4], text)
    return _SENTENCES.sub(lambda m: m[1] + sentences(read(m), m["wording"]) + m[4], text)


def sentences(results: ResultsFile, wording: str) -> str:
    """Put figures of one results file into sentences, and say where they were measured.

    Args:
        results: The figures.
        wording: A list in Markdown, with ``{key}``, ``{key:.2g}`` or ``{key.span}``; see `Figure`.

    Raises:
        KeyError: A named figure was not measured.
    """
    points = wording.format_map(results.figures).removeprefix("- ").split("\n- ")
    said = "\n".join(_point(point) for point in points)
    return f"{said}\n\n{_source(results, keys_in(wording))}\n"


def _point(text: str) -> str:
    """One point of a list, in lines of the README's width."""
    return textwrap.fill(
        " ".join(text.split()),
        _WIDTH,
        initial_indent="- ",
        subsequent_indent="  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def blocks(text: str) -> list[str]:
    """Names of the results files that a README shows, one for each block."""
    return [match["name"] for kind in (_SENTENCES, _TABLE) for match in kind.finditer(text)]


def keys_in(wording: str) -> list[str]:
    """Keys of the figures that a wording names, in order."""
    fields = (name for _, name, _, _ in string.Formatter().parse(wording) if name)
    return [match[0] for match in map(_KEY.match, fields) if match]


def table(results: ResultsFile, keys: Sequence[str] = ()) -> str:
    """Format figures of one results file as a Markdown table: those named, or all.

    Raises:
        KeyError: A named figure was not measured.
    """
    chosen = keys or tuple(results.figures)
    rows = [f"| `{key}` | {_cell(results.figures[key])} |" for key in chosen]
    return "\n".join(["| figure | value |", "| --- | --- |", *rows, "", _source(results), ""])


def _source(results: ResultsFile, keys: Sequence[str] = ()) -> str:
    """Where and when figures were measured; of the named ones, on which other commits too."""
    found = [results.commit, *(results.figures[key].commit for key in keys)]
    commits = dict.fromkeys(commit for commit in found if commit)
    return (
        f"`{results.command}`, seeds {_span(results.seeds)}; {results.date}, "
        f"commit {', '.join(commits)}, {results.machine}."
    )


def _span(seeds: Sequence[int]) -> str:
    """List seeds; many consecutive ones by their ends."""
    first, last = seeds[0], seeds[-1]
    if len(seeds) > _MAX_LISTED and list(seeds) == list(range(first, last + 1)):
        return f"{first} to {last}"
    return ", ".join(map(str, seeds))


def _cell(figure: Figure) -> str:
    earlier = f", commit {figure.commit}" if figure.commit else ""
    if figure.interval is None:
        return f"{figure:.4g}{earlier}"
    return f"{figure} ({figure.span}){earlier}"


def main() -> int:
    """Rewrite the READMEs."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    for readme in READMES:
        readme.write_text(fill(readme.read_text()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
