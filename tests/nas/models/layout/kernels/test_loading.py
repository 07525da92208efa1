"""All kernels are there before the first of them is called."""

from __future__ import annotations

import subprocess
import sys

PROBE = """
import torch
from tasks.nas.models.layout.kernels import norms, products, windows
from tasks.nas.models.layout.kernels.loading import KERNELS, load_kernels
from tasks.nas.models.sizes import NetworkSize
from tasks.nas.space.published import published
from tasks.nas.training.networks import build, lay_out

load_kernels()
assert [len(each.signatures) for each in KERNELS] == [1] * len(KERNELS)
size = NetworkSize(1, 4, num_classes=3, image_px=8)
network = lay_out(build(published("amoebanet_a"), size), "cpu")
network.train()
network(torch.randn(16, 3, 8, 8)).sum().backward()
network.eval()
with torch.inference_mode():
    network(torch.randn(20, 3, 8, 8))
assert [len(each.signatures) for each in KERNELS] == [1] * len(KERNELS), "nothing is compiled later"
modules = (norms, products, windows)
made = {each for m in modules for each in vars(m).values() if hasattr(each, "signatures")}
outside = {each for each in made if "inline" not in each.targetoptions}
assert outside == {*KERNELS}, "no kernel is forgotten"
"""


def test_nothing_is_compiled_once_kernels_are_loaded() -> None:
    subprocess.run([sys.executable, "-c", PROBE], check=True)
