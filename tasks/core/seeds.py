"""Seeds: each item draws from its own generator, whoever makes it and in whatever order."""

from __future__ import annotations

import hashlib

import numpy as np


def digest64(text: str) -> int:
    """First 64 bits of the SHA-256 of a text."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def rng(root_seed: int, stage: str, item_id: str) -> np.random.Generator:
    """Generator of one item: root seed, stage and item decide it, nothing else."""
    return np.random.default_rng(_entropy(root_seed, stage, item_id))


def torch_seed(root_seed: int, stage: str, item_id: str) -> int:
    """Seed for ``torch.manual_seed``, 63 bits, from the same three values as `rng`."""
    words = np.random.SeedSequence(_entropy(root_seed, stage, item_id)).generate_state(1, np.uint64)
    return int(words[0]) >> 1


def _entropy(root_seed: int, stage: str, item_id: str) -> list[int]:
    return [root_seed, digest64(stage), digest64(item_id)]
