"""The folder of each headless run: whose it is, and what a run that was killed left in it.

A folder's name is the mark of what its run started. It belongs to a process, the run's or the
keeper's of kept servers; while that lives nobody else touches it. A spare process of Airflow waits
in a folder of the keeper's until a run takes both.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from operators.processes import marked
from operators.stack.state import STATE
from tasks.core.files import whole_file

FOLDER = STATE / "headless"
# Of kept servers; see `operators.headless.servers`.
KEPT = STATE / "kept"
NUM_RUNS_KEPT = 20
# What a run and its process of Airflow tell each other.
ORDER, READY, RESULT, CONSOLE = "order.json", "ready", "result.json", "console.log"


@contextmanager
def run_folder(fitting: str = "") -> Iterator[tuple[Path, psutil.Process | None]]:
    """A folder for one run's logs, with Airflow's process if a spare one fits.

    What an earlier run left, if it was killed, is ended first.

    Args:
        fitting: See `offer`.
    """
    FOLDER.mkdir(parents=True, exist_ok=True)
    for old in sorted(FOLDER.iterdir()):
        if not is_owned(old):
            marked.end(old.name)
            _drop_bulk(old)
    for old in [each for each in sorted(FOLDER.iterdir()) if not is_owned(each)][:-NUM_RUNS_KEPT]:
        shutil.rmtree(old, ignore_errors=True)
    folder, child = take(fitting) or (new_folder(psutil.Process()), None)
    own(folder, psutil.Process())
    try:
        yield folder, child
    finally:
        (folder / "owner.json").unlink()
        _drop_bulk(folder)


def new_folder(owner: psutil.Process) -> Path:
    """Make a folder that belongs to a process."""
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    folder = Path(tempfile.mkdtemp(prefix=f"{stamp}-", dir=FOLDER))
    own(folder, owner)
    return folder


def own(folder: Path, owner: psutil.Process) -> None:
    """Note which process has to live for a folder to be used."""
    write(folder / "owner.json", marked.noted(owner))


def is_owned(folder: Path) -> bool:
    """Whether the process still lives that a folder belongs to."""
    try:
        pid, created = json.loads((folder / "owner.json").read_text())
    except (OSError, ValueError):
        return False
    return marked.find_noted(pid, created) is not None


def was_left(name: str) -> bool:
    """Whether a mark is that of a run which was killed before it closed its folder."""
    folder = FOLDER / name
    is_run = folder.parent == FOLDER
    return is_run and (folder / "owner.json").exists() and not is_owned(folder)


def offer(folder: Path, spare: psutil.Process, fitting: str) -> None:
    """Leave a spare process to the first run that fits; an earlier one that nobody took ends.

    Args:
        folder: Its folder.
        spare: The process.
        fitting: What a run has to have in common with it.
    """
    take("")
    write(KEPT / "spare.json", [str(folder), *marked.noted(spare), fitting])


def take(fitting: str) -> tuple[Path, psutil.Process] | None:
    """Take the spare process and its folder; one that does not fit, or has ended, is removed.

    Args:
        fitting: What it has to have in common with the run; a text that none has removes any.
    """
    note = KEPT / "spare.json"
    with suppress(OSError, ValueError):
        folder, pid, created, fits = json.loads(note.read_text())
        note.unlink()  # fails for all but one of those that try at once
        spare = marked.find_noted(pid, created)
        if fits == fitting and spare is not None:
            return Path(folder), spare
        marked.end(Path(folder).name, patience_s=0.0)
        shutil.rmtree(folder, ignore_errors=True)
    return None


def write(path: Path, document: Any) -> None:
    """Write a note that another process reads, whole or not at all."""
    with whole_file(path) as partial:
        partial.write_text(json.dumps(document))


def drop_ray(folder: Path) -> None:
    """Remove the Ray head's folder, to which ``ray`` leads."""
    link = folder / "ray"
    if link.is_symlink():
        shutil.rmtree(link.readlink(), ignore_errors=True)
        link.unlink()


def _drop_bulk(folder: Path) -> None:
    """Keep a run's logs only: Ray's folder and Airflow's database have served."""
    drop_ray(folder)
    for name in ("airflow.db", "airflow.cfg"):
        (folder / name).unlink(missing_ok=True)
