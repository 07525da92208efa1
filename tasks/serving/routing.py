"""Which version answers whom: by the digest of a key, so that whoever asks again meets it again.

A key is what the client names, or its request's body. Its digest falls on one of 1,000 places; the
first of the shares has what the others leave. So while the last share grows, places move to it, and
nobody who had come to it leaves it.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b

from tasks.serving.config import PER_MILLE


def place(key: bytes, salt: str) -> int:
    """Place of a key, 0 to 999; another salt gives places that know nothing of the first."""
    digest = blake2b(key, digest_size=8, salt=blake2b(salt.encode(), digest_size=16).digest())
    return int.from_bytes(digest.digest(), "little") % PER_MILLE


def pick(shares: Mapping[str, int], key: bytes, salt: str) -> str:
    """Label that a key falls to.

    Args:
        shares: Per mille of each label, 1,000 in all.
        key: What names the client, or the request.
        salt: What is decided: name of the model.
    """
    first, *others = shares
    end, where = 0, place(key, salt)
    for label in others:
        end += shares[label]
        if where < end:
            return label
    return first


def is_picked(share: int, key: bytes, salt: str) -> bool:
    """Whether a key falls to a share, per mille; as for shadows and the request log."""
    return share > 0 and place(key, salt) < share
