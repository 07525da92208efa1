"""Published cells by name.

``nasnet_a``: Zoph, Vasudevan, Shlens and Le (2018), figure 4. ``amoebanet_a``: Real, Aggarwal,
Huang and Le, "Regularized Evolution for Image Classifier Architecture Search" (2019), figure 6.
Both as the authors' released TensorFlow code builds them, which settles what the papers leave
open: the output also has h_{i-1} in the normal cells, and in the reduction cells states that
blocks read. With them the networks have the sizes that the papers report (tests/nas/models).

DARTS' repository lists both cells with other concatenations, and AmoebaNet-A with one max pooling
on the other input; a network built from that listing is another one.

Those of `transcribed` are as other repositories list them.
"""

from __future__ import annotations

from tasks.core.errors import DataError
from tasks.nas.space.darts import from_darts
from tasks.nas.space.transcribed import IN_DARTS_NOTATION
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
"""What searches and transfers are compared with, and marked by in plots."""
ALL_PUBLISHED = PUBLISHED | {
    name: from_darts(text, name) for name, text in IN_DARTS_NOTATION.items()
}
"""All that can be named."""
_ALSO = {
    "nasnet": "nasnet_a",
    "amoebanet": "amoebanet_a",
    "pnasnet": "pnasnet_5",
    "pnasnet5": "pnasnet_5",
    "darts": "darts_v2",  # so in DARTS' own repository and in AutoDL-Projects, in the end
    "pcdarts": "pc_darts_cifar",  # so in PC-DARTS' own
    "p_darts": "pdarts",
}


def published(name: str) -> Genotype:
    """The published genotype of a name.

    Raises:
        DataError: There is none of that name.
    """
    if not (plain := published_name(name)):
        raise DataError(
            f"no published genotype {name!r}; expected one of {', '.join(ALL_PUBLISHED)}"
        )
    return ALL_PUBLISHED[plain]


def published_name(name: str) -> str:
    """What a name stands for, empty if for nothing.

    Capitals and hyphens don't matter, and some cells have two names.
    """
    plain = name.lower().replace("-", "_")
    plain = _ALSO.get(plain, plain)
    return plain if plain in ALL_PUBLISHED else ""
