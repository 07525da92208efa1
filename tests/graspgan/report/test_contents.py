from __future__ import annotations

from tasks.graspgan.judging.manifests import Evaluation
from tasks.graspgan.report.contents import report_sections
from tasks.report.page import html, markdown
from tests.support.graspgan.chain import Chain
from tests.support.graspgan.target_results import target_result


def test_the_page_says_what_was_chosen_and_when_the_test_was_opened(chain: Chain) -> None:
    evaluation = chain.run.read(chain.evaluated, Evaluation)
    result = target_result().model_copy(update={"target": "bullet-structured"})
    evaluation = evaluation.model_copy(update={"targets": (result,)})
    names = ("bullet-structured/labels/held_out-0", "elsewhere/labels/held_out-0")
    films = {name: name.encode() for name in names}
    sections = report_sections(evaluation, {"from_cut-s0": b"grid"}, films)
    text, page = markdown(sections), html(sections)
    assert "Validation named cut_structured the best control" in text
    assert "2026-11-30T03:00:00+00:00" in text
    assert "graspgan\\_cut" in text or "graspgan_cut" in text
    assert page.count("<img") == 7, "two plots, a film of this target, curves of three, a grid"
    assert "not reproduced" in page


def test_the_page_says_what_each_training_was_chosen_by(chain: Chain) -> None:
    evaluation = chain.run.read(chain.evaluated, Evaluation)
    text = markdown(report_sections(evaluation, {}, {}))
    assert "Trainings for bullet-structured" in text
    assert text.index("On simulation itself") < text.index("Target: bullet-structured\n"), (
        "what does not work there says nothing of targets"
    )
    assert "| labels | bullet-structured, plain |" in text
    assert "| graspgan_cut | bullet, adapted |" in text
    assert "bullet-structured-curves.png" in text
    assert "bullet-structured-generators.png" in text


def test_a_majority_that_looks_at_nothing_stands_in_the_table(chain: Chain) -> None:
    evaluation = chain.run.read(chain.evaluated, Evaluation)
    attempts = evaluation.trained.adapted.pretrained.prepared.attempts
    taught, test = attempts.of("bullet", "train"), attempts.of("bullet-structured", "held_out")
    share = test.num_successes / test.num_attempts
    share = share if 2 * taught.num_successes >= taught.num_attempts else 1 - share
    text = markdown(report_sections(evaluation, {}, {}))
    assert (
        f"| majority | what most attempts of simulation came to: right {100 * share:.1f} %" in text
    )


def test_generators_that_are_not_well_are_listed(chain: Chain) -> None:
    evaluation = chain.run.read(chain.evaluated, Evaluation)
    losses = {"discriminator_loss": 0.4, "task_loss_raw": 0.4, "task_loss_adapted": 0.5}
    well = {"diversity_ratio_station_2": 1.0, "blind_loss": 0.6}

    def text(values: dict[str, float]) -> str:
        adapted = evaluation.trained.adapted
        first = adapted.generators[0]
        point = dict(first.curve[-1])
        point |= {"losses": point["losses"] | losses, "values": point["values"] | values}
        made = first.model_copy(update={"curve": (point,), "seed": 1})
        adapted = adapted.model_copy(update={"generators": (made,)})
        trained = evaluation.trained.model_copy(update={"adapted": adapted})
        return markdown(report_sections(evaluation.model_copy(update={"trained": trained}), {}, {}))

    collapsed = text(well | {"diversity_ratio_station_2": 0.3})
    says = "adapted pictures of station 2 vary 0.30 times as much as real ones"
    assert f"| from_cut | bullet-structured | 1 | {says} |" in collapsed
    assert "| warning |" not in text(well)
