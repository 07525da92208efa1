"""Claims: which run makes an item, so that of two that overlap one makes it and the other waits.

A claim is a small file of the store. To be the first to write it is to hold it, which a disk and an
object store decide alike. The driver that holds it writes it anew now and then; one that was not
written for `LEASE_S`, or whose process is known to have ended, is superseded: who is first to write
the next number holds the item. So a kill costs the time of a lease at most, and no clocks are
compared. When the item has ended, its claims go.
"""

from __future__ import annotations

import itertools
import logging
import threading
import time
import uuid
from dataclasses import dataclass, field
from typing import Self

from operators.owners import is_nobodys, owner
from operators.store.storage import CLAIMS, Storage, storage_errors
from operators.tries import LEASE_S
from tasks.core.errors import NotWritableError, OrreryError

logger = logging.getLogger(__name__)


@dataclass
class Claims:
    """The claims of one driver; a context manager, at whose end it holds none.

    Attributes:
        storage: Where the items are kept.
    """

    storage: Storage
    _held: dict[str, str] = field(default_factory=dict)
    _seen: dict[str, tuple[bytes, float]] = field(default_factory=dict)
    _ended: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        if self._thread:
            self._thread.join()
        for key in [*self._held]:
            self.release(key)

    def claim(self, key: str) -> bool:
        """Claim an item by its key; False while another run holds it.

        What another run has committed just before is found afterwards, so look it up then.
        """
        for number in itertools.count():
            name = f"{CLAIMS}/{key}/{number}"
            try:
                self._write(name, is_new=True)
            except FileExistsError:
                if self._is_held(name):
                    return False
                continue
            except FileNotFoundError:
                return False  # its folder went with the claim of a run that has just ended it
            except NotWritableError:
                return True  # nor can the item be kept, which then says so by its name
            self._held[key] = name
            self._begin()
            return True
        raise AssertionError("unreachable: there is no last number")

    def release(self, key: str) -> None:
        """Let go of an item; a store that fails costs the others the time of a lease."""
        if self._held.pop(key, None) is None:
            return
        try:
            with storage_errors(f"{self.storage.uri}/{CLAIMS}/{key}"):
                self.storage.remove(f"{CLAIMS}/{key}")
        except FileNotFoundError:
            return  # it was let go of while it was renewed
        except (OrreryError, OSError) as error:
            logger.warning("a claim stays until its time is up: %s", error)

    def renew(self) -> None:
        """Say of all items that they are still being made."""
        for key, name in [*self._held.items()]:
            try:
                self._write(name)
            except (OrreryError, OSError) as error:
                logger.warning("a claim could not be renewed: %s", error)
            if key not in self._held:  # it was released meanwhile
                self._held[key] = name
                self.release(key)

    def _is_held(self, name: str) -> bool:
        """Whether the holder of a claim lives, as far as that can be known."""
        try:
            with storage_errors(f"{self.storage.uri}/{name}"):
                sign = self.storage.read_file(name)
        except (FileNotFoundError, NotADirectoryError):
            return True  # it was given back this moment: ask again
        if is_nobodys(sign.decode("utf-8", "replace")):
            return False
        now_s = time.monotonic()
        before, since_s = self._seen.get(name, (b"", now_s))
        if sign != before:
            self._seen[name] = (sign, now_s)
            return True
        return now_s - since_s < LEASE_S

    def _write(self, name: str, *, is_new: bool = False) -> None:
        sign = f"{owner()} {uuid.uuid4().hex}".encode()
        # Nobody holds an item of a machine that lost its power.
        self.storage.write(name, sign, is_new=is_new, outlives_machine=False)

    def _begin(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._go_on, name="claims", daemon=True)
            self._thread.start()

    def _go_on(self) -> None:
        while not self._ended.wait(LEASE_S / 3):
            self.renew()
