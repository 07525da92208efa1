"""What an object's files name in turn: meshes, materials and pictures, all inside one folder.

The simulators open whatever is named, wherever it lies, and decode it; so it is looked at first.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tasks.core.errors import DataError
from tasks.core.files import read_bytes, shown
from tasks.intake.images import read_image_bytes

MAX_FILE_BYTES = 50_000_000
"""Size above which a mesh, or another part of a model, is refused."""
_MAX_MEGAPIXELS = 20


def named_file(name: str, by: Path, root: Path, what: str) -> Path:
    """The file that another one names.

    Args:
        name: What it says, relative to itself.
        by: The file that names it.
        root: Folder that all of a model's files lie in.
        what: What it should be, for messages, e.g. ``mesh``.

    Raises:
        DataError: It isn't there, or lies outside.
    """
    path = by.parent / name
    try:
        is_there = bool(name) and "://" not in name and path.is_file()
        is_inside = path.resolve().is_relative_to(root.resolve())
    except (OSError, ValueError, RuntimeError):  # a name that no file can have
        is_there = is_inside = False
    if is_there and not is_inside:
        raise DataError(
            f"{by}: the {what} file {name[:200]!r} lies outside of {root}; put it there, and name "
            "it relative to this file"
        )
    if not is_there:
        raise DataError(
            f"{by}: there is no {what} file {shown(name)[:200]!r} beside it; name it relative to "
            "the URDF file"
        )
    return path


def check_materials(mesh: Path, root: Path) -> None:
    """Make sure that the materials of an OBJ file, and their pictures, may be opened.

    What is missing is no fault: the simulators do without.

    Raises:
        DataError: A file lies outside of the folder, or is a picture that is too large.
    """
    if mesh.suffix.lower() != ".obj":
        return
    for library in _existing(_named_in(mesh, (b"mtllib",)), mesh, root, "material"):
        for picture in _existing(_named_in(library, (b"map_", b"bump", b"disp", b"decal", b"refl")),
                                 library, root, "picture"):  # fmt: skip
            read_image_bytes(picture, _MAX_MEGAPIXELS)


def _named_in(path: Path, keywords: tuple[bytes, ...]) -> Iterator[str]:
    """Files that lines of a text name; options before the name are left out."""
    for line in read_bytes(path, MAX_FILE_BYTES, "a mesh or its materials").splitlines():
        if line.lstrip().lower().startswith(keywords):
            _, _, rest = line.strip().partition(b" ")
            yield rest.strip().decode("utf-8", "replace")


def _existing(names: Iterator[str], by: Path, root: Path, what: str) -> Iterator[Path]:
    for name in names:
        words = name.split()
        for each in dict.fromkeys([name, words[-1] if words else ""]):  # options come first
            path = by.parent / each
            try:
                is_there = bool(each) and path.is_file()
            except (OSError, ValueError):
                is_there = False
            if is_there or each.startswith("/") or ".." in Path(each).parts:
                yield named_file(each, by, root, what)
