"""How a network is trained: one set of settings for children, retraining and transfer.

Stochastic gradient descent with Nesterov momentum, a linear warm-up and a cosine to zero
(I. Loshchilov, F. Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", ICLR 2017,
equation 5, without restarts), random crops and flips, cutout (T. DeVries, G. Taylor, "Improved
Regularization of Convolutional Neural Networks with Cutout", 2017).
"""

from __future__ import annotations

from pydantic.dataclasses import dataclass

from tasks.core.config import SETTINGS, setting


@dataclass(frozen=True, config=SETTINGS)
class TrainingConfig:
    """Settings of one training."""

    num_epochs: int = setting(3, ge=1, le=2000, help="Passes over the training images.")
    batch_size: int = setting(128, ge=2, le=8192, help="Images of a step.")
    learning_rate: float = setting(
        0.1, gt=0, le=10, help="Peak learning rate, reached at the end of the warm-up."
    )
    warmup_share: float = setting(
        0.15, ge=0, lt=1, help="Share of the steps in which the learning rate rises."
    )
    momentum: float = setting(0.9, ge=0, lt=1, help="Nesterov momentum.")
    weight_decay: float = setting(
        5e-4, ge=0, le=1, help="Weight decay of convolutions and classifiers."
    )
    label_smoothing: float = setting(0.0, ge=0, lt=1, help="Share of the target spread evenly.")
    crop_px: int = setting(
        1, ge=0, le=64, unit="px", help="Random shifts of the image, at most so far; 0 for none."
    )
    flips: bool = setting(True, help="Mirror half of the images.")
    cutout_px: int = setting(
        0, ge=0, le=256, unit="px", help="Side of a square that is blanked out; 0 for none."
    )
    drop_path_rate: float = setting(
        0.0, ge=0, lt=1, help="ScheduledDropPath in the deepest cell at the end of training."
    )
    auxiliary_weight: float = setting(
        0.0, ge=0, le=10, help="Weight of the auxiliary classifier's loss; 0 for no such head."
    )
