from __future__ import annotations

import numpy as np

from tasks.report.sheet import contact_sheet, thumbnail


def test_thumbnail_keeps_the_shape():
    assert thumbnail(np.zeros((300, 400, 3), np.uint8), 100).shape == (75, 100, 3)
    assert thumbnail(np.zeros((30, 40, 3), np.uint8), 100).shape == (30, 40, 3)


def test_every_photo_is_on_the_sheet():
    colours = [40 * (i + 1) for i in range(5)]
    images = [np.full((50 + i, 60, 3), colour, np.uint8) for i, colour in enumerate(colours)]
    sheet = contact_sheet(images, [f"photo {i}" for i in range(5)])
    for image, colour in zip(images, colours, strict=True):
        assert (sheet == colour).all(axis=2).sum() >= image.shape[0] * image.shape[1]
    assert (sheet == 220).any()
