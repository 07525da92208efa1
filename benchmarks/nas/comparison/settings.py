"""What is compared, on what, and by which recipes; see `benchmarks.nas.comparison`."""

from __future__ import annotations

from dataclasses import dataclass, field

from tasks.nas.detection.config import DetectorConfig, DetectorTrainingConfig
from tasks.nas.models.scaling import scale_baseline
from tasks.nas.models.sizes import BaselineSize, NetworkSize
from tasks.nas.space.genotype_file import GenotypeRecord
from tasks.nas.space.published import PUBLISHED
from tasks.nas.training.candidates import Target, scaled
from tasks.nas.training.config import TrainingConfig
from tasks.nas.types import Genotype

CELLS, HAND_MADE = "nasnet_a", "resnet"
# The hand-made network at multiples of the cells' multiply-adds: what the cells are compared with
# at equal seconds and milliseconds is interpolated between them.
RESNETS = {"resnet": 1, "resnet_x6": 6, "resnet_x14": 14}
_RESNET_BLOCKS = 2  # per stage, as ResNet-18 has
_OTHERS = ("mobilenet_v2", "amoebanet_a")


@dataclass(frozen=True)
class Settings:
    """What a run of the comparison spends.

    A training is known by the ``repr``: what decides no single one is left out of it.

    Attributes:
        image_px: Side of the photos and of the scenes.
        mult_adds: Multiply-adds of the cells; N = 2 with the ImageNet stem.
        num_train: Photos that classifiers are trained on; 0 for all.
        num_validation: Photos that are cut off the training split, to choose by.
        recipe: How classifiers are trained, but for the rate.
        rates: Learning rates of classifiers to choose from.
        num_scenes: Scenes to train on, to choose by and to test on.
        detector: What stands on every backbone.
        detector_recipe: How detectors are trained, but for the rate.
        detector_rates: Learning rates of detectors to choose from.
        seeds: Trainings of each classifier; of the others, of the detectors too, `few_seeds`.
        few_seeds: See above.
        rounds: How often each cost is timed.
    """

    image_px: int = 96
    mult_adds: int = 21_000_000
    num_train: int = 0
    num_validation: int = 300
    recipe: TrainingConfig = field(
        default_factory=lambda: TrainingConfig(
            num_epochs=60, batch_size=50, warmup_share=0.1, label_smoothing=0.1, crop_px=8
        )
    )
    rates: tuple[float, ...] = field(default=(0.03, 0.1, 0.3, 1.0, 3.0), repr=False)
    num_scenes: tuple[int, int, int] = (1000, 200, 400)
    detector: DetectorConfig = field(default_factory=DetectorConfig)
    detector_recipe: DetectorTrainingConfig = field(
        default_factory=lambda: DetectorTrainingConfig(
            num_steps=1200, batch_size=8, num_evaluations=6
        )
    )
    detector_rates: tuple[float, ...] = field(default=(1e-3, 3e-3, 1e-2), repr=False)
    seeds: int = field(default=5, repr=False)
    few_seeds: int = field(default=3, repr=False)
    rounds: int = field(default=7, repr=False)


FULL = Settings()
QUICK = Settings(
    image_px=64,
    mult_adds=4_000_000,
    num_train=60,
    num_validation=30,
    recipe=TrainingConfig(num_epochs=1, batch_size=30),
    rates=(0.1,),
    num_scenes=(8, 4, 4),
    detector_recipe=DetectorTrainingConfig(num_steps=2, batch_size=2, num_evaluations=1),
    detector_rates=(1e-3,),
    seeds=2,
    few_seeds=2,
    rounds=1,
)


def classifiers(settings: Settings) -> dict[str, int]:
    """Networks that classify, with the number of their seeds."""
    most = (CELLS, HAND_MADE)
    names = (*most, *RESNETS, *_OTHERS)
    return {name: settings.seeds if name in most else settings.few_seeds for name in names}


def backbones() -> tuple[str, ...]:
    """Networks that detectors stand on."""
    return (CELLS, *RESNETS, _OTHERS[0])


def design(name: str, settings: Settings) -> tuple[Genotype | None, NetworkSize | BaselineSize]:
    """Cells and size of a network.

    Raises:
        ConfigError: No width costs what is asked.
    """
    genotype = PUBLISHED.get(name)
    target = Target(
        image_px=settings.image_px,
        mult_adds=settings.mult_adds * RESNETS.get(name, 1),
        num_classes=10,
        stem="imagenet",
        num_cells=2,
    )
    if genotype is not None:
        return genotype, scaled(name, GenotypeRecord.of(genotype), target)
    if name not in RESNETS:
        return None, scaled(name, None, target)
    wanted = BaselineSize(
        kind="resnet",
        width=1,
        num_blocks=_RESNET_BLOCKS,
        num_classes=target.num_classes,
        stem=target.stem,
        image_px=target.image_px,
    )
    return None, scale_baseline(wanted, target.mult_adds)[0]
