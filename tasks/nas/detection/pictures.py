"""Pictures of detections: what is there, and what a detector says of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from tasks.nas.detection.types import AnnotatedImages, Detections
from tasks.report.plots import COLOURS, png

_COLUMNS: Final = 4
_TILE_IN: Final = 2.6
_DPI: Final = 110
_LEAST_SCORE: Final = 0.4  # of the detections that are drawn
_MOST_DRAWN: Final = 12


def detection_sheet(
    images: AnnotatedImages, detections: Sequence[Detections], num_images: int, title: str
) -> bytes:
    """Draw the first images, truth in dashed white, detections in the colour of their class.

    Args:
        images: Images with their objects.
        detections: One for each image.
        num_images: Images that are drawn, at most.
        title: Stands above.

    Returns:
        A PNG file.
    """
    num = min(num_images, len(images))
    rows = -(-num // _COLUMNS)
    columns = min(num, _COLUMNS)
    size = (_TILE_IN * columns, _TILE_IN * rows + 0.6)
    figure = Figure(figsize=size, dpi=_DPI, layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False)
    for axes in panels.flat:
        axes.set_axis_off()
    for index, axes in zip(range(num), panels.flat, strict=False):
        axes.imshow(images.images[index], interpolation="nearest")
        _draw_truth(axes, images, index)
        _draw_detections(axes, images, detections[index])
    figure.suptitle(
        f"{title}: truth dashed white; detections above {_LEAST_SCORE} with class and score",
        fontsize=10,
    )
    return png(figure)


def _draw_truth(axes: Axes, images: AnnotatedImages, index: int) -> None:
    for x0, y0, x1, y1 in images.objects(index).boxes.tolist():
        for colour, width, style in (("black", 2.2, "-"), ("white", 1.4, (0, (3, 2)))):
            axes.add_patch(
                Rectangle(
                    (x0 - 0.5, y0 - 0.5),
                    x1 - x0,
                    y1 - y0,
                    fill=False,
                    edgecolor=colour,
                    linewidth=width,
                    linestyle=style,
                )
            )


def _draw_detections(axes: Axes, images: AnnotatedImages, found: Detections) -> None:
    kept = [k for k, score in enumerate(found.scores) if score >= _LEAST_SCORE][:_MOST_DRAWN]
    for k in kept:
        x0, y0, x1, y1 = found.boxes[k].tolist()
        label = int(found.labels[k])
        colour = COLOURS[label % len(COLOURS)]
        place, size = (x0 - 0.5, y0 - 0.5), (x1 - x0, y1 - y0)
        axes.add_patch(Rectangle(place, *size, fill=False, edgecolor=colour, linewidth=1.8))
        above = y0 > 0.08 * images.side_px
        axes.text(
            x0,
            y0 if above else y1,
            f"{images.classes[label]} {found.scores[k]:.2f}",
            fontsize=7,
            color="white",
            va="bottom" if above else "top",
            bbox={"facecolor": colour, "edgecolor": "none", "pad": 0.8},
            clip_on=True,
        )
