"""What came of each fault, kept in a file each, and the figures and the table of all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from benchmarks.chaos.faults import Fault
from benchmarks.chaos.judge import Ended
from benchmarks.results_file import Figure, write_whole


class Outcome(BaseModel):
    """What came of one fault.

    Attributes:
        name: The fault.
        what: What was done.
        commit: On which commit.
        ends: How the victim ought to end.
        runs: How the runs ended, the victim first.
        again: How the victim's second run ended, where the first was red; else None.
        lost: Items that a green run did not commit.
        doubled: Items that were made again although they had been committed.
        silent_s: Longest time after the fault in which nothing was committed; -1 where nothing was.
        healed: Whether all servers were well again by themselves.
        trouble: What kept the fault from being made; empty if nothing did.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    what: str
    commit: str
    ends: str
    runs: tuple[Ended, ...]
    again: Ended | None
    lost: int
    doubled: int
    silent_s: float
    healed: bool = True
    trouble: str = ""

    @property
    def is_well_alone(self) -> bool:
        """Whether all runs ended as they ought to, without help."""
        if not self.runs or not self.healed:
            return False
        return self.runs[0].state == self.ends and all(each.is_green for each in self.runs[1:])

    @property
    def is_well_after_one_retry(self) -> bool:
        """Whether the victim was green at last, after one more trigger at most."""
        if self.again is not None:
            return self.again.is_green and all(each.is_green for each in self.runs[1:])
        return self.is_well_alone

    @property
    def num_wrong_colours(self) -> int:
        """Runs of which Airflow, MLflow and the store tell different things."""
        told = [*self.runs, *([] if self.again is None else [self.again])]
        return sum(each.has_wrong_colour for each in told)


def keep(outcome: Outcome, folder: Path) -> None:
    """Keep an outcome, whole or not at all."""
    write_whole(folder / f"{outcome.name}.json", outcome.model_dump_json(indent=1) + "\n")


def kept(folder: Path, faults: Iterable[Fault]) -> dict[str, Outcome]:
    """Outcomes that were kept, by the names of the faults, in their order."""
    paths = {fault.name: folder / f"{fault.name}.json" for fault in faults}
    return {
        name: Outcome.model_validate_json(path.read_bytes())
        for name, path in paths.items()
        if path.is_file()
    }


def figures(outcomes: Mapping[str, Outcome]) -> dict[str, Figure]:
    """Figures of all faults that could be made."""
    tried = [each for each in outcomes.values() if not each.trouble]
    counts = {
        "faults_tried": len(tried),
        "faults_green_alone": sum(each.is_well_alone for each in tried),
        "faults_green_one_retry": sum(each.is_well_after_one_retry for each in tried),
        "work_lost": sum(each.lost for each in tried),
        "work_doubled": sum(each.doubled for each in tried),
        "wrong_colours": sum(each.num_wrong_colours for each in tried),
    }
    return {
        key: Figure(value=float(count), unit="", interval=None) for key, count in counts.items()
    }


def table(outcomes: Mapping[str, Outcome]) -> str:
    """All outcomes as a Markdown table."""
    head = ("fault", "ends", "tries", "lost", "doubled", "went on within", "what one saw")
    rows = [head, ("---",) * len(head), *map(_row, outcomes.values())]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows) + "\n"


def page(outcomes: Mapping[str, Outcome], machine: str) -> str:
    """The page with the table, and what it was measured with."""
    commits = ", ".join(dict.fromkeys(each.commit for each in outcomes.values()))
    return f"""# Faults on purpose

Written by `make chaos`: each fault is made in the midst of a run of the tests' sample pipeline
(twelve items of a second and a half), while the small run of another pipeline goes on beside it.
*Lost* are items that a green run does not hold, *doubled* those that were made again although they
had been committed; it *went on within* the longest time in which the run of twelve items then
committed nothing (without a fault that is about five seconds, from one stage to the next).

{table(outcomes)}
Commit {commits}; {machine}.
"""


def _row(outcome: Outcome) -> tuple[str, ...]:
    if outcome.trouble:
        return (outcome.what, f"not made: {outcome.trouble}", *("",) * 5)
    if not outcome.runs:
        return (outcome.what, "the servers did not come back", *("",) * 5)
    victim = outcome.runs[0]
    return (
        outcome.what,
        _ends(outcome) + ("" if outcome.healed else "; the servers did not come back"),
        str(max(each.tries for each in outcome.runs)),
        str(outcome.lost),
        str(outcome.doubled),
        f"{outcome.silent_s:.0f} s" if outcome.silent_s >= 0 else "-",
        victim.saw,
    )


def _ends(outcome: Outcome) -> str:
    """How it ended, in words."""
    colour = {"success": "green", "failed": "red"}.get(outcome.runs[0].state, "not at all")
    said = f"{colour} alone" if outcome.is_well_alone else colour
    if outcome.is_well_alone and outcome.ends == "failed":
        said = "red, as asked"
    if others := [each for each in outcome.runs[1:] if not each.is_green]:
        said += f", {len(others)} others not green"
    if outcome.again is not None:
        again = "green" if outcome.again.is_green else "red again"
        said += f"; triggered once more: {again}"
    return said + (", colours disagree" if outcome.num_wrong_colours else "")
