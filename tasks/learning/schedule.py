"""How learning rates go: a linear warm-up, then a cosine to zero.

I. Loshchilov, F. Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", ICLR 2017,
equation 5, without restarts.
"""

from __future__ import annotations

import math


def warmup_cosine(done: float, warmup: float, total: float = 1.0) -> float:
    """Learning rate at a moment of training, of its peak.

    Args:
        done: How far the training is, 0 to ``total``.
        warmup: Where the peak is reached, in the same unit.
        total: Where the rate has come to zero.
    """
    if done <= warmup:
        return done / warmup if warmup else 1.0
    return (1 + math.cos(math.pi * (done - warmup) / (total - warmup))) / 2
