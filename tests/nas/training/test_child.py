"""A child is trained with its rung's budget; its hash, rung and replicate decide everything."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks.nas.manifests import ChildResult, ChildTask, Rung
from tasks.nas.models.cost import cost_of
from tasks.nas.models.network import CellNetwork
from tasks.nas.models.sizes import NetworkSize
from tasks.nas.space.canonical import genotype_hash
from tasks.nas.space.genotype_file import GenotypeRecord
from tasks.nas.training.child import ChildImages, train_child
from tasks.nas.types import Genotype, Operation
from tests.support.nas.genotypes import chain
from tests.support.nas.image_sets import coloured
from tests.support.nas.item_folders import LocalFolder, arrays_of
from tests.support.nas.transfer_results import IMAGES

CELLS = Genotype(chain(Operation.SEP_CONV_3X3), chain(Operation.MAX_POOL_3X3))
BUDGET = Rung(
    image_px=8, num_filters=4, num_cells=1, num_images=96, num_validation=30, num_epochs=2
)
SHARED = ChildImages(
    images=IMAGES.model_copy(update={"classes": ("red", "green", "blue")}),
    device="cpu",
    learning_rate=0.1,
    batch_size=16,
)


def train(path: Path, num_images: int = 96, **changed: object) -> ChildResult:
    item = ChildTask(
        item_id="child",
        genotype=GenotypeRecord.of(CELLS),
        genotype_hash=genotype_hash(CELLS),
        rung=0,
        budget=BUDGET,
        replicate=0,
    )
    splits = {"train": coloured(num_images), "validation": coloured(60, seed=1)}
    folder = LocalFolder(path, arrays_of(splits))
    return train_child(item.model_copy(update=changed), SHARED, folder)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> ChildResult:
    return train(tmp_path_factory.mktemp("child"))


def test_a_child_learns_colours_at_its_cost(made: ChildResult) -> None:
    assert made.item_id == "child"
    assert made.accuracy > 0.6  # chance is a third
    assert (made.accuracy * 30) % 1 == pytest.approx(0, abs=1e-9), "30 images are validated on"
    cost = cost_of(lambda: CellNetwork(CELLS, NetworkSize(1, 4, 3, image_px=8)), 8)
    assert (made.num_params, made.mult_adds) == (cost.num_params, cost.mult_adds)
    assert made.cpu_s > 0


def test_its_name_and_images_beyond_the_budget_mean_nothing(
    made: ChildResult, tmp_path: Path
) -> None:
    again = train(tmp_path, num_images=150, item_id="other")
    assert (again.accuracy, again.train_loss) == (made.accuracy, made.train_loss)


@pytest.mark.parametrize("changed", [{"replicate": 1}, {"rung": 1}, {"genotype_hash": "0" * 64}])
def test_another_replicate_rung_or_hash_draws_otherwise(
    made: ChildResult, tmp_path: Path, changed: dict[str, object]
) -> None:
    assert train(tmp_path, **changed).train_loss != made.train_loss
