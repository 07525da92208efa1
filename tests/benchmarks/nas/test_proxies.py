from __future__ import annotations

import json

import numpy as np
import pytest

from benchmarks.nas.proxies import (
    NUM_BLIND,
    Sample,
    Unseen,
    measure_samples,
    num_weights,
    read_samples,
)
from tasks.core.errors import DataError


def sample(name, good):
    """Cells of which one proxy knows the accuracy and another nothing."""
    rng = np.random.default_rng(0)
    accuracies = rng.uniform(50, 90, 300)
    names = {"synflow": good, "jacov": False, "flops": False}
    scores = tuple(
        {key: float(value if knows else rng.uniform()) for key, knows in names.items()}
        for value in accuracies
    )
    return Sample(name, scores, accuracies)


def test_a_proxy_that_knows_helps_and_one_that_does_not_changes_little():
    samples = [sample("known", good=True), sample("chance", good=False)]
    found = measure_samples(samples, range(12))

    late = found["proxies_known_late_gain"]
    assert late.value > 5
    assert late.interval[0] > 0
    assert abs(found["proxies_chance_late_gain"].value) < late.value / 5


def test_cells_are_evaluated_once_and_come_back_if_they_were_not():
    search = Unseen(NUM_BLIND, np.random.default_rng(0))
    first = search.ask()
    search.tell(first, None)
    rest = [search.ask() for _ in range(NUM_BLIND)]
    assert len({*rest}) == NUM_BLIND
    assert first in rest


def test_weights_follow_from_operations():
    assert num_weights((3, 3, 2, 0, 1, 4)) == {"num_params": 19.0}


def test_samples_are_read_with_their_names(tmp_path):
    cells = {"(0,)": {"flops": 1.0, "val_accuracy": 90.0}}
    for number in ("101", "201", "301"):
        text = json.dumps({f"nasbench{number}": {"CIFAR10": cells}})
        (tmp_path / f"zc_nasbench{number}.json").write_text(text)
    found = read_samples(tmp_path)
    assert [each.name for each in found] == [f"nasbench{n}_cifar10" for n in (101, 201, 301)]
    assert found[0].scores == ({"flops": 1.0},)


def test_a_missing_or_broken_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"zc_nasbench101\.json"):
        read_samples(tmp_path)
    (tmp_path / "zc_nasbench101.json").write_text('{"nasbench101": {"c": {"x": {"flops": 1}}}}')
    with pytest.raises(DataError, match="val_accuracy"):
        read_samples(tmp_path)
