"""What a user sets of detection: its images, and how a detector is built and trained."""

from __future__ import annotations

from typing import Literal

from pydantic.dataclasses import dataclass

from tasks.core.config import SETTINGS, setting
from tasks.intake.skips import MAX_SKIPPED_FRACTION


@dataclass(frozen=True, config=SETTINGS)
class BoxesConfig:
    """Images with boxes, for detection."""

    kind: Literal["none", "scenes", "coco"] = setting(
        "scenes",
        param="boxes",
        help="none: no detection. scenes: generated pictures with known boxes. coco: images and "
        "JSON in COCO's format.",
    )
    side_px: int = setting(
        96, ge=32, le=2048, unit="px", help="Side that images are brought to, or drawn with."
    )
    num_train: int = setting(
        1000,
        ge=0,
        le=1_000_000,
        label="Training images",
        help="Training images; 0 for all of a COCO file.",
    )
    num_test: int = setting(
        300, ge=0, le=1_000_000, label="Test images", help="Test images; 0 for all of a COCO file."
    )
    train_images: str = setting(
        "", path="read", stores=True, help="COCO: folder, or s3://…, of the training images."
    )
    train_annotations: str = setting(
        "", path="read", stores=True, help="COCO: file with their instances (JSON)."
    )
    test_images: str = setting(
        "", path="read", stores=True, help="COCO: folder, or s3://…, of the test images."
    )
    test_annotations: str = setting(
        "", path="read", stores=True, help="COCO: file with their instances (JSON)."
    )
    max_skipped_fraction: float = setting(
        MAX_SKIPPED_FRACTION,
        ge=0,
        le=1,
        help="COCO: share of images that may be unusable before it fails; above 0, one may be.",
    )


@dataclass(frozen=True, config=SETTINGS)
class DetectorConfig:
    """What stands on the backbone."""

    neck_channels: int = setting(
        64, ge=1, le=2048, help="Channels of the maps that proposals are made from."
    )
    finest_stride: int = setting(
        8, ge=1, le=64, unit="px", help="Stride of the finest map that is used."
    )
    num_levels: int = setting(
        3,
        ge=1,
        le=6,
        label="Levels",
        help="Maps that are used, of a feature pyramid: each has twice the stride of the one "
        "before, and every backbone must have all of them.",
    )
    anchor_px: float = setting(
        16.0,
        gt=0,
        le=1024,
        unit="px",
        help="Smallest anchor on the finest map; on others it grows with the stride.",
    )
    num_scales: int = setting(
        1, ge=1, le=8, help="Sizes of anchors on each map, each twice the one before."
    )
    num_proposals: int = setting(
        100, ge=1, le=10_000, help="Proposals of an image that the second stage looks at."
    )
    num_sampled: int = setting(
        64,
        ge=1,
        le=10_000,
        label="Sampled proposals",
        help="Proposals of an image that the second stage is trained on.",
    )
    head_units: int = setting(128, ge=1, le=8192, help="Units of the two layers of the head.")


@dataclass(frozen=True, config=SETTINGS)
class DetectorTrainingConfig:
    """Settings of one training of a detector."""

    num_steps: int = setting(300, ge=1, le=10_000_000, help="Steps of training.")
    batch_size: int = setting(4, ge=1, le=1024, help="Images of a step.")
    learning_rate: float = setting(3e-3, gt=0, le=10, help="Peak learning rate of AdamW.")
    warmup_share: float = setting(
        0.1, ge=0, lt=1, help="Share of the steps in which the learning rate rises."
    )
    weight_decay: float = setting(1e-2, ge=0, le=1, help="Weight decay, decoupled.")
    clip_norm: float = setting(
        5.0, gt=0, le=1e6, help="Greatest norm of all gradients; longer ones are shortened."
    )
    flips: bool = setting(True, help="Mirror half of the images.")
    num_evaluations: int = setting(
        4, ge=1, le=100, help="How often the test images are scored, at even distances."
    )
