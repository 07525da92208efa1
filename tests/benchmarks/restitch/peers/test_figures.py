from __future__ import annotations

import pytest

from benchmarks.restitch.peers.figures import figures

FAILED = {"failed": "enblend: no"}


def capture(flat_step: float, hugin: dict | None = None, opencv: dict | None = None) -> dict:
    ours = {
        "cpu_s": 10.0,
        "held_out_px": 0.5,
        "sharpness": 0.98,
        "flat_places": 500,
        "flat_step": flat_step,
    }
    made = {
        "cpu_s": 40.0,
        "peak_gb": 1.0,
        "num_used": 3,
        "held_out_px": 2.0,
        "misalignment_px": 4.0,
        "flat_places": 300,
        "flat_step": 2.0,
        "ssim": 0.6,
        "ssim_ours": 0.7,
    }
    return {"num_photos": 3, "ours": ours, "hugin": hugin or made, "opencv": opencv or made}


def test_ratios_gains_and_failures_are_told_apart() -> None:
    left_out = capture(1.0)["opencv"] | {"num_used": 2}
    found = figures([capture(0.2)], [capture(0.6, FAILED), capture(1.0, None, left_out)])

    assert found["cpu_ratio_hugin"].value == 4.0
    assert found["ssim_gain_opencv"].value == pytest.approx(0.1)
    assert found["misalignment_hugin_px"].value == 4.0
    assert found["real_failed_hugin"].value == 1
    assert found["real_failed_opencv"].value == 1
    assert found["real_held_out_ratio_hugin"].value == pytest.approx(4.0)


def test_steps_are_compared_where_both_have_flat_places() -> None:
    few = capture(9.0)
    few["ours"]["flat_places"] = 10
    found = figures([capture(0.2)], [capture(0.6), capture(5.0, FAILED), few])

    assert found["flat_step_captures"].value == 2
    assert found["flat_step_grey"].value == pytest.approx(0.4)
    assert found["flat_step_grey"].interval == (0.2, 0.6)
    assert found["flat_step_grey_hugin"].value == 2.0
    assert found["flat_sharpness"].value == 0.98
