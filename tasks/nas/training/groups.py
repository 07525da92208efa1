"""What the networks of a run are called: the groups that they are compared within, and the winner.

`search_cells` trains the best cells of its searches beside random ones, then the winner beside
known networks; `transfer_cells` trains on the larger images from weights that are drawn and from
those that CIFAR gave.
"""

from __future__ import annotations

from typing import Final

TOP: Final = "top"
RANDOM: Final = "random"
FINAL: Final = "final"
WINNER: Final = "found cell"  # name of the winner among the final networks

SCRATCH: Final = "scratch"
FROM_CIFAR: Final = "from_cifar"
CIFAR: Final = "cifar"  # trained for its weights alone

BASELINES: Final = ("resnet", "mobilenet_v2")  # hand-made networks that cells are compared with
