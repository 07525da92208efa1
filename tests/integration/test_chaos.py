"""All faults on purpose, as `make chaos` makes them; one of them is in test_stack.py."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from operators.installation import ROOT

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(3 * 3600)]


def test_no_fault_costs_more_than_time(tmp_path: Path) -> None:
    env = os.environ | {"ORRERY_CHAOS": str(tmp_path)}
    command = [sys.executable, "-m", "benchmarks.chaos"]
    told = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout[-5000:] + told.stderr[-2000:]
    assert "MISSED" not in told.stdout
