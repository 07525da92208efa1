"""ScheduledDropPath: whole paths of a cell are left out, more in deeper cells and later on.

Zoph et al. (2018), section 4 and appendix A.4: dropping paths helps only if the probability grows
linearly over training. As in the authors' code it also grows with the depth of the cell.
"""

from __future__ import annotations

from torch import Tensor, nn


class DropPath(nn.Module):
    """Leaves out a path for single examples; what stays is scaled up to keep the mean.

    Attributes:
        depth: Depth of the cell within the network, in (0, 1].
        rate: Probability at this moment.
    """

    def __init__(self, depth: float) -> None:
        super().__init__()
        self.depth = depth
        self.rate = 0.0

    def schedule(self, rate: float, progress: float) -> None:
        """Set the probability for a moment of training.

        Args:
            rate: Probability in the deepest cell at the end.
            progress: Share of training that is over, 0 to 1.
        """
        self.rate = rate * self.depth * progress

    def forward(self, path: Tensor) -> Tensor:
        """Drop a path (n, c, h, w) for some of the n examples, in training only."""
        mask = self.draw_mask(path, path.shape[0])  # len() would fix the size of exports
        return path if mask is None else path * mask.view(-1, 1, 1, 1)

    def draw_mask(self, path: Tensor, num_examples: int) -> Tensor | None:
        """Draw which examples stay.

        Args:
            path: Gives type and device.
            num_examples: n.

        Returns:
            (n,), zero or the factor that keeps the mean; None if nothing is dropped.
        """
        if not self.training or self.rate == 0.0:
            return None
        keep = 1.0 - self.rate
        return path.new_empty(num_examples).bernoulli_(keep) / keep
