"""Where runs may read and write: roots, held to after links are resolved.

A root is a folder (``/data``), an object store's prefix (``s3://bucket/archive``), or all buckets
that the credentials open (``s3://``). What a param names is one path, or one URI of a store that
is named here: fsspec's chains (``::``) and its other protocols would read anything from anywhere.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePath
from typing import Literal

from tasks.core.errors import ConfigError

STORES = ("s3", "gs")
MAX_PATH_BYTES, MAX_NAME_BYTES = 4095, 255  # Linux' own
_MAX_SHOWN = 100
_INSIDES = ("/proc", "/sys", "/dev")  # folders that hold no data but the machine's insides
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", re.DOTALL)
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
# What programs read as more than a name: escapes, versions, patterns.
_NOT_IN_KEYS = re.compile(r"[%?#*\\\[\]{}]")


@dataclass(frozen=True)
class Roots:
    """Places below which runs may read, or write.

    Attributes:
        places: Folders and prefixes; none allows nothing.
        setting: The profile's setting that names them.
    """

    places: tuple[str, ...]
    setting: Literal["readable", "writable"] = "readable"

    def check(self, place: str, param: str, *, may_be_stored: bool = True) -> None:
        """Check what a param names.

        Args:
            place: A path, or a URI of a store.
            param: Its name, for messages.
            may_be_stored: Whether it may be a URI.

        Raises:
            ConfigError: It is no plain place, or lies outside.
        """
        oddity = _oddity(place) or (_uri_oddity if "://" in place else _path_oddity)(place)
        if not oddity and "://" in place and not may_be_stored:
            oddity = "is a URI; this setting takes a path of the machine that reads or writes it"
        if oddity:
            raise ConfigError(f"{param}: {quoted(place)} {oddity}")
        if not self.hold(place):
            raise ConfigError(
                f"{param}: {quoted(place)} lies outside of what is {self.setting} "
                f"({', '.join(self.places) or 'nothing'}); choose a place there, or let whoever "
                f"runs this installation add its folder to `{self.setting}` in the profile"
            )

    def hold(self, place: str | Path) -> bool:
        """Whether a place lies inside, wherever its links lead."""
        uri = _uri(str(place))
        if uri is not None:
            return any(uri[: len(root)] == root for root in self._prefixes)
        real = PurePath(_real(str(place)))
        return not _is_inside_of_machine(real) and any(map(real.is_relative_to, self._folders))

    @cached_property
    def _prefixes(self) -> list[tuple[str, ...]]:
        return [uri for place in self.places if (uri := _uri(place)) is not None]

    @cached_property
    def _folders(self) -> list[str]:
        return [_real(place) for place in self.places if _uri(place) is None]


def quoted(text: str) -> str:
    """A text from outside as messages show it: quoted, escaped, not longer than a line."""
    return repr(text) if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]!r}…"


def _oddity(place: str) -> str:
    """What is wrong with a text that is to name a place; empty if nothing is."""
    names = place.split("/")
    if found := CONTROL.search(place):
        return f"holds {found[0]!r}, which is no plain character: rename the folder"
    if len(place.encode()) > MAX_PATH_BYTES or max(len(n.encode()) for n in names) > MAX_NAME_BYTES:
        return (
            f"is longer than a path ({MAX_PATH_BYTES} bytes) or a name in it ({MAX_NAME_BYTES}) "
            "can be"
        )
    if "::" in place:
        return "holds '::', which chains file systems: name the folder itself, or rename it"
    return ""


def _uri_oddity(place: str) -> str:
    """What is wrong with a URI."""
    found = _SCHEME.fullmatch(place)
    if found is None or found[1] not in (*STORES, "file"):
        return f"is neither a path nor a URI of {', '.join(f'{name}://' for name in STORES)}"
    if found[1] == "file":
        path = found[2]
        return _path_oddity(path) if path.startswith("/") else "needs a path: file:///folder"
    names = found[2].rstrip("/").split("/")
    if any(name in ("", ".", "..") for name in names) or _NOT_IN_KEYS.search(found[2]):
        return (
            "must name bucket and folders plainly, without empty ones, '.', '..', % or any of "
            "?#*\\[]{}"
        )
    return ""


def _path_oddity(place: str) -> str:
    """What is wrong with a path of this machine."""
    if place.startswith("~") and os.path.expanduser(place) == place:  # noqa: PTH111
        return "names a user whom this machine does not know: write the folder in full"
    real = _real(place)
    if real == "/":
        return "is the whole file system: name the folder that is meant"
    if _is_inside_of_machine(PurePath(real)):
        return "is a part of the machine and no folder with data"
    try:
        mode = Path(real).stat().st_mode
    except OSError as error:
        # Who may look, and what is there, is for the process to say that reads it.
        return "leads round in a circle of links" if error.errno == errno.ELOOP else ""
    is_data = stat.S_ISREG(mode) or stat.S_ISDIR(mode)
    return "" if is_data else "is neither a file nor a folder but a device, pipe or socket"


def _uri(place: str) -> tuple[str, ...] | None:
    """A store's URI as protocol, bucket and folders; None of a path."""
    found = _SCHEME.fullmatch(place)
    if found is None or found[1] == "file":
        return None
    return (found[1], *(name for name in found[2].split("/") if name))


def _real(place: str) -> str:
    """A path without links, dots and ``~``."""
    real = os.path.realpath(os.path.expanduser(place.removeprefix("file://")))  # noqa: PTH111
    return f"/{real.lstrip('/')}"  # POSIX lets two slashes stay


def _is_inside_of_machine(real: PurePath) -> bool:
    return any(map(real.is_relative_to, _INSIDES))
