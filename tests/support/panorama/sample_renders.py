"""A stage that stands in for `render`: small pictures, made-up figures."""

from __future__ import annotations

import cv2
import numpy as np
from pydantic.dataclasses import dataclass

from tasks.core.config import SETTINGS, config_json, setting
from tasks.core.ports import ItemFolder, Skipped, StageContext
from tasks.core.records import ArtifactRef, FileRef, Record
from tasks.core.stages import StageSpec, stage
from tasks.panorama.manifests import RenderRecord, RenderSet
from tasks.panorama.photo_records import Origin, Position
from tasks.panorama.views import Direction, SphereView


@dataclass(frozen=True, config=SETTINGS)
class SampleRenderConfig:
    """What is made up."""

    repaired: tuple[str, ...] = setting((), help="Ids of captures that are repaired.")
    kept: tuple[str, ...] = setting((), help="Ids of captures that are kept.")
    skipped: tuple[str, ...] = setting((), help="Ids of captures that are skipped.")
    suspect: tuple[str, ...] = setting((), help="Ids of captures that are suspect.")
    grey: int = setting(120, ge=0, le=255, help="What the panoramas show.")


class SampleCapture(Record):
    """One capture to make up."""

    schema_id = "sample.capture/1"

    item_id: str
    is_repaired: bool


@stage(StageSpec(name="sample.render", section="sample"))
def render_samples(config: SampleRenderConfig, ctx: StageContext) -> ArtifactRef:
    """Make captures up."""
    items = [SampleCapture(item_id=name, is_repaired=True) for name in config.repaired]
    items += [SampleCapture(item_id=name, is_repaired=False) for name in config.kept]
    made = [c for c in ctx.items.map(render_sample, items, config) if isinstance(c, RenderRecord)]
    skipped = tuple(Skipped(item_id=name, reason="no <photos>") for name in config.skipped)
    settings = {"sample": config_json(config)}
    return ctx.store.write(RenderSet(captures=tuple(made), skipped=skipped, settings=settings))


def render_sample(
    item: SampleCapture, config: SampleRenderConfig, folder: ItemFolder
) -> RenderRecord:
    """Make one capture up."""
    published = "warped" if item.is_repaired else "unrepaired"
    return RenderRecord(
        item_id=item.item_id,
        verdict="suspect" if item.item_id in config.suspect else "good",
        doubts=("photo <a>: it is black",) if item.item_id in config.suspect else (),
        overlaps=(),
        published=published,
        is_repaired=item.is_repaired,
        reasons=() if item.is_repaired else ("warped: worst seam 2.00, unrepaired 1.50",),
        warnings=(),
        figures={
            "unrepaired": {"held_out_mean_px": 4.0, "overlap_ssim": 0.8},
            "warped": {"held_out_mean_px": 0.5, "overlap_ssim": 0.9},
        },
        published_figures={"seam_step": 1.1},
        width_px=1024,
        panorama=_picture(folder, "panorama.jpg", (300, 1600), config.grey),
        before=_picture(folder, "before.jpg", (150, 800)),
        before_after=_picture(folder, "before_after.jpg", (200, 400)),
        crops=tuple(_picture(folder, f"crop_{k}.jpg", (60, 160)) for k in range(3)),
        quality=_text(folder, "quality.json", "{}\n"),
        flow=None,
        view=SphereView(
            seams=_drawing(folder, "seams.png"),
            warp=_text(folder, "warp.json", "[[100, 50, 4, -2]]") if item.is_repaired else None,
            long_shift_px=2.5,
            arrow_factor=8,
            photos=(Direction(title="<front>", yaw_deg=-20.0, pitch_deg=0.0),),
            worst=tuple(
                Direction(title="front and left", yaw_deg=45.0 * k, pitch_deg=10.0)
                for k in range(3)
            ),
        ),
        origin=Origin(
            digest="0" * 64,
            rig="photos-0123456789ab",
            time=None,
            position=Position(latitude_deg=50.0, longitude_deg=8.0 + 0.001 * len(item.item_id)),
        ),
    )


def _picture(folder: ItemFolder, name: str, size: tuple[int, int], grey: int = 120) -> FileRef:
    cv2.imwrite(str(folder.path / name), np.full((*size, 3), grey, np.uint8))
    return folder.add(name)


def _drawing(folder: ItemFolder, name: str) -> FileRef:
    drawing = np.zeros((64, 128, 4), np.uint8)
    drawing[:, 60:64] = 255
    return folder.add_picture(name, cv2.imencode(".png", drawing)[1].tobytes())


def _text(folder: ItemFolder, name: str, text: str) -> FileRef:
    (folder.path / name).write_text(text, encoding="utf-8")
    return folder.add(name)
