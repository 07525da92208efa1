"""Training loops without a network, for tests of the executors."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from tasks.core.errors import OrreryError


def count_steps(given: Any) -> None:
    """A training loop that fails at its third step until it has a checkpoint of the second."""
    kept = given["load_checkpoint"]()
    start = int((kept / "step").read_text()) if kept else 0
    for step in range(start, given["num_steps"]):
        if step == 2 and start == 0:
            raise OrreryError("cut off")
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "step").write_text(str(step + 1))
            given["save_checkpoint"](Path(folder))
            given["report"]({"loss": 1.0 / (step + 1)}, step)


def report_steps(given: Any) -> None:
    for step in range(given["num_steps"]):
        given["report"]({"loss": 1.0 / (step + 1)}, step)
