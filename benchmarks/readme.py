"""Write the tables of measured figures into README.md from the results files.

A table stands between ``<!-- results:NAME -->`` and ``<!-- /results:NAME -->``; what is
between them is made here, from ``benchmarks/results/NAME.json``, and a test fails where the
two differ.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from benchmarks.results_file import RESULTS_DIR, Figure, ResultsFile, read_results

README = Path(__file__).parents[1] / "README.md"
_BLOCK = re.compile(r"(<!-- results:(\w+) -->\n).*?(<!-- /results:\2 -->)", re.DOTALL)


def table(results: ResultsFile) -> str:
    """Format the figures of one results file as a Markdown table."""
    rows = [f"| `{key}` | {_cell(figure)} |" for key, figure in results.figures.items()]
    source = (
        f"`{results.command}`, seeds {', '.join(map(str, results.seeds))}; "
        f"{results.date}, commit {results.commit}, {results.machine}."
    )
    return "\n".join(["| figure | value |", "| --- | --- |", *rows, "", source, ""])


def _cell(figure: Figure) -> str:
    unit = f" {figure.unit}" if figure.unit else ""
    if figure.interval is None:
        return f"{figure.value:.4g}{unit}"
    low, high = figure.interval
    return f"{figure.value:.3g}{unit} ({low:.3g} to {high:.3g})"


def fill(text: str, results_dir: Path = RESULTS_DIR) -> str:
    """Return the README's text with each table made anew from its results file."""

    def block(match: re.Match[str]) -> str:
        results = read_results(results_dir / f"{match[2]}.json")
        return match[1] + table(results) + match[3]

    return _BLOCK.sub(block, text)


def main() -> int:
    """Rewrite README.md, or with ``--check`` say whether it is up to date."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 if stale")
    arguments = parser.parse_args()
    text = README.read_text()
    filled = fill(text)
    if arguments.check:
        return int(text != filled)
    README.write_text(filled)
    return 0


if __name__ == "__main__":
    sys.exit(main())
