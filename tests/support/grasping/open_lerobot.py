"""Opens a LeRobotDataset with lerobot itself; runs in an environment of its own.

Prints one JSON line: versions, and each frame with digests of its decoded pictures.
"""

from __future__ import annotations

import hashlib
import json
import sys
from importlib.metadata import version
from pathlib import Path

import torch
from lerobot.datasets.dataset_tools import split_dataset
from lerobot.datasets.lerobot_dataset import LeRobotDataset
from lerobot.datasets.utils import dataset_to_policy_features


def digest(picture: torch.Tensor) -> str:
    """Digest of a picture as LeRobot gives it, (channels, h, w) in [0, 1], as bytes again."""
    array = (picture * 255).round().to(torch.uint8).permute(1, 2, 0).contiguous().numpy()
    return hashlib.sha256(repr(array.shape).encode() + array.tobytes()).hexdigest()


def opened(frame: dict) -> dict:
    return {
        name: digest(value)
        if name.startswith("observation.images")
        else value.tolist()
        if isinstance(value, torch.Tensor)
        else value
        for name, value in frame.items()
    }


def main(folder: str) -> None:
    dataset = LeRobotDataset("local/attempts", root=folder)
    paired = LeRobotDataset(
        "local/attempts", root=folder, episodes=[1], delta_timestamps={"action": [0.0, 1.0]}
    )
    loader = torch.utils.data.DataLoader(dataset, batch_size=5)
    parts = split_dataset(
        dataset, {"one": [0, 2], "two": [1]}, output_dir=Path(folder).parent / "parts"
    )
    result = {
        "versions": [version("lerobot"), version("datasets"), torch.__version__],
        "num_episodes": dataset.num_episodes,
        "num_frames": dataset.num_frames,
        "frames": [opened(dataset[index]) for index in range(len(dataset))],
        "stats": {
            feature: {name: value.tolist() for name, value in values.items()}
            for feature, values in dataset.meta.stats.items()
        },
        "policy_features": {
            name: [feature.type.value, list(feature.shape)]
            for name, feature in dataset_to_policy_features(dataset.meta.features).items()
        },
        "batches": [list(batch["observation.images.arm"].shape) for batch in loader],
        "actions_ahead": paired[0]["action"].tolist(),
        "attempt_ids": list(dataset.meta.episodes["attempt_id"]),
        "parts": {name: part.num_frames for name, part in parts.items()},
    }
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
