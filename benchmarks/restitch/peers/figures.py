"""Figures of recorded comparisons: each capture's are what `compare` returns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import geometric_mean
from typing import Any

from benchmarks.restitch.methods import spread
from benchmarks.results_file import Figure

PEERS = ("hugin", "opencv")
_MIN_PLACES = 200  # at which a capture's flat step can be told

Found = Mapping[str, Any]


def figures(streets: Sequence[Found], real: Sequence[Found]) -> dict[str, Figure]:
    """Figures of recorded comparisons."""
    found: dict[str, Figure] = {}
    for name in PEERS:
        ended = [one for one in streets if "failed" not in one[name]]
        ratios = [one[name]["cpu_s"] / one["ours"]["cpu_s"] for one in ended]
        found |= _mean(f"cpu_ratio_{name}", ratios)
        found |= _mean(f"peak_gb_{name}", [one[name]["peak_gb"] for one in ended], "GB")
        gains = [one[name]["ssim_ours"] - one[name]["ssim"] for one in ended]
        found |= _mean(f"ssim_gain_{name}", gains)
        whole = [one for one in real if one[name].get("num_used") == one["num_photos"]]
        found |= _count(f"real_failed_{name}", len(real) - len(whole))
    hugin = [one["hugin"] for one in streets]
    apart = [each["misalignment_px"] for each in hugin if "failed" not in each]
    found |= _mean("misalignment_hugin_px", apart, "px")
    ratios = [
        one["hugin"]["held_out_px"] / one["ours"]["held_out_px"]
        for one in real
        if "failed" not in one["hugin"]
    ]
    if ratios:
        found["real_held_out_ratio_hugin"] = Figure(
            value=geometric_mean(ratios), unit="", interval=(min(ratios), max(ratios))
        )
    return found | _flat_figures([*streets, *real])


def _flat_figures(all_found: Sequence[Found]) -> dict[str, Figure]:
    both = [
        one
        for one in all_found
        if all(one[name].get("flat_places", 0) >= _MIN_PLACES for name in ("ours", "hugin"))
    ]
    ours, theirs = ([one[name]["flat_step"] for one in both] for name in ("ours", "hugin"))
    sharp = [one["ours"]["sharpness"] for one in both]
    return {
        **_mean("flat_step_grey", ours, "grey levels"),
        **_mean("flat_step_grey_hugin", theirs, "grey levels"),
        **_count("flat_step_captures", len(both)),
        **(
            {}
            if not sharp
            else {"flat_sharpness": Figure(value=min(sharp), unit="", interval=None)}
        ),
    }


def _mean(key: str, values: Sequence[float], unit: str = "") -> dict[str, Figure]:
    return {key: spread(values, unit)} if values else {}


def _count(key: str, number: int) -> dict[str, Figure]:
    return {key: Figure(value=float(number), unit="", interval=None)}
