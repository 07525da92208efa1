"""Write the tables of measured figures into the READMEs from the results files.

A table stands between ``<!-- results:NAME KEY KEY … -->`` and ``<!-- /results:NAME -->``; what
is between them is made here, from ``benchmarks/results/NAME.json``, and a test fails where the
two differ. Without keys it holds all figures.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.results_file import RESULTS_DIR, Figure, ResultsFile, read_results

ROOT = Path(__file__).parents[1]
READMES = (ROOT / "README.md", *sorted(ROOT.glob("tasks/*/README.md")))
_MAX_LISTED = 5  # seeds
_BLOCK = re.compile(
    r"(<!-- results:(?P<name>\w+)(?P<keys>[\w ]*) -->\n).*?(<!-- /results:(?P=name) -->)",
    re.DOTALL,
)


def table(results: ResultsFile, keys: Sequence[str] = ()) -> str:
    """Format figures of one results file as a Markdown table: those named, or all.

    Raises:
        KeyError: A named figure was not measured.
    """
    chosen = keys or tuple(results.figures)
    rows = [f"| `{key}` | {_cell(results.figures[key])} |" for key in chosen]
    source = (
        f"`{results.command}`, seeds {_span(results.seeds)}; "
        f"{results.date}, commit {results.commit}, {results.machine}."
    )
    return "\n".join(["| figure | value |", "| --- | --- |", *rows, "", source, ""])


def _span(seeds: Sequence[int]) -> str:
    """List seeds; many consecutive ones by their ends."""
    first, last = seeds[0], seeds[-1]
    if len(seeds) > _MAX_LISTED and list(seeds) == list(range(first, last + 1)):
        return f"{first} to {last}"
    return ", ".join(map(str, seeds))


def _cell(figure: Figure) -> str:
    unit = f" {figure.unit}" if figure.unit else ""
    earlier = f", commit {figure.commit}" if figure.commit else ""
    if figure.interval is None:
        return f"{figure.value:.4g}{unit}{earlier}"
    low, high = figure.interval
    return f"{figure.value:.3g}{unit} ({low:.3g} to {high:.3g}){earlier}"


def fill(text: str, results_dir: Path = RESULTS_DIR) -> str:
    """Return a README's text with each table made anew from its results file."""

    def block(match: re.Match[str]) -> str:
        results = read_results(results_dir / f"{match['name']}.json")
        return match[1] + table(results, match["keys"].split()) + match[4]

    return _BLOCK.sub(block, text)


def blocks(text: str) -> list[str]:
    """Names of the results files that a README shows, one for each block."""
    return [match["name"] for match in _BLOCK.finditer(text)]


def main() -> int:
    """Rewrite the READMEs."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    for readme in READMES:
        readme.write_text(fill(readme.read_text()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
