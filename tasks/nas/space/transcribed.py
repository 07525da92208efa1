"""Cells that were published in DARTS' notation, by name, as their authors' repositories list them.

``darts_v1``, ``darts_v2``: Liu, Simonyan and Yang, "DARTS: Differentiable Architecture Search"
(2019), of first and second order; github.com/quark0/darts, cnn/genotypes.py, which has the first,
and with both names the two repositories that follow.
``pc_darts_cifar``, ``pc_darts_image``: Xu et al., "PC-DARTS: Partial Channel Connections for
Memory-Efficient Architecture Search" (2020); github.com/yuhuixu1993/PC-DARTS, genotypes.py.
``pdarts``: Chen et al., "Progressive Differentiable Architecture Search" (2019);
github.com/chenxin061/pdarts, genotypes.py.
``gdas_v1``, ``gdas_fg``: Dong and Yang, "Searching for a Robust Neural Architecture in Four GPU
Hours" (2019); ``setn``: the same, "One-Shot Neural Architecture Search via Self-Evaluated Template
Network" (2019); github.com/D-X-Y/AutoDL-Projects, lib/nas_infer_model/DXYs/genotypes.py and, for
``gdas_fg``, lib/nas/genotypes.py of 2019. GDAS_F1 and GDAS_GF there have a reduction made by hand,
which is no cell of this space; ``gdas_fg`` is the normal cell of the one with the reduction of V1.
``pnasnet_5``: Liu et al., "Progressive Neural Architecture Search" (2018); the authors' TensorFlow
code (slim/nets/nasnet/pnasnet.py), whose reduction is the same cell with strides, and
AutoDL-Projects' listing agree.

Written as the repositories write them, but for line breaks: they are compared by eye.
"""

from __future__ import annotations

IN_DARTS_NOTATION = {
    "darts_v1": """Genotype(
        normal=[('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('skip_connect', 0), ('sep_conv_3x3', 1),
                ('skip_connect', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('skip_connect', 2)],
        normal_concat=range(2, 6),
        reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 0),
                ('max_pool_3x3', 0), ('skip_connect', 2), ('skip_connect', 2), ('avg_pool_3x3', 0)],
        reduce_concat=range(2, 6))""",
    "darts_v2": """Genotype(
        normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('sep_conv_3x3', 1),
                ('sep_conv_3x3', 1), ('skip_connect', 0), ('skip_connect', 0), ('dil_conv_3x3', 2)],
        normal_concat=range(2, 6),
        reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 1),
                ('max_pool_3x3', 0), ('skip_connect', 2), ('skip_connect', 2), ('max_pool_3x3', 1)],
        reduce_concat=range(2, 6))""",
    "pc_darts_cifar": """Genotype(
        normal=[('sep_conv_3x3', 1), ('skip_connect', 0), ('sep_conv_3x3', 0), ('dil_conv_3x3', 1),
                ('sep_conv_5x5', 0), ('sep_conv_3x3', 1), ('avg_pool_3x3', 0), ('dil_conv_3x3', 1)],
        normal_concat=range(2, 6),
        reduce=[('sep_conv_5x5', 1), ('max_pool_3x3', 0), ('sep_conv_5x5', 1), ('sep_conv_5x5', 2),
                ('sep_conv_3x3', 0), ('sep_conv_3x3', 3), ('sep_conv_3x3', 1), ('sep_conv_3x3', 2)],
        reduce_concat=range(2, 6))""",
    "pc_darts_image": """Genotype(
        normal=[('skip_connect', 1), ('sep_conv_3x3', 0), ('sep_conv_3x3', 0), ('skip_connect', 1),
                ('sep_conv_3x3', 1), ('sep_conv_3x3', 3), ('sep_conv_3x3', 1), ('dil_conv_5x5', 4)],
        normal_concat=range(2, 6),
        reduce=[('sep_conv_3x3', 0), ('skip_connect', 1), ('dil_conv_5x5', 2), ('max_pool_3x3', 1),
                ('sep_conv_3x3', 2), ('sep_conv_3x3', 1), ('sep_conv_5x5', 0), ('sep_conv_3x3', 3)],
        reduce_concat=range(2, 6))""",
    "pdarts": """Genotype(
        normal=[('skip_connect', 0), ('dil_conv_3x3', 1), ('skip_connect', 0), ('sep_conv_3x3', 1),
                ('sep_conv_3x3', 1), ('sep_conv_3x3', 3), ('sep_conv_3x3', 0), ('dil_conv_5x5', 4)],
        normal_concat=range(2, 6),
        reduce=[('avg_pool_3x3', 0), ('sep_conv_5x5', 1), ('sep_conv_3x3', 0), ('dil_conv_5x5', 2),
                ('max_pool_3x3', 0), ('dil_conv_3x3', 1), ('dil_conv_3x3', 1), ('dil_conv_5x5', 3)],
        reduce_concat=range(2, 6))""",
    "gdas_v1": """Genotype(
        normal=[
        (('skip_connect', 0), ('skip_connect', 1)), (('skip_connect', 0), ('sep_conv_5x5', 2)),
        (('sep_conv_3x3', 3), ('skip_connect', 0)), (('sep_conv_5x5', 4), ('sep_conv_3x3', 3))],
        normal_concat=[2, 3, 4, 5],
        reduce=[
        (('sep_conv_5x5', 0), ('sep_conv_3x3', 1)), (('sep_conv_5x5', 2), ('sep_conv_5x5', 1)),
        (('dil_conv_5x5', 2), ('sep_conv_3x3', 1)), (('sep_conv_5x5', 0), ('sep_conv_5x5', 1))],
        reduce_concat=[2, 3, 4, 5])""",
    "gdas_fg": """Genotype(
        normal=[('skip_connect', 0), ('skip_connect', 1), ('skip_connect', 0), ('sep_conv_3x3', 2),
                ('skip_connect', 0), ('sep_conv_3x3', 2), ('skip_connect', 0), ('sep_conv_3x3', 2)],
        normal_concat=range(2, 6),
        reduce=[('sep_conv_5x5', 0), ('sep_conv_3x3', 1), ('sep_conv_5x5', 2), ('sep_conv_5x5', 1),
                ('dil_conv_5x5', 2), ('sep_conv_3x3', 1), ('sep_conv_5x5', 0), ('sep_conv_5x5', 1)],
        reduce_concat=range(2, 6))""",
    "setn": """Genotype(
        normal=[
        (('skip_connect', 0), ('sep_conv_5x5', 1)), (('sep_conv_5x5', 0), ('sep_conv_3x3', 1)),
        (('sep_conv_5x5', 1), ('sep_conv_5x5', 3)), (('max_pool_3x3', 1), ('conv_3x1_1x3', 4))],
        normal_concat=[2, 3, 4, 5],
        reduce=[
        (('sep_conv_3x3', 0), ('sep_conv_5x5', 1)), (('avg_pool_3x3', 0), ('sep_conv_5x5', 1)),
        (('avg_pool_3x3', 0), ('sep_conv_5x5', 1)), (('avg_pool_3x3', 0), ('skip_connect', 1))],
        reduce_concat=[2, 3, 4, 5])""",
    "pnasnet_5": """Genotype(
        normal=[
        (('sep_conv_5x5', 0), ('max_pool_3x3', 0)), (('sep_conv_7x7', 1), ('max_pool_3x3', 1)),
        (('sep_conv_5x5', 1), ('sep_conv_3x3', 1)), (('sep_conv_3x3', 4), ('max_pool_3x3', 1)),
        (('sep_conv_3x3', 0), ('skip_connect', 1))],
        normal_concat=[2, 3, 4, 5, 6],
        reduce=[
        (('sep_conv_5x5', 0), ('max_pool_3x3', 0)), (('sep_conv_7x7', 1), ('max_pool_3x3', 1)),
        (('sep_conv_5x5', 1), ('sep_conv_3x3', 1)), (('sep_conv_3x3', 4), ('max_pool_3x3', 1)),
        (('sep_conv_3x3', 0), ('skip_connect', 1))],
        reduce_concat=[2, 3, 4, 5, 6])""",
}
