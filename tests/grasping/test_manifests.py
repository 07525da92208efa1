"""What records say beside their fields."""

from __future__ import annotations

from tasks.grasping.manifests import CheckReport, GroupSuccess, SceneTask, Tally


def group(kind: str, name: str, attempts: int, successes: int) -> GroupSuccess:
    return GroupSuccess(
        kind=kind,
        group=name,
        num_attempts=attempts,
        num_successes=successes,
        rate=successes / attempts,
        rate_low=0.0,
        rate_high=1.0,
        num_stopped_early=0,
        mean_lift_m=0.0,
    )


def test_tallies_are_those_of_their_kind() -> None:
    success = (
        group("all", "", 10, 4),
        group("policy", "near_object", 7, 4),
        group("policy", "uniform", 3, 0),
        group("object", "everyday/mug", 10, 1),
    )
    report = CheckReport(findings=(), num_findings={}, success=success, figures={}, histograms={})
    assert report.by_policy == {
        "near_object": Tally(attempts=7, successes=4),
        "uniform": Tally(attempts=3, successes=0),
    }
    assert report.by_object == {"everyday/mug": Tally(attempts=10, successes=1)}
    assert CheckReport.model_validate_json(report.model_dump_json()) == report


def test_progress_counts_attempts() -> None:
    assert SceneTask(item_id="s", index=3, num_attempts=12).num_units == 12
    assert SceneTask.unit == "attempts"
