"""How many inputs that mean harm, or just are odd, are tried, and how many of them come through.

They are the tests marked ``hostile``: each puts one in at a public entry point and demands that it
is refused, or skipped, with a sentence. What fails in any way counts as having come through.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from benchmarks.results_file import Figure
from operators.installation import ROOT

_PYTEST = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "hostile")
# Exit codes of pytest: all passed, some failed. Others mean that not all were tried.
_RAN = (0, 1)
_COUNTS = ("tests", "skipped", "failures", "errors")


def measure(folders: Sequence[Path]) -> dict[str, Figure]:
    """Try the inputs of the tests in some folders; those that this machine skips don't count.

    Raises:
        RuntimeError: Not all of them could be tried.
    """
    with tempfile.TemporaryDirectory(prefix="orrery-bench-") as folder:
        report = Path(folder) / "report.xml"
        command = [*_PYTEST, f"--config-file={ROOT / 'pyproject.toml'}", f"--junitxml={report}"]
        done = subprocess.run(
            [*command, *map(str, folders)], cwd=ROOT, check=False, capture_output=True, text=True
        )
        if done.returncode not in _RAN:
            raise RuntimeError(f"not all inputs were tried:\n{done.stdout[-2000:]}{done.stderr}")
        suite = next(ElementTree.parse(report).iter("testsuite"))  # noqa: S314  (pytest's own)
    tests, skipped, failures, errors = (int(suite.attrib[name]) for name in _COUNTS)
    return {
        "hostile_inputs_tried": Figure(value=tests - skipped, unit="", interval=None),
        "hostile_inputs_through": Figure(value=failures + errors, unit="", interval=None),
    }
