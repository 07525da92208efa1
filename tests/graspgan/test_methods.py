from __future__ import annotations

from dataclasses import replace

from tasks.graspgan.methods import is_headline, methods, num_begun, num_generators


def test_names_are_unique_and_sets_grow() -> None:
    few, headline, every = ({m.name for m in methods(w)} for w in ("few", "headline", "all"))
    assert few < headline < every
    assert len(every) == len(methods("all"))


def test_controls_use_no_label_and_no_network() -> None:
    for method in methods("all"):
        if method.is_control:
            assert method.label_share == 0
            assert method.generator is None
            assert not method.confuses


def test_what_sees_nothing_of_a_target_serves_all() -> None:
    shared = {method.name for method in methods("all") if not method.sees_target}
    longer = {"simulation_longer", "randomised_longer", "randomised_longer_raw", "structured"}
    assert shared == {"simulation", "simulation_raw", "randomised", *longer}


def test_the_posts_rows_are_there() -> None:
    names = {method.name for method in methods("headline")}
    assert {
        "simulation_longer",
        "randomised",
        "dann",
        "graspgan",
        "graspgan_dann",
        "labels",
    } <= names
    assert {"adabn", "graspgan_raw", "graspgan_cut_raw"} <= names
    assert not is_headline(next(m for m in methods("all") if m.name == "dann_one_norm"))


def test_what_it_is_worth_to_standardise_is_shown_beside_controls_that_do() -> None:
    by_name = {method.name: method for method in methods("headline")}
    for name in ("simulation", "randomised_longer"):
        first, raw = by_name[name], by_name[f"{name}_raw"]
        assert raw == replace(first, name=raw.name, says=raw.says, standardises=False)
        assert raw.says.endswith(", crops not standardised")
    assert by_name["simulation"].says == "simulation alone, each crop standardised"
    assert by_name["simulation_raw"].says == "simulation alone, crops not standardised"
    assert by_name["colours_raw"].is_control
    assert not by_name["colours_raw"].standardises
    raw_names = {method.name for method in methods("all") if not method.standardises}
    assert raw_names - {*by_name} == {"labels_raw"}


def test_randomised_looks_have_a_curve_and_raw_inputs_of_as_many_steps() -> None:
    by_name = {method.name: method for method in methods("all")}
    for name in ("randomised_longer_5", "randomised_longer_20", "randomised_longer_raw"):
        assert by_name[name].looks == ("random",), "else it has fewer steps than graspgan's"
    assert "randomised_5" not in by_name


def test_trainings_are_those_that_some_method_needs() -> None:
    for which, num_raw, num_plain in (("few", 0, 0), ("headline", 3, 3), ("all", 3, 3)):
        assert num_begun(which, 3, standardises=True) == 3
        assert num_begun(which, 3, standardises=False) == num_raw
        assert num_generators(which, 3, "from_plain") == num_plain
        assert num_generators(which, 3, "from_cut") == 3
