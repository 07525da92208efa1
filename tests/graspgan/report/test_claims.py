from __future__ import annotations

from tasks.graspgan.judging.manifests import Evaluation, RawGain, Value
from tasks.graspgan.report.claims import (
    Claim,
    claims_of,
    nearest_control,
    raw_gains_said,
    simulation_claim,
    stated,
)
from tests.support.graspgan.target_results import target_result


def outcomes(**changes: object) -> dict[str, str]:
    result = target_result().model_copy(update=changes)
    return {claim.says.split(",")[0][:40]: claim.outcome for claim in claims_of(result)}


def value(low: float, middle: float, high: float) -> Value:
    return Value(value=middle, error=0.01, low=low, high=high, num=600)


def test_each_claim_is_decided_by_its_numbers() -> None:
    found = outcomes()
    assert found == {
        "There is a gap: all labels beat every co": "reproduced",
        "GraspGAN": "not reproduced",
        "GraspGAN from the target's own textures ": "reproduced",
        "Ours: the best adaptation beats the best": "reproduced",
        "DANN beats randomised looks": "not testable here",
        "DANN beats the best control": "not testable here",
        "GraspGAN and DANN beats randomised looks": "not testable here",
        "GraspGAN and DANN beats the best control": "not testable here",
        "AdaBN beats randomised looks": "not testable here",
        "AdaBN beats the best control": "not testable here",
        "DANN adds to GraspGAN": "not testable here",
        "In closed loop the best adaptation beats": "not testable here",
        "Without a real label it is about as good": "not testable here",
        "Up to 50 times fewer real samples suffic": "not reproduced",
        "Procedural objects serve as well as ever": "not testable here",
    }


def test_the_gap_is_that_of_the_nearest_control_in_errors() -> None:
    name = "There is a gap: all labels beat every co"
    assert nearest_control(target_result())[0] == "cut_structured"

    def below(**others: Value | None) -> dict[str, object]:
        return {
            "methods": tuple(
                each.model_copy(update={"below_labels": others.get(each.method, each.below_labels)})
                for each in target_result().methods
            )
        }

    near = below(simulation=value(0.0, 0.029, 0.06))
    assert nearest_control(target_result().model_copy(update=near))[0] == "simulation"
    assert outcomes(**near)[name] == "not reproduced", "three standard errors are asked for"
    assert outcomes(**below(simulation=value(0.0, 0.031, 0.06)))[name] == "reproduced"
    assert outcomes(**below(graspgan_cut=value(0, 0.001, 1)))[name] == "reproduced", "no control"
    none = dict.fromkeys([each.method for each in target_result().methods])
    assert outcomes(**below(**none))[name] == "not testable here", "nothing has all labels"


def test_success_decides_whether_no_label_is_as_good_as_all() -> None:
    name = "Without a real label it is about as good"
    assert outcomes(success_ratio=value(0.96, 1.0, 1.05))[name] == "reproduced"
    assert outcomes(success_ratio=value(0.7, 0.97, 1.1))[name] == "not reproduced"
    few = value(0.7, 0.97, 1.1).model_copy(update={"low": None})
    assert outcomes(success_ratio=few)[name] == "not testable here"


def test_grasps_in_closed_loop_decide_by_scenes() -> None:
    name = "In closed loop the best adaptation beats"
    shares = {"graspgan_cut": value(0.4, 0.5, 0.6), "cut_structured": value(0.3, 0.4, 0.5)}
    rows = tuple(
        each.model_copy(update={"success": shares.get(each.method)})
        for each in target_result().methods
    )
    assert outcomes(methods=rows, success_gain=value(0, 0.021, 1))[name] == "reproduced"
    assert outcomes(methods=rows, success_gain=value(0, 0.019, 1))[name] == "not reproduced"
    few = value(0, 0.1, 1).model_copy(update={"error": None})
    assert outcomes(methods=rows, success_gain=few)[name] == "not testable here"
    result = target_result().model_copy(update={"methods": rows, "success_gain": value(0, 0.1, 1)})
    (claim,) = (each for each in claims_of(result) if each.says.startswith("In closed loop"))
    assert claim.because == (
        "graspgan_cut lifts 50.0 (40.0 to 60.0) % and cut_structured lifts 40.0 (30.0 to 50.0) % "
        "of 600 grasps in the same scenes: +10.0 points (10.0 standard errors)"
    )


def test_fifty_times_fewer_can_be_refuted_at_five_per_cent_but_not_shown() -> None:
    name = "Up to 50 times fewer real samples suffic"
    assert outcomes(label_factor=value(2, 5, 9))[name] == "not reproduced"
    assert outcomes(label_factor=value(5, 20, 20))[name] == "not testable here", (
        "at 5 % of the labels no factor above 20 can show"
    )
    assert outcomes(curve_of=None)[name] == "not testable here"
    assert outcomes(label_factor=None)[name] == "not testable here"


def test_what_was_not_adapted_proves_nothing() -> None:
    found = outcomes(best_adapted="cut_structured")
    assert found["Ours: the best adaptation beats the best"] == "not testable here"


def test_fewer_than_three_trainings_decide_nothing() -> None:
    few = tuple(e.model_copy(update={"num_seeds": 2}) for e in target_result().methods)
    grasps = {"success_gain": value(0, 0.1, 1), "success_ratio": value(0.96, 0.97, 1.1)}
    found = outcomes(methods=few, label_factor=value(2, 5, 9), **grasps)
    assert {*found.values()} == {"not testable here"}


def test_dann_is_judged_by_its_own_difference() -> None:
    name = "DANN adds to GraspGAN"
    row = target_result().methods[0].model_copy(update={"method": "graspgan_dann"})
    rows = (*target_result().methods, row)
    assert outcomes(methods=rows, dann_adds=value(0, 0.03, 0.06))[name] == "reproduced"
    assert outcomes(methods=rows, dann_adds=value(0, 0.01, 0.06))[name] == "not reproduced"


def test_other_adaptations_are_judged_alike() -> None:
    gains = {"over_randomised": value(0, 0.03, 1), "over_control": value(0, 0.01, 1)}
    row = target_result().methods[0].model_copy(update={"method": "adabn"} | gains)
    found = outcomes(methods=(*target_result().methods, row))
    assert found["AdaBN beats randomised looks"] == "reproduced"
    assert found["AdaBN beats the best control"] == "not reproduced"
    once = outcomes(methods=(*target_result().methods, row.model_copy(update={"num_seeds": 1})))
    assert once["AdaBN beats randomised looks"] == "not testable here", "one training"


def test_what_standardising_gives_is_said_with_intervals() -> None:
    result = target_result()
    assert "not testable here" in raw_gains_said(result)
    gain = RawGain(
        method="graspgan",
        gain=value(0.06, 0.1, 0.14),
        standardised=value(0.03, 0.05, 0.07),
        share=value(0.3, 0.5, 0.9),
    )
    row = result.methods[0].model_copy(update={"method": "graspgan_raw", "num_seeds": 1})
    found = {"methods": (*result.methods, row), "raw_gains": (gain,)}
    assert raw_gains_said(result.model_copy(update=found)) == (
        "On raw inputs graspgan gains 0.100 (0.060 to 0.140) in area over randomised looks (of one "
        "training); standardising the inputs of randomised looks gains 0.050 (0.030 to 0.070): of "
        "the former it is the part 0.50 (0.30 to 0.90)."
    )
    found["raw_gains"] = (gain.model_copy(update={"share": None}),)
    assert raw_gains_said(result.model_copy(update=found)).endswith("0.050 (0.030 to 0.070).")


def test_few_scenes_decide_nothing() -> None:
    few = value(0, 0.1, 1).model_copy(update={"error": None})
    names = ("over_randomised", "over_control", "below_labels")
    rows = [e.model_copy(update=dict.fromkeys(names, few)) for e in target_result().methods]
    result = target_result().model_copy(update={"methods": tuple(rows)})
    found = {claim.says: claim for claim in claims_of(result)}
    ours = found["Ours: the best adaptation beats the best control"]
    assert ours.outcome == "not testable here"
    assert ours.because == (
        "+0.100 in area of graspgan_cut over cut_structured, in too few scenes to say more"
    )
    gap = found["There is a gap: all labels beat every control"]
    assert (gap.outcome, "too few scenes" in gap.because) == ("not testable here", True)


def test_values_are_stated_with_their_intervals() -> None:
    assert stated(value(0.1, 0.25, 0.4), 2) == "0.25 (0.10 to 0.40)"
    assert stated(None) == "not measured"


def on_simulation(over_mask: float, network: str = "randomised_longer") -> Claim:
    over = {"over_trees_mask": value(0, over_mask, 1), "over_trees_height": value(-0.09, -0.07, 0)}
    found = Evaluation.model_construct(
        simulation=over, simulation_network=network, targets=(target_result(),)
    )
    return simulation_claim(found)


def test_simulation_is_judged_before_any_target() -> None:
    found = on_simulation(0.021)
    assert found.outcome == "reproduced"
    assert found.because == (
        "+0.021 in area (2.1 standard errors) over trees on an oracle's object mask; "
        "-0.070 (-0.090 to 0.000) over trees on its heights"
    )
    assert on_simulation(0.019).outcome == "not reproduced"
    assert on_simulation(-0.1).outcome == "not reproduced"
    assert on_simulation(0.1, "structured").outcome == "not testable here", "nobody trained it"
