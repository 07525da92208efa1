"""What is spent on a child, by proxy: rungs of growing cost.

Each rung costs about three times the one before. A short training with an annealed schedule of
its own ranks cells; the first epochs of a longer one don't.
"""

from __future__ import annotations

from tasks.nas.manifests import Rung

NUM_VALIDATION = 5000


def _rung(
    image_px: int, num_filters: int, num_images: int, num_epochs: int, num_cells: int = 1
) -> Rung:
    return Rung(
        image_px=image_px,
        num_filters=num_filters,
        num_cells=num_cells,
        num_images=num_images,
        num_validation=NUM_VALIDATION,
        num_epochs=num_epochs,
    )


# The last rung of the proxy "32px" is the protocol of Zoph et al. (2018), appendix A.1: N = 2,
# F = 32, 45,000 images, 20 epochs.
PROXIES: dict[str, tuple[Rung, ...]] = {
    "tiny": (_rung(8, 2, 256, 1), _rung(8, 2, 512, 1), _rung(8, 2, 1024, 1)),
    "8px": (_rung(8, 8, 3000, 3), _rung(8, 8, 9000, 3), _rung(8, 8, 27_000, 3)),
    "16px": (_rung(16, 8, 5000, 3), _rung(16, 8, 15_000, 3), _rung(16, 8, 45_000, 3)),
    "32px": (
        _rung(32, 16, 15_000, 3, 2),
        _rung(32, 16, 45_000, 6, 2),
        _rung(32, 32, 45_000, 20, 2),
    ),
}
