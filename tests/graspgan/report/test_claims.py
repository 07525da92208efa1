from __future__ import annotations

from tasks.graspgan.judging.manifests import Value
from tasks.graspgan.report.claims import claims_of, stated
from tests.support.graspgan.target_results import target_result


def outcomes(**changes: object) -> dict[str, str]:
    result = target_result().model_copy(update=changes)
    return {claim.says.split(",")[0][:40]: claim.outcome for claim in claims_of(result)}


def value(low: float, middle: float, high: float) -> Value:
    return Value(value=middle, error=0.01, low=low, high=high, num=600)


def test_each_claim_is_decided_by_its_numbers() -> None:
    found = outcomes()
    assert found == {
        "GraspGAN": "not reproduced",
        "A generator that begins with the target'": "reproduced",
        "Ours: the best adaptation is worth more ": "reproduced",
        "DANN adds to GraspGAN": "not testable here",
        "Without a real label the result is about": "not testable here",
        "Up to 50 times fewer real samples suffic": "not reproduced",
        "Procedural objects serve as well as ever": "not testable here",
    }


def test_success_decides_whether_no_label_is_as_good_as_all() -> None:
    name = "Without a real label the result is about"
    assert outcomes(success_ratio=value(0.96, 1.0, 1.05))[name] == "reproduced"
    assert outcomes(success_ratio=value(0.7, 0.97, 1.1))[name] == "not reproduced"


def test_fifty_times_fewer_is_a_lower_bound() -> None:
    name = "Up to 50 times fewer real samples suffic"
    assert outcomes(label_factor=value(51, 70, 90))[name] == "reproduced"
    assert outcomes(label_factor=value(10, 70, 90))[name] == "not reproduced"
    assert outcomes(label_factor=None)[name] == "not testable here"


def test_what_was_not_adapted_proves_nothing() -> None:
    found = outcomes(best_adapted="cut_structured")
    assert found["Ours: the best adaptation is worth more "] == "not testable here"


def test_values_are_stated_with_their_intervals() -> None:
    assert stated(value(0.1, 0.25, 0.4), 2) == "0.25 (0.10 to 0.40)"
    assert stated(None) == "not measured"
