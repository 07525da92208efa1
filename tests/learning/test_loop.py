from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tasks.core.errors import ArtifactError, DataError
from tasks.learning.curve import Choice, Point
from tasks.learning.loop import Course, epochs, evenly, run
from tests.support.learning.line import Folder, Line

COURSE = Course(num_steps=12, points=(3, 6, 9, 12), seed=1)


def test_a_loop_learns_and_draws_its_curve() -> None:
    line = Line(dropout=0.0, values=lambda step: {"twice": 2.0 * step})
    curve = run(line, Course(200, evenly(4, 200), seed=0))
    assert [point.step for point in curve] == [50, 100, 150, 200]
    assert [point.values["twice"] for point in curve] == [100, 200, 300, 400]
    assert curve[-1].losses["loss"] < 0.2 * curve[0].losses["loss"]
    assert 0 < curve[0].cpu_s < curve[-1].cpu_s


def test_the_seed_decides_what_torch_draws_and_its_generator_is_left_alone() -> None:
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    first, again, other = Line(), Line(), Line()
    run(first, COURSE)
    assert torch.equal(torch.rand(2), expected)
    run(again, COURSE)
    run(other, replace(COURSE, seed=2))
    assert torch.equal(first.weights(), again.weights())
    assert not torch.equal(first.weights(), other.weights())


@pytest.mark.parametrize("killed_at", range(12))
def test_one_that_is_cut_off_at_any_step_comes_to_the_same(killed_at: int, tmp_path: Path) -> None:
    def cut(index: int) -> None:
        if index == killed_at:
            raise KeyboardInterrupt

    whole = Line(values=lambda step: {"step": float(step)})
    expected = run(whole, COURSE)
    with pytest.raises(KeyboardInterrupt):
        run(Line(before_step=cut, values=whole.values), COURSE, keeper=Folder(tmp_path))
    begun: list[int] = []
    resumed = Line(before_step=begun.append, values=whole.values)
    curve = run(resumed, COURSE, keeper=Folder(tmp_path))
    assert begun[0] == killed_at // 3 * 3, "it goes on from the last point"
    assert torch.equal(resumed.weights(), whole.weights())
    assert without_times(curve) == without_times(expected)


def test_points_are_shown_while_it_goes_on(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    line = Line(values=lambda step: {"shown": float(len(folder.reports))})
    curve = run(line, COURSE, keeper=folder)
    assert [*folder.reports] == [3, 6, 9, 12]
    assert [each["shown"] for each in folder.reports.values()] == [0, 1, 2, 3]
    assert folder.reports[12]["loss"] == curve[-1].losses["loss"]


def test_one_that_had_ended_trains_no_more(tmp_path: Path) -> None:
    first = Line()
    run(first, COURSE, keeper=Folder(tmp_path))
    steps: list[int] = []
    again = Line(before_step=steps.append)
    run(again, COURSE, keeper=Folder(tmp_path))
    assert steps == []
    assert torch.equal(again.weights(), first.weights())


def test_a_damaged_checkpoint_is_said_and_starts_anew(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = Folder(tmp_path)
    whole, anew = Line(), Line()
    run(whole, COURSE, keeper=folder)
    kept = folder.checkpoint()
    assert kept is not None
    kept.write_bytes(kept.read_bytes()[:100])
    run(anew, COURSE, keeper=folder)
    assert "is no checkpoint, the training starts anew" in caplog.text
    assert torch.equal(anew.weights(), whole.weights())


def test_it_ends_early_and_goes_back_to_the_best_point(tmp_path: Path) -> None:
    scores = {3: 0.5, 6: 0.8, 9: 0.7, 12: 0.8, 15: 0.6, 18: 0.9}
    at_best: list[torch.Tensor] = []
    steps: list[int] = []

    def values(step: int) -> dict[str, float]:
        if step == 6:
            at_best.append(line.weights().clone())
        return {"auc": scores[step]}

    line = Line(values=values, before_step=steps.append)
    course = Course(18, epochs(6, 3), seed=1, choice=Choice("auc", patience=3))
    curve = run(line, course, keeper=Folder(tmp_path))
    assert [point.step for point in curve] == [3, 6, 9, 12, 15]
    assert torch.equal(line.weights(), at_best[0])
    steps.clear()
    again = Line(values=values, before_step=steps.append)
    assert run(again, course, keeper=Folder(tmp_path)) == curve
    assert steps == [], "it had ended early"
    assert torch.equal(again.weights(), line.weights())


def test_a_loss_that_is_no_number_ends_it_with_the_steps_and_what_may_help() -> None:
    def spoil(index: int) -> None:
        if index == 4:
            next(line.network.parameters()).data.fill_(math.nan)

    line = Line(before_step=spoil)
    with pytest.raises(
        DataError, match="diverged: the mean loss of steps 4 to 6 of 12 is nan; train slower"
    ):
        run(line, replace(COURSE, advice="train slower"))


def test_points_lie_at_epochs_or_evenly() -> None:
    assert list(epochs(3, 5)) == [5, 10, 15]
    assert evenly(3, 10) == [3, 7, 10]
    assert evenly(8, 2) == [1, 2]


def without_times(curve: tuple[Point, ...]) -> list[Point]:
    return [replace(point, cpu_s=0.0) for point in curve]


def test_one_does_not_go_on_from_a_course_of_other_length(tmp_path: Path) -> None:
    run(Line(), COURSE, keeper=Folder(tmp_path))
    other = replace(COURSE, points=(4, 8, 12))
    said = r"points after \[3, 6, 9, 12\] steps, not after \[4, 8, 12\]\): go on with those, or"
    with pytest.raises(ArtifactError, match=said):
        run(Line(), other, keeper=Folder(tmp_path))
