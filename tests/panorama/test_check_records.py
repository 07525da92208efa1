from __future__ import annotations

from typing import get_args

import pytest
from pydantic import ValidationError

from tasks.panorama.check_records import (
    WORST_FIRST,
    CaptureCheck,
    OverlapCheck,
    PhotoCheck,
    Verdict,
)

CHECK = CaptureCheck(
    rig="suspect",
    rig_fault="three photos contradict it",
    photos=(PhotoCheck(name="left", verdict="rejected", reason="black"),),
    overlaps=(
        OverlapCheck(first="a", second="b", num_expected=80, num_agreeing=9, verdict="suspect"),
    ),
)


def test_a_check_comes_back_as_it_was_written() -> None:
    assert CaptureCheck.model_validate_json(CHECK.model_dump_json()) == CHECK


def test_what_is_no_verdict_is_refused() -> None:
    with pytest.raises(ValidationError, match="verdict"):
        CaptureCheck.model_validate_json(CHECK.model_dump_json().replace("rejected", "bad"))


def test_every_verdict_has_its_rank() -> None:
    assert sorted(WORST_FIRST) == sorted(get_args(Verdict))
    assert WORST_FIRST[0] == "rejected"
