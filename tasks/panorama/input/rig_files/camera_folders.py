"""A folder for each camera, as COLMAP lays rigs out, and the frames that lie in them.

The photos of one frame, which the rig took at one moment, have one name in all folders:
``cam0/0001.jpg``, ``cam1/0001.jpg``. Each frame becomes a panorama.

Source: COLMAP documentation, "Rig Support".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath


def camera_folders(views: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Folder of each camera; empty if not each camera has one, and one of its own.

    Args:
        views: Id of a camera and name of a photo of it, its path without ending.
    """
    folders: dict[str, str] = {}
    for camera, name in views:
        folder = PurePosixPath(name).parent.as_posix()
        if folders.setdefault(camera, folder) != folder:
            return {}
    places = set(folders.values())
    return folders if len(places) == len(folders) >= 2 and "." not in places else {}


def frames_in(views: Sequence[tuple[str, str]], photos: Sequence[str]) -> tuple[str, ...]:
    """Names of the frames that photos are of.

    Args:
        views: Id and photo's name of each camera of the rig, or of each of its frames.
        photos: Names of the photos that there are.

    Returns:
        The names, sorted; empty where the photos are one capture.
    """
    named = {name for _, name in views}
    places = [PurePosixPath(name) for name in photos]
    if len(views) > 1 and len(named) == 1:
        # Both circles of a 360 camera in one picture: each picture is a frame.
        folder = PurePosixPath(views[0][1]).parent
        frames = sorted(place.name for place in places if place.parent == folder)
    else:
        folders = {PurePosixPath(folder) for folder in camera_folders(views).values()}
        times = Counter(place.name for place in places if place.parent in folders)
        frames = sorted(times) if max(times.values(), default=0) > 1 else []
    return () if len(frames) == 1 and named <= set(photos) else tuple(frames)
