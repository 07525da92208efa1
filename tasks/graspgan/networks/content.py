"""What must stay as it was where pictures are adapted: the content losses.

K. Bousmalis et al. (arXiv 1709.07857), section IV-A.

Legend: n samples, c channels, s side, k classes.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


def pairwise_error(made: Tensor, given: Tensor, mask: Tensor) -> Tensor:
    """Masked pairwise mean squared error: differences between positions shall stay, () .

    K. Bousmalis, N. Silberman, D. Dohan, D. Erhan, D. Krishnan, "Unsupervised Pixel-Level Domain
    Adaptation with Generative Adversarial Networks", CVPR 2017, equation 6 (D. Eigen, C. Puhrsch,
    R. Fergus, 2014): a picture may become brighter as a whole, but not brighter here and darker
    there.

    Args:
        made: (n, c, s, s).
        given: The same before.
        mask: Where it counts, of 1, (n, 1, s, s).
    """
    num = mask.flatten(1).sum(dim=1).clamp_min(1) * made.shape[1]
    apart = ((made - given) * mask).flatten(1)
    squares = apart.square().sum(dim=1) / num
    means = apart.sum(dim=1) / num
    return (squares - means.square()).mean()


def map_loss(logits: Tensor, classes: Tensor) -> Tensor:
    """Cross entropy of a predicted semantic map, ().

    Args:
        logits: (n, k, s, s).
        classes: (n, s, s), int64.
    """
    return nn.functional.cross_entropy(logits, classes)


def activation_error(made: Tensor, given: Tensor) -> Tensor:
    """Mean squared distance between features of C of adapted and of raw pictures, ().

    Args:
        made: (n, f).
        given: (n, f); no gradient goes through it.
    """
    return torch.nn.functional.mse_loss(made, given.detach())
