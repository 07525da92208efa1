"""What a user sets of trainings."""

from __future__ import annotations

from pydantic.dataclasses import dataclass

from tasks.core.config import SETTINGS, setting


@dataclass(frozen=True, config=SETTINGS)
class DescentConfig:
    """How a predictor is trained: AdamW (I. Loshchilov, F. Hutter, ICLR 2019), warm-up, cosine."""

    num_steps: int = setting(1500, ge=1, le=1_000_000, help="Steps of descent.")
    batch_size: int = setting(
        64,
        ge=4,
        le=8192,
        help="Labelled samples of a step, of all domains together; of unlabelled ones as many.",
    )
    learning_rate: float = setting(4e-3, gt=0, le=1, help="Peak learning rate.")
    warmup_share: float = setting(0.05, ge=0, lt=1, help="Share of the steps in which it rises.")
    weight_decay: float = setting(0.05, ge=0, le=1, help="Weight decay of AdamW.")
    cell_weight: float = setting(
        1.0,
        ge=0,
        le=100,
        help="Weight of telling where objects lie, and how high, where simulation knows it.",
    )
    num_points: int = setting(
        10, ge=1, le=1000, help="How often validation is looked at and the state is kept."
    )
    patience: int = setting(
        1000,
        ge=1,
        le=1000,
        help="Looks at validation without a better one after which it ends early.",
    )


@dataclass(frozen=True, config=SETTINGS)
class AdversaryConfig:
    """How domains are confused (DANN)."""

    weight: float = setting(
        0.1, ge=0, le=10, help="Peak weight of the reversed gradient of the domain classifier."
    )


@dataclass(frozen=True, config=SETTINGS)
class GeneratorConfig:
    """How pictures are adapted (GraspGAN)."""

    num_steps: int = setting(5000, ge=1, le=10_000_000, help="Steps, of both sides.")
    batch_size: int = setting(24, ge=4, le=4096, help="Pictures of a step, of each domain.")
    learning_rate: float = setting(8e-4, gt=0, le=1, help="Adam's, falling to zero by a cosine.")
    num_scales: int = setting(3, ge=1, le=4, help="Scales of the discriminator.")
    num_patch_layers: int = setting(
        3,
        ge=1,
        le=12,
        help="Convolutions of each scale before the last; one more widens the patches that it "
        "judges by 4 px of its scale, from 8 px with one.",
    )
    width: int = setting(24, ge=4, le=512, help="Channels of the generator's finest maps.")
    adversarial_weight: float = setting(1.0, ge=0, le=100, help="Weight of the discriminator.")
    task_weight: float = setting(1.0, ge=0, le=100, help="Weight of predicting success.")
    map_weight: float = setting(1.0, ge=0, le=100, help="Weight of predicting the semantic map.")
    pairwise_weight: float = setting(
        0.3, ge=0, le=100, help="Weight of the masked pairwise squared error."
    )
    feature_weight: float = setting(
        0.1, ge=0, le=100, help="Weight of keeping the predictor's features."
    )
    num_points: int = setting(
        20, ge=1, le=1000, help="How often health is looked at and the state is kept."
    )
