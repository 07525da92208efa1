from __future__ import annotations

import numpy as np
import pytest

from tasks.panorama.metrics.seam_places import (
    UNCOVERED,
    borders,
    interpolate,
    nearest,
    seam_normals,
    wrapped,
)

HEIGHT, WIDTH, MARGIN = 40, 80, 24


def _labels() -> np.ndarray:
    """Image 1 right of column 30, image 2 in the lower half left of it, nothing in a corner."""
    labels = np.zeros((HEIGHT, WIDTH), np.int64)
    labels[:, 30:] = 1
    labels[20:, :30] = 2
    labels[:5, :5] = UNCOVERED
    return labels


def test_each_border_is_found_once_between_its_pixels():
    found = borders(wrapped(_labels(), MARGIN), MARGIN)

    assert list(found) == [(0, 1), (0, 2), (1, 2)]
    assert len(found[0, 2]) == 30
    assert (found[0, 2][:, 1] == 19.5).all()
    # At column 30, and where the panorama closes on itself; there the corner shows nothing.
    assert sorted(set(found[0, 1][:, 0] - MARGIN)) == [-0.5, 29.5]
    assert len(found[0, 1]) == 20 + 15


def test_normals_lead_from_the_first_image_to_the_second():
    labels = wrapped(_labels(), MARGIN)
    places = borders(labels, MARGIN)[0, 2]
    middle = places[10:20]

    normals, known = seam_normals(labels, (0, 2), middle)

    assert known.all()
    np.testing.assert_allclose(normals, [[0.0, 1.0]] * 10, atol=0.05)


def test_reading_beside_pixels_and_beyond_the_border():
    image = np.arange(12, dtype=np.float32).reshape(3, 4)
    points = np.array([[0.5, 0.5], [2.6, 1.0], [9.0, -3.0]])

    assert interpolate(image, points) == pytest.approx([2.5, 6.6, 3.0])
    assert nearest(image, points).tolist() == [0.0, 7.0, 3.0]
