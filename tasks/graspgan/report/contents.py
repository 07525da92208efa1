"""What the page says, section by section."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from tasks.core.ports import Skipped
from tasks.graspgan.judging.manifests import Evaluation, MethodResult, TargetResult, Value
from tasks.graspgan.judging.opened import TREES
from tasks.graspgan.manifests import Attempts
from tasks.graspgan.report.claims import Claim, claims_of, raw_gains_said, simulation_claim, stated
from tasks.graspgan.report.curves import chosen_table, generator_curves, predictor_curves
from tasks.graspgan.report.plots import begun, labels_plot, methods_plot
from tasks.graspgan.trainings.manifests import TrainedGenerator, TrainedPredictor
from tasks.graspgan.trainings.symptoms import symptoms
from tasks.report.page import Cell, Link, Picture, Section, Table, settings_section, skipped_section

_MARKS: Final = {"reproduced": "good", "not reproduced": "bad", "not testable here": ""}
_BEHIND: Final = "Behind ± stands the standard error; there is none of fewer than ten scenes."
_HEALTH: Final = ("mean_gap", "deviation_gap", "gradient_gap", "diversity_ratio", "feature_gap")


def report_sections(
    evaluation: Evaluation,
    grids: Mapping[str, bytes],
    films: Mapping[str, bytes],
    links: Sequence[Link] = (),
) -> list[Section]:
    """Write the page.

    Args:
        evaluation: What all tests came to.
        grids: Pictures of adapted crops (PNG), by generator.
        films: Pictures of grasps (PNG), by target, method and scene.
        links: Ways to files beside the page.
    """
    adapted = evaluation.trained.adapted
    prepared = adapted.pretrained.prepared
    skipped: list[Skipped] = [
        *prepared.attempts.skipped, *adapted.skipped, *evaluation.trained.skipped,
    ]  # fmt: skip
    return [
        _opening(evaluation, links),
        _simulation(evaluation),  # what does not work there says nothing of targets
        *(_target(each, prepared.attempts, films) for each in evaluation.targets),
        *(_trainings(each.target, evaluation.trained.predictors) for each in evaluation.targets),
        _generators(adapted.generators, grids),
        *([skipped_section(skipped)] if skipped else []),
        settings_section({"crops": f"{prepared.side_px} px", "pictures": prepared.pictures}),
    ]


def _opening(evaluation: Evaluation, links: Sequence[Link]) -> Section:
    attempts = evaluation.trained.adapted.pretrained.prepared.attempts
    rows = [
        (
            each.world, each.split, f"{each.num_attempts:,}",
            f"{100 * each.num_successes / each.num_attempts:.1f}",
        )
        for each in attempts.sets
    ]  # fmt: skip
    return Section(
        title="From simulated grasps to a predictor for another world",
        text=(
            "No robot took part. What stands in for one is another simulation, or data that a "
            "user brought: see the worlds below. Areas are those under the ROC curve of grasps "
            "with held-out objects; errors are of scenes and of trainings.",
        ),
        tables=(Table(("world", "split", "attempts", "success, %"), tuple(rows)),),
        links=tuple(links),
    )


def _target(result: TargetResult, attempts: Attempts, films: Mapping[str, bytes]) -> Section:
    name = result.target
    own = {key: data for key, data in films.items() if key.startswith(f"{name}/")}
    return Section(
        title=f"Target: {name}",
        text=(
            f"Validation named {result.best_control} the best control and {result.best_adapted} "
            "the best adaptation, the latter without labels of the target; then the test split was "
            f"opened, at {result.opened_at}. Of the gap between best control and all labels the "
            f"best adaptation closes {stated(result.closed_share, 2)}; {_worth(result)}.",
            raw_gains_said(result),
        ),
        tables=(_claims(claims_of(result)), _methods(result, attempts), *_grasps(result)),
        pictures=(
            Picture(f"{name}-methods.png", f"{name}: areas of all methods", methods_plot(result)),
            *_labels(result),
            *(
                Picture(
                    f"{key.replace('/', '-')}.png",
                    f"{key}: where the fingers closed; green frames are successes",
                    data,
                )
                for key, data in sorted(own.items())
            ),
        ),
    )


def _worth(result: TargetResult) -> str:
    if result.curve_of is None:
        return "no curve over labels says what it is worth"
    control, adapted = result.curve_of
    worth = stated(result.label_equivalent, 0)
    return f"{adapted} without labels does what {control} does with {worth} of them"


def _labels(result: TargetResult) -> Iterator[Picture]:
    if begun(result.methods):
        name = f"{result.target}-labels.png"
        yield Picture(name, f"{result.target}: areas over labels", labels_plot(result))


def _claims(claims: Sequence[Claim]) -> Table:
    rows = tuple(
        (each.says, Cell(each.outcome, _MARKS[each.outcome]), each.because)  # type: ignore[arg-type]
        for each in claims
    )
    return Table(("claim", "verdict", "because"), rows)


def _methods(result: TargetResult, attempts: Attempts) -> Table:
    rows = (_majority(result.target, attempts), *(_row(each) for each in result.methods))
    head = (
        *("method", "what is done", "seeds", "labels", "area", "uniform", "near objects"),
        *("over randomised", "over best control"),
    )
    return Table(head, rows, _BEHIND)


def _majority(target: str, attempts: Attempts) -> tuple[str, ...]:
    """A guess that looks at nothing: it ranks nothing, so its area is one half by definition."""
    taught, test = attempts.of(attempts.simulation, "train"), attempts.of(target, "held_out")
    share = test.num_successes / test.num_attempts
    if 2 * taught.num_successes < taught.num_attempts:
        share = 1 - share
    says = f"what most attempts of simulation came to: right {100 * share:.1f} % of the time"
    return "majority", says, "", "0", *3 * ("0.500",), "", ""


def _grasps(result: TargetResult) -> Iterator[Table]:
    """What the methods that grasped lifted; none where no grasp was tried."""
    rows = tuple(
        (
            each.method,
            f"{sum(len(scene.successes) for scene in result.grasps[each.method]):,}",
            _percent(each.success),
        )
        for each in result.methods
        if each.success is not None and each.method in result.grasps
    )
    if rows:
        head = "grasps in closed loop", "tried", "success, %"
        yield Table(head, rows, "In the same scenes for all, with held-out objects.")


def _row(each: MethodResult) -> tuple[str, ...]:
    return (
        each.method,
        each.says,
        f"{each.num_seeds}",
        f"{each.num_labels:,}",
        _short(each.area),
        _short(each.uniform),
        _short(each.near),
        _short(each.over_randomised),
        _short(each.over_control),
    )


def _short(value: Value | None) -> str:
    if value is None:
        return ""
    told = f"{value.value:.3f}"
    return told if value.error is None else f"{told} ± {value.error:.3f}"


def _percent(value: Value) -> str:
    told = f"{100 * value.value:.1f}"
    return told if value.error is None else f"{told} ± {100 * value.error:.1f}"


def _simulation(evaluation: Evaluation) -> Section:
    name = evaluation.simulation_network
    says = {"predictor": f"C, {name}"}
    says |= {name: trees.method.says for name, trees in TREES.items()}
    says |= {f"over_{name}": f"C, less {told}" for name, told in says.items()}
    kinds = (evaluation.simulation, evaluation.simulation_uniform, evaluation.simulation_near)
    rows = tuple(
        (told, *(_short(found.get(key)) for found in kinds))
        for key, told in says.items()
        if key in evaluation.simulation
    )
    pretrained = evaluation.trained.adapted.pretrained
    return Section(
        title="On simulation itself",
        text=(
            "What a network that saw simulation alone knows of held-out objects there, beside "
            "trees that are told what an oracle knows. Of such networks simulation's validation "
            f"split named {name}.",
        ),
        tables=(
            _claims([simulation_claim(evaluation)]),
            Table(("who", "area", "uniform", "near objects"), rows, _BEHIND),
        ),
        pictures=tuple(_predictor_curves("simulation", pretrained.predictors)),
    )


def _trainings(target: str, found: Sequence[TrainedPredictor]) -> Section:
    own = [each for each in found if each.target == target]
    return Section(
        title=f"Trainings for {target}",
        text=(
            "A training keeps the weights of its best look at a validation split, marked by a dot "
            "for each seed. Without labels of the target that split is simulated: such areas say "
            "nothing of the target, and can't be compared with each other. Curves are means over "
            "seeds.",
        ),
        tables=(chosen_table(own),),
        pictures=tuple(_predictor_curves(target, own)),
    )


def _predictor_curves(name: str, found: Sequence[TrainedPredictor]) -> Iterator[Picture]:
    if any(each.curve for each in found):
        yield Picture(f"{name}-curves.png", f"{name}: trainings of C", predictor_curves(found))


def _generators(found: Sequence[TrainedGenerator], grids: Mapping[str, bytes]) -> Section:
    rows = []
    for each in found:
        last = each.curve[-1]
        values, losses = last["values"], last["losses"]
        rows.append(
            (
                each.item_id,
                *(f"{values[name]:.3f}" for name in _HEALTH),
                f"{losses['discriminator_loss']:.2f}",
                f"{losses['task_loss_raw']:.3f}",
                f"{losses['task_loss_adapted']:.3f}",
            )
        )
    head = (
        *("generator", *(name.replace("_", " ") for name in _HEALTH)),
        *("discriminator's loss", "C's loss, raw", "C's loss, adapted"),
    )
    return Section(
        title="Generators",
        text=(
            "Gaps are distances between adapted and real pictures, 0 is best; diversity is best at "
            "1. A discriminator's loss of 0.5 is that of guessing. A loss of C on adapted pictures "
            "no higher than on raw ones says that objects are as easy to see as before. Nothing "
            "chooses among the steps of a generator: the last one counts. Curves are means over "
            "seeds. Where adapted pictures of a station are too much alike or look like another's, "
            "where discriminators can't be fooled, or C can't see what it saw before, there is a "
            "warning.",
        ),
        tables=(*([Table(head, tuple(rows))] if rows else []), *_warnings(found)),
        pictures=(*_generator_curves(found), *_grids(grids)),
    )


def _warnings(found: Sequence[TrainedGenerator]) -> Iterator[Table]:
    """Signs at the last step that a generator is not well; none where none passed its limit."""
    rows = tuple(
        (each.name, each.target, f"{each.seed}", Cell(says, "bad"))
        for each in found
        for says in symptoms(
            each.curve[-1]["losses"] | each.curve[-1]["values"], each.name
        ).values()
    )
    if rows:
        yield Table(("generator", "target", "seed", "warning"), rows)


def _generator_curves(found: Sequence[TrainedGenerator]) -> Iterator[Picture]:
    for target in dict.fromkeys(each.target for each in found):
        data = generator_curves([each for each in found if each.target == target])
        yield Picture(f"{target}-generators.png", f"{target}: what was watched", data)


def _grids(grids: Mapping[str, bytes]) -> Iterator[Picture]:
    for name, data in grids.items():
        title = (
            f"{name}, row by row: simulated, adapted to each station, the map that is predicted "
            "(dark background, grey tray, orange objects), real ones of each station"
        )
        yield Picture(f"{name}.png", title, data)
