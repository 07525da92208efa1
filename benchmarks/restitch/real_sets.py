"""Restitches sets of real photos as their owners would: folders without a rig.

- ``real_sets_better``: published as repaired, with lower held-out misalignment and higher overlap
  SSIM than unrepaired; ``real_sets_kept``: published unrepaired, with a reason;
  ``real_sets_total``: all.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.restitch.pipeline import measure
from benchmarks.results_file import Figure
from tasks.panorama.manifests import PublishedCapture

_QUICK = ("dfw_roof", "rew_tower", "memorial_hall")


def folders(data: Path, *, quick: bool) -> list[Path]:
    """Folders of the sets; none, said, where there are no data."""
    if not data.is_dir():
        print(f"real photos left out: {data} does not exist (ORRERY_TEST_DATA)")
        return []
    kinds = ("rings", "strips", "pairs")
    found = [path for kind in kinds for path in sorted((data / kind).iterdir())]
    return [path for path in found if path.name in _QUICK] if quick else found


def measure_sets(sets: Sequence[Path], keep_in: Path) -> dict[str, Figure]:
    """Restitch sets; each one's outcome is printed.

    Args:
        sets: Folders of photos.
        keep_in: Folder for the contact sheet of all.
    """
    with tempfile.TemporaryDirectory(prefix="orrery-bench-") as scratch:
        captures, store = Path(scratch) / "captures", Path(scratch) / "store"
        captures.mkdir()
        store.mkdir()
        for path in sets:
            shutil.copytree(path, captures / path.name)  # folders that are links aren't followed
        found = measure(captures, store, 0).publication
        for capture in found.captures:
            print(_outcome(capture))
        for skipped in found.skipped:
            print(f"{skipped.item_id}: SKIPPED: {skipped.reason}")
        if found.contact_sheet is not None:
            keep_in.mkdir(parents=True, exist_ok=True)
            kept = shutil.copyfile(
                store / found.contact_sheet.uri, keep_in / "real_contact_sheet.jpg"
            )
            print(f"contact sheet: {kept}")
    better = sum(_is_better(capture) for capture in found.captures)
    kept_count = sum(not capture.is_repaired for capture in found.captures)
    counts = {"better": better, "kept": kept_count, "total": len(sets)}
    return {
        f"real_sets_{key}": Figure(value=float(count), unit="", interval=None)
        for key, count in counts.items()
    }


def _is_better(capture: PublishedCapture) -> bool:
    before, after = capture.before, capture.after
    return (
        capture.is_repaired
        and after["held_out_mean_px"] < before["held_out_mean_px"]
        and after["overlap_ssim"] > before["overlap_ssim"]
    )


def _outcome(capture: PublishedCapture) -> str:
    def change(key: str) -> str:
        missing = float("nan")
        return f"{capture.before.get(key, missing):.3f} -> {capture.after.get(key, missing):.3f}"

    figures = f"held out {change('held_out_mean_px')} px, SSIM {change('overlap_ssim')}"
    return f"{capture.item_id}: {capture.published}: {figures} {'; '.join(capture.reasons)}"
