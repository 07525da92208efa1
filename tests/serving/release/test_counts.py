from __future__ import annotations

import numpy as np
import pytest

from tasks.serving.differences import FAILED, Differences
from tasks.serving.figures.page import Figures
from tasks.serving.release.counts import Counted, Counts
from tasks.serving.types import Answered, Code, VersionFigures


@pytest.fixture
def page():
    """The page that the server's own code makes."""
    known = [VersionFigures(name, each) for name in ("cells", "other") for each in (3, 4)]
    figures = Figures(lambda: known)
    arrays = {"y": np.zeros(1)}
    for took_s in [0.0004] * 97 + [0.004] * 2 + [7.0]:
        figures.answer("cells", "rest", Answered(arrays, 3), took_s)
    figures.answer("cells", "grpc", Answered(arrays, 3), 0.0004)
    figures.answer("cells", "rest", Answered(arrays, 4), 0.1)
    figures.answer("other", "rest", Answered(arrays, 3), 0.1)
    for code in (Code.INTERNAL, Code.UNAVAILABLE, Code.INVALID_ARGUMENT, Code.CANCELLED):
        figures.fail("cells", 3, "rest", code)
    figures.compare("cells", 3, 4, Differences(1, 0, 1, 1, 0.5))
    figures.compare("cells", 3, 4, Differences(1, 0, 0, 0, 0.0))
    figures.compare("cells", 3, 4, FAILED)
    return figures.page().decode()


def test_counts_are_those_of_the_server_whichever_interface_was_asked(page):
    counted = Counted(page, "cells")
    assert counted.of(3, limit_s=0.005, shadow=4) == Counts(
        num_answered=101, num_failed=2, num_slow=1, num_compared=3, num_disagreeing=2
    )
    assert counted.of(3, limit_s=0.0005).num_slow == 3
    assert counted.of(4, limit_s=1.0).num == 1
    assert counted.of(9, limit_s=1.0) == Counts()


def test_p99_is_the_bound_that_99_of_100_stay_below(page):
    assert Counted(page, "cells").p99_s(3) == 0.005
    assert Counted(page, "cells").p99_s(9) > 1, "nothing is slow beside a version without answers"


def test_what_came_since_is_a_difference_and_all_of_it_where_the_server_began_anew():
    before, now = Counts(num_answered=10, num_failed=1), Counts(num_answered=15, num_failed=1)
    assert now.since(before) == Counts(num_answered=5)
    assert before.since(now) == before
    assert now + before == Counts(num_answered=25, num_failed=2)
