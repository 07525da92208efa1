"""Trainings are kept, go on after a kill, and are run once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from benchmarks.nas.comparison.kept import Kept, best_by, run_all
from operators.processes.marked import lives
from tests.support.kernel.live_runs import until, words

_POLL_S, _LIMIT_S = 0.05, 60.0


@dataclass(frozen=True)
class Counting:
    """Counts to three, a checkpoint for each; `place` says where it waits, and decides nothing."""

    name: str
    place: str = field(repr=False)

    def run(self, folder: Kept) -> dict[str, object]:
        kept = folder.checkpoint()
        number = 0 if kept is None else int(kept.read_text())
        begun = number
        while number < 3:
            number += 1
            partial = folder.path / "partial"
            partial.write_text(str(number))
            folder.save_checkpoint(partial)
            while number == 2 and Path(self.place, "wait").exists():
                time.sleep(_POLL_S)
        if self.name == "bad":
            raise ValueError("it fails")
        return {"begun": begun, "curve": [number], "process": os.getpid()}


def test_what_has_ended_is_read_and_the_rest_run(tmp_path: Path) -> None:
    trainings = [Counting(name, str(tmp_path)) for name in "ab"]
    first = run_all(trainings, tmp_path)
    again = run_all([*trainings, Counting("c", str(tmp_path))], tmp_path)
    assert [each["curve"] for each in again] == [[3]] * 3
    assert again[:2] == first
    assert all(each["commit"] for each in again)
    assert Kept.of(trainings[0], tmp_path).checkpoint() is None
    assert Kept.of(Counting("a", "elsewhere"), tmp_path).result() == first[0]
    assert best_by(trainings, first, lambda each: each["curve"][0]) == trainings[0]


def test_a_training_that_fails_is_told_and_the_others_are_kept(tmp_path: Path) -> None:
    trainings = [Counting(name, str(tmp_path)) for name in ("good", "bad")]
    with pytest.raises(ValueError, match="it fails"):
        run_all(trainings, tmp_path)
    assert Kept.of(trainings[1], tmp_path).result() is None


def test_a_killed_run_leaves_no_process_and_goes_on(tmp_path: Path) -> None:
    (tmp_path / "wait").touch()
    training = Counting("a", str(tmp_path))
    folder = Kept.of(training, tmp_path)
    code = (
        "from pathlib import Path\n"
        "from benchmarks.nas.comparison.kept import run_all\n"
        "from tests.benchmarks.nas.comparison.test_kept import Counting\n"
        "if __name__ == '__main__':\n"
        f"    run_all([Counting('a', {str(tmp_path)!r})], Path({str(tmp_path)!r}))\n"
    )
    script = tmp_path / "script.py"
    script.write_text(code)
    root = Path(__file__).parents[4]
    env = os.environ | {"PYTHONPATH": str(root)}
    with subprocess.Popen([sys.executable, str(script)], cwd=root, env=env) as process:
        until(lambda: folder.checkpoint() and folder.checkpoint().read_text() == "2", _LIMIT_S)
        children = psutil.Process(process.pid).children()
        workers = [each for each in children if "spawn_main" in words(each)]
        assert workers
        process.send_signal(signal.SIGKILL)
    until(lambda: not any(map(lives, workers)), _LIMIT_S)
    (tmp_path / "wait").unlink()
    (result,) = run_all([training], tmp_path)
    assert result["begun"] == 2
