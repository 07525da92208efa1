from __future__ import annotations

import io

import pytest
from PIL import Image

from tasks.core.records import FileRef
from tasks.graspgan.report.curves import chosen_table, generator_curves, predictor_curves
from tasks.graspgan.trainings.manifests import TrainedGenerator, TrainedPredictor
from tests.support.graspgan.chain import Chain

NO_FILE = FileRef(uri="none", sha256="0" * 64, num_bytes=0)


def predictor(method: str, areas: list[float], num_labels: int = 0) -> TrainedPredictor:
    return TrainedPredictor(
        item_id=method,
        method=method,
        target="surrogate",
        seed=0,
        domain=0,
        weights=NO_FILE,
        validation_auc=max(areas, default=0.5),
        curve=tuple(
            {"step": 10 * (k + 1), "losses": {"loss": 1 / (k + 1)}, "values": {"validation_auc": a}}
            for k, a in enumerate(areas)
        ),
        num_labels=num_labels,
        cpu_s=1.0,
        chosen_by=("bullet, cut", "surrogate, plain") if areas else (),
    )


FOUND = (
    predictor("randomised", []),
    predictor("cut", [0.6, 0.7, 0.65]),
    predictor("cut", [0.6, 0.7]),  # another seed that ended early
    predictor("graspgan", [0.6, 0.5]),
    predictor("labels", [0.5, 0.8], num_labels=40),
)


def height_px(data: bytes) -> int:
    return Image.open(io.BytesIO(data)).size[1]


def test_controls_adaptations_and_labels_stand_apart() -> None:
    three, two = predictor_curves(FOUND), predictor_curves(FOUND[:4])
    assert predictor_curves(FOUND) == three
    assert height_px(three) == pytest.approx(1.5 * height_px(two), abs=3)
    other = predictor("graspgan", [0.6, 0.9])
    assert predictor_curves((*FOUND[:3], other, FOUND[4])) != three


def test_it_is_said_what_each_was_chosen_by_and_where() -> None:
    both = "bullet, cut; surrogate, plain"
    assert chosen_table(FOUND).rows == (
        ("randomised", "stays as simulation left it", "", "0.500"),
        ("cut", both, "20 of 30, 20 of 20", "0.700"),
        ("graspgan", both, "10 of 20", "0.600"),
        ("labels", both, "20 of 20", "0.800"),
    )


def test_generators_show_what_was_watched(chain: Chain) -> None:
    from tasks.graspgan.trainings.manifests import Adapted

    (first,) = chain.run.read(chain.adapted, Adapted).generators
    found = (first, first.model_copy(update={"name": "from_plain"}))
    both = generator_curves(found)
    assert height_px(both) == 2 * height_px(generator_curves(found[:1]))
    point = found[0].curve[-1]
    worse = point | {"values": point["values"] | {"mean_gap": 9.0}}
    other: TrainedGenerator = found[0].model_copy(update={"curve": (worse,)})
    assert generator_curves((other, *found[1:])) != both
