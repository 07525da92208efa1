"""Published cells by name.

``nasnet_a``: Zoph, Vasudevan, Shlens and Le (2018), figure 4. ``amoebanet_a``: Real, Aggarwal,
Huang and Le, "Regularized Evolution for Image Classifier Architecture Search" (2019), figure 6.
Both as the authors' released TensorFlow code builds them, which settles what the papers leave
open: the output also has h_{i-1} in the normal cells, and in the reduction cells states that
blocks read. With them the networks have the sizes that the papers report (tests/nas/models).

DARTS' repository lists both cells with other concatenations, and AmoebaNet-A with one max pooling
on the other input; a network built from that listing is another one.
"""

from __future__ import annotations

from tasks.core.errors import DataError
from tasks.nas.types import Block, Cell, Edge, Genotype
from tasks.nas.types import Operation as Op

_NASNET_A = Genotype(
    normal=Cell(
        (
            Block(Edge(1, Op.SEP_CONV_5X5), Edge(0, Op.SEP_CONV_3X3)),
            Block(Edge(0, Op.SEP_CONV_5X5), Edge(0, Op.SEP_CONV_3X3)),
            Block(Edge(1, Op.AVG_POOL_3X3), Edge(0, Op.IDENTITY)),
            Block(Edge(0, Op.AVG_POOL_3X3), Edge(0, Op.AVG_POOL_3X3)),
            Block(Edge(1, Op.SEP_CONV_3X3), Edge(1, Op.IDENTITY)),
        ),
        concat=(0, 2, 3, 4, 5, 6),
    ),
    reduce=Cell(
        (
            Block(Edge(1, Op.SEP_CONV_5X5), Edge(0, Op.SEP_CONV_7X7)),
            Block(Edge(1, Op.MAX_POOL_3X3), Edge(0, Op.SEP_CONV_7X7)),
            Block(Edge(1, Op.AVG_POOL_3X3), Edge(0, Op.SEP_CONV_5X5)),
            Block(Edge(3, Op.IDENTITY), Edge(2, Op.AVG_POOL_3X3)),
            Block(Edge(2, Op.SEP_CONV_3X3), Edge(1, Op.MAX_POOL_3X3)),
        ),
        concat=(3, 4, 5, 6),
    ),
)
_AMOEBANET_A = Genotype(
    normal=Cell(
        (
            Block(Edge(1, Op.AVG_POOL_3X3), Edge(1, Op.MAX_POOL_3X3)),
            Block(Edge(0, Op.SEP_CONV_3X3), Edge(0, Op.IDENTITY)),
            Block(Edge(1, Op.IDENTITY), Edge(0, Op.AVG_POOL_3X3)),
            Block(Edge(1, Op.SEP_CONV_3X3), Edge(2, Op.SEP_CONV_5X5)),
            Block(Edge(5, Op.AVG_POOL_3X3), Edge(1, Op.SEP_CONV_3X3)),
        ),
        concat=(0, 3, 4, 6),
    ),
    reduce=Cell(
        (
            Block(Edge(0, Op.SEP_CONV_3X3), Edge(1, Op.AVG_POOL_3X3)),
            Block(Edge(1, Op.MAX_POOL_3X3), Edge(2, Op.SEP_CONV_7X7)),
            Block(Edge(0, Op.MAX_POOL_3X3), Edge(1, Op.MAX_POOL_3X3)),
            Block(Edge(4, Op.SEP_CONV_3X3), Edge(1, Op.CONV_1X7_7X1)),
            Block(Edge(0, Op.AVG_POOL_3X3), Edge(1, Op.SEP_CONV_7X7)),
        ),
        concat=(2, 3, 4, 5, 6),
    ),
)
PUBLISHED = {"nasnet_a": _NASNET_A, "amoebanet_a": _AMOEBANET_A}


def published(name: str) -> Genotype:
    """The published genotype of a name.

    Raises:
        DataError: There is none of that name.
    """
    if name not in PUBLISHED:
        raise DataError(f"no published genotype {name!r}; expected one of {', '.join(PUBLISHED)}")
    return PUBLISHED[name]
