"""Opens an RLDS export with TensorFlow Datasets; runs in an environment of its own.

Prints one JSON line: versions, and each episode with digests of its decoded pictures.
"""

from __future__ import annotations

import hashlib
import json
import sys

import tensorflow as tf
import tensorflow_datasets as tfds

CAMERAS = (
    *("calibrated_matrix", "calibrated_from_base", "true_matrix", "true_from_base"),
    "distortion",
)


def digest(picture: tf.Tensor) -> str:
    array = picture.numpy()
    return hashlib.sha256(repr(array.shape).encode() + array.tobytes()).hexdigest()


def opened(episode: dict) -> dict:
    about = episode["episode_metadata"]
    steps = list(episode["steps"])
    return {
        "attempt_id": about["attempt_id"].numpy().decode(),
        "is_success": bool(about["is_success"]),
        "object_ids": [each.decode() for each in about["object_ids"].numpy()],
        **{name: about[name].numpy().tolist() for name in CAMERAS},
        "object_positions_m": about["object_positions_m"].numpy().tolist(),
        "object_quaternions_xyzw": about["object_quaternions_xyzw"].numpy().tolist(),
        "object_centres_m": about["object_centres_m"].numpy().tolist(),
        "finger_gap_m": float(about["finger_gap_m"]),
        "split": about["split"].numpy().decode(),
        "instance_mask_before": digest(about["instance_mask_before"]),
        "image_before": digest(about["image_before"]),
        "images": [digest(step["observation"]["image"]) for step in steps],
        "class_masks": [digest(step["observation"]["class_mask"]) for step in steps],
        "states": [step["observation"]["state"].numpy().tolist() for step in steps],
        "actions": [step["action"].numpy().tolist() for step in steps],
        "commands": [step["command"].numpy().tolist() for step in steps],
        "motions": [step["motion"].numpy().tolist() for step in steps],
        "rewards": [float(step["reward"]) for step in steps],
        "is_first": [bool(step["is_first"]) for step in steps],
        "is_last": [bool(step["is_last"]) for step in steps],
    }


def main(folder: str) -> None:
    builder = tfds.builder_from_directory(f"{folder}/grasp_attempts/2.0.0")
    episodes = {
        split: [opened(each) for each in builder.as_dataset(split=split)]
        for split in builder.info.splits
    }
    by_name = tfds.load("grasp_attempts", data_dir=folder)
    result = {
        "versions": [tf.__version__, tfds.__version__],
        "num_examples": {name: split.num_examples for name, split in builder.info.splits.items()},
        "splits_by_name": sorted(by_name),
        "episodes": episodes,
    }
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
