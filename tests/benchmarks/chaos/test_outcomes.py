"""Figures and table of faults."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.chaos.faults import FAULTS
from benchmarks.chaos.judge import Ended
from benchmarks.chaos.outcomes import Outcome, figures, keep, kept, page, table
from benchmarks.chaos.work import SAMPLE


def ended(state: str, **changes: Any) -> Ended:
    told: dict[str, Any] = {
        "dag_id": SAMPLE,
        "run_id": "r",
        "state": state,
        "mlflow": {"success": "FINISHED", "failed": "FAILED"}.get(state, "RUNNING"),
        "tries": 1,
        "is_whole": state == "success",
        "seconds": 10.0,
        "saw": "nothing",
    }
    return Ended(**told | changes)


def outcome(name: str, *states: str, again: str = "", **changes: Any) -> Outcome:
    told: dict[str, Any] = {
        "name": name,
        "what": f"kill {name}",
        "commit": "abc",
        "ends": "success",
        "runs": tuple(map(ended, states)),
        "again": ended(again) if again else None,
        "lost": 0,
        "doubled": 0,
        "silent_s": 2.0,
    }
    return Outcome(**told | changes)


def counts(*outcomes: Outcome) -> dict[str, float]:
    found = figures({each.name: each for each in outcomes})
    return {name: figure.value for name, figure in found.items()}


def test_a_red_run_counts_as_green_once_it_was_triggered_again() -> None:
    found = counts(
        outcome("scheduler", "success", "success"),
        outcome("driver", "failed", "success", again="success", lost=2),
        outcome("head", "failed", "success", again="failed"),
        outcome("worker", "success", "failed", doubled=3),
    )
    assert found == {
        "faults_tried": 4,
        "faults_green_alone": 1,
        "faults_green_one_retry": 2,
        "work_lost": 2,
        "work_doubled": 3,
        "wrong_colours": 0,
    }


def test_a_run_that_a_person_ends_ought_to_be_red() -> None:
    red = outcome("fail_run", "failed", "success", again="success", ends="failed")
    green = outcome("fail_task", "success", "success", ends="failed")
    assert (red.is_well_alone, green.is_well_alone) == (True, False)
    assert "red, as asked; triggered once more: green" in table({"fail_run": red})


def test_a_fault_that_could_not_be_made_is_said_and_not_counted() -> None:
    none = outcome("full", "success", trouble="needs root")
    assert counts(none)["faults_tried"] == 0
    assert "not made: needs root" in table({"full": none})


def test_outcomes_are_kept_in_the_order_of_the_faults(tmp_path: Path) -> None:
    first, second = FAULTS[0].name, FAULTS[1].name
    for name in (second, first):
        keep(outcome(name, "success", silent_s=-1.0), tmp_path)
    assert list(kept(tmp_path, FAULTS)) == [first, second]
    assert kept(tmp_path, FAULTS)[first] == outcome(first, "success", silent_s=-1.0)


def test_faults_have_names_of_their_own() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)


def test_the_page_says_where_it_was_measured() -> None:
    said = page({"driver": outcome("driver", "success")}, "two cores")
    assert "| kill driver | green alone | 1 | 0 | 0 | 2 s | nothing |" in said
    assert "Commit abc; two cores." in said
