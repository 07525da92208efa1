from __future__ import annotations

from tasks.nas.report.trainings import joined, training_settings
from tests.support.nas.search_runs import retrained_cells, search_log


def test_groups_are_told_with_all_their_values():
    retrained = retrained_cells(search_log(20), num_seeds=2)
    found = training_settings(retrained.tasks)
    assert found.keys() == {task.group for task in retrained.tasks}
    for group, settings in found.items():
        own = [task for task in retrained.tasks if task.group == group]
        assert settings["seed"] == ", ".join(dict.fromkeys(str(task.seed) for task in own))
        assert {*own[0].recipe} < {*settings}


def test_values_that_differ_stand_side_by_side():
    assert joined([{"a": 1, "b": 2}, {"a": 1, "b": 3}, {"b": 2}]) == {"a": "1", "b": "2, 3"}
