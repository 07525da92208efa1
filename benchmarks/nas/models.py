"""The size of NASNet-A (6 @ 4032) against what its paper states.

``nasnet_a_params_error`` and ``nasnet_a_mult_adds_error``: ours over the paper's, less 1. Zoph et
al., "Learning Transferable Architectures for Scalable Image Recognition", CVPR 2018, table 2: 88.9
million weights, 23.8 billion multiply-adds at 331 x 331.
"""

from __future__ import annotations

from benchmarks.results_file import Figure
from tasks.nas.models.cost import cost_of
from tasks.nas.models.network import CellNetwork
from tasks.nas.models.sizes import NASNET_LARGE
from tasks.nas.space.published import published

PAPER_PARAMS, PAPER_MULT_ADDS = 88.9e6, 23.8e9


def figures() -> dict[str, Figure]:
    """Measure the network on torch's meta device."""
    genotype = published("nasnet_a")
    cost = cost_of(lambda: CellNetwork(genotype, NASNET_LARGE), NASNET_LARGE.image_px)
    return {
        "nasnet_a_params": Figure(value=cost.num_params / 1e6, unit="M", interval=None),
        "nasnet_a_mult_adds": Figure(value=cost.mult_adds / 1e9, unit="G", interval=None),
        "nasnet_a_params_error": _error(cost.num_params / PAPER_PARAMS),
        "nasnet_a_mult_adds_error": _error(cost.mult_adds / PAPER_MULT_ADDS),
    }


def _error(ratio: float) -> Figure:
    return Figure(value=ratio - 1, unit="", interval=None)
