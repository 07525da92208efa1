"""CPU seconds that the import of each stage takes in a process of its own, and that of torch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from benchmarks.results_file import Figure
from operators.installation import ROOT

_PROBE = """
import importlib, sys, time
begun_s = time.process_time()
importlib.import_module(sys.argv[1])
print(time.process_time() - begun_s)
"""


def measure(num_times: int) -> dict[str, Figure]:
    """Measure all stages of all systems; each figure is the least and the range of some times."""
    files = sorted(ROOT.glob("tasks/*/stages/[!_]*.py"))
    modules = {
        _name(path): ".".join(path.relative_to(ROOT).with_suffix("").parts) for path in files
    }
    return {
        f"import_cpu_s_{name}": _figure([_import_s(module) for _ in range(num_times)])
        for name, module in {"torch": "torch", **modules}.items()
    }


def _name(path: Path) -> str:
    return f"{path.parts[-3]}_{path.stem}"


def _figure(seconds: list[float]) -> Figure:
    return Figure(value=min(seconds), unit="s", interval=(min(seconds), max(seconds)))


def _import_s(module: str) -> float:
    command = [sys.executable, "-c", _PROBE, module]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return float(done.stdout.splitlines()[-1])
