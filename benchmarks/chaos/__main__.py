"""Makes faults on purpose and says what came of each, as a table.

    python -m benchmarks.chaos [--only NAME,NAME] [--fresh] [--soak] [--table]

Under `make up`, with a state folder of its own (``ORRERY_CHAOS``, /tmp/orrery-chaos if unset), a
run of the sample pipeline is brought into the midst of its items, beside the small run of another
pipeline, each in its turn; then the fault is made, and all runs are waited for. Each fault has a
store of its own, so that everything is made anew and can be counted; see `judge`. What came of it
is kept at once, so that a run of the command that was cut off goes on with the next fault.

A run that ends red is triggered once more, as a person would do. The faults that are a person's
wish to end a run count as green alone if the run ends red everywhere.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.bounds import print_table, report_bounds
from benchmarks.chaos import disk, soak
from benchmarks.chaos.database import OWN
from benchmarks.chaos.faults import FAULTS, Fault
from benchmarks.chaos.judge import Ended, Items, committed, doubled, lost
from benchmarks.chaos.outcomes import Outcome, figures, keep, kept, page, table
from benchmarks.chaos.scenes import PROFILE, Scene
from benchmarks.chaos.work import DAGS, SAMPLE_DAG, Work, sample, small
from benchmarks.full_stack import FullStack, dags_folder, with_own_state
from benchmarks.parts import code_digest, save
from benchmarks.results_file import RESULTS_DIR, commit, machine, write_whole
from tasks.core.errors import OrreryError

STATE = Path(os.environ.get("ORRERY_CHAOS", "/tmp/orrery-chaos"))  # noqa: S108  (short, for sockets)
RUN_LIMIT_S = 1500.0
CALM = "calm"
BOUNDS = {"work_lost": (0.0, 0.0), "work_doubled": (0.0, 0.0), "wrong_colours": (0.0, 0.0)}
FOLDER = STATE / "scenes"


def measure(stack: FullStack, fault: Fault, number: int, calm: dict[str, Items]) -> Outcome:
    """Make one fault, and say what came of it.

    Args:
        stack: The running stack.
        fault: What is done.
        number: Which small run goes on beside the victim.
        calm: What runs without a fault commit, by pipeline.
    """
    beside = DAGS[number % len(DAGS)].stem
    works = [sample(), small(beside, STATE / "inputs" / beside)]
    folder = FOLDER / fault.name
    shutil.rmtree(folder, ignore_errors=True)
    if fault.needs == "mount":
        with disk.small_disk(folder) as place:
            return _measured(stack, fault, works, place / "store", calm)
    return _measured(stack, fault, works, folder / "store", calm)


def _measured(
    stack: FullStack, fault: Fault, works: Sequence[Work], store: Path, calm: dict[str, Items]
) -> Outcome:
    stack.use_store(store, FOLDER / f"{fault.name}.yaml", PROFILE)
    scene = Scene(stack, store, RUN_LIMIT_S)
    scene.start(works)
    runs, again, healed, trouble = list[Ended](), None, True, ""
    try:
        scene.wait_for_items()
        scene.make(fault.act)
    except (OrreryError, OSError) as error:
        trouble = str(error)
    try:
        runs = scene.ends()
        stack.wait_until_healthy()
        again = _again(scene) if runs[0].state == "failed" and not trouble else None
        scene.stop()
    except OrreryError as error:
        print(f"  {error}")
        healed = False
    green = {each.dag_id for each in [*runs, *([again] if again else [])] if each.is_green}
    return Outcome(
        name=fault.name,
        what=fault.what,
        commit=commit(),
        ends=fault.ends,
        runs=tuple(runs),
        again=again,
        lost=sum(lost(calm[name], store, name) for name in green),
        doubled=sum(doubled(store, name) for name in green),
        silent_s=scene.silent_s(),
        healed=healed,
        trouble=trouble,
    )


def _again(scene: Scene) -> Ended:
    """How the victim ends when a person triggers it once more."""
    retried = Scene(scene.stack, scene.store, RUN_LIMIT_S)
    retried.start([work for work, _, _ in scene.runs][:1])
    (ended,) = retried.ends()
    retried.stop()
    return ended


def calm_items(stack: FullStack) -> dict[str, Items]:
    """What small runs of all pipelines commit without a fault; made once."""
    store, done = FOLDER / CALM / "store", FOLDER / CALM / "done"
    works = [sample(), *(small(each.stem, STATE / "inputs" / each.stem) for each in DAGS)]
    if not done.exists():
        shutil.rmtree(store, ignore_errors=True)
        stack.use_store(store, FOLDER / f"{CALM}.yaml", PROFILE)
        scene = Scene(stack, store, RUN_LIMIT_S)
        scene.start(works)
        for each in scene.ends():
            print(f"without a fault: {each.dag_id} {each.state} after {each.seconds:.0f} s")
            if not each.is_green or each.has_wrong_colour:
                raise OrreryError(f"{each.dag_id} is not green without a fault: {each}")
        done.touch()
    return {work.dag_id: committed(store, work.dag_id) for work in works}


def _skipped(fault: Fault) -> str:
    """Why this machine can't make a fault; empty if it can."""
    if fault.needs == "mount" and not disk.can_mount(FOLDER / "probe"):
        return "needs root"
    if fault.needs == "database" and OWN.folder is None:
        return "PostgreSQL is not installed"
    return ""


def _wanted(only: str, *, fresh: bool) -> list[Fault]:
    names = {fault.name for fault in FAULTS}
    wanted = set(filter(None, only.split(","))) or names
    if unknown := wanted - names:
        raise OrreryError(f"expected faults of {sorted(names)}, got {sorted(unknown)}")
    done = {} if fresh or only else kept(STATE / "outcomes", FAULTS)
    return [fault for fault in FAULTS if fault.name in wanted - done.keys()]


def make_faults(wanted: Sequence[Fault]) -> None:
    """Make faults one after the other, and keep what came of each at once.

    Where the servers don't come back after one, they are started anew for the next.
    """
    stack = _up()
    try:
        calm = calm_items(stack)
        for fault in wanted:
            print(f"{fault.name}: {fault.what}", flush=True)
            if trouble := _skipped(fault):
                print(f"  not made: {trouble}")
                continue
            outcome = measure(stack, fault, FAULTS.index(fault), calm)
            keep(outcome, STATE / "outcomes")
            print(table({fault.name: outcome}).splitlines()[-1], flush=True)
            if not outcome.healed:
                stack.down()
                stack = _up()
    finally:
        stack.down()


def _up() -> FullStack:
    files = [*DAGS, SAMPLE_DAG]
    return FullStack.up(dags_folder(files, STATE / "dags"), [path.stem for path in files])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns 1 if something was lost, doubled or showed a wrong colour."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.chaos",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", default="", metavar="NAMES", help="which faults, by comma")
    parser.add_argument("--fresh", action="store_true", help="make those again that were made")
    parser.add_argument("--soak", type=int, default=0, metavar="N", help="N small runs instead")
    parser.add_argument("--table", action="store_true", help="only print what is known")
    given = parser.parse_args(arguments)
    if not given.table:
        with_own_state(STATE / "state")
        wanted = [] if given.soak else _wanted(given.only, fresh=given.fresh)
        if wanted or given.soak:
            _measure_all(wanted, given.soak)
    outcomes = kept(STATE / "outcomes", FAULTS)
    found = figures(outcomes)
    if not given.table and not given.soak:
        write_whole(RESULTS_DIR / "faults.md", page(outcomes, machine()))
    print(table(outcomes))
    print_table(found)
    return int(report_bounds(found, BOUNDS, quick=False) > 0)


def _measure_all(wanted: Sequence[Fault], num_soaked: int) -> None:
    """Do what is wanted, and keep the figures as a part of the platform's."""
    code = code_digest("platform")
    if num_soaked:
        stack = _up()
        try:
            found, part = soak.measure(stack, num_soaked, FOLDER / "soak"), "soak"
        finally:
            stack.down()
    else:
        if OWN.is_there:
            os.environ["DATABASE_URL"] = OWN.start(STATE / "postgres")
        try:
            make_faults(wanted)
        finally:
            OWN.stop()
        found, part = figures(kept(STATE / "outcomes", FAULTS)), "faults"
    save("platform", part, (0,), found, code)


if __name__ == "__main__":
    sys.exit(main())
