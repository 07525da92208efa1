"""NumPy's files whose headers say what they like."""

from __future__ import annotations

import struct


def npy(kind: str, shape: str, content: bytes = b"") -> bytes:
    """An ``.npy`` file.

    Args:
        kind: What it declares as its dtype.
        shape: What it declares as its shape, as Python writes it.
        content: The numbers.
    """
    kind = kind if kind.startswith("[") else repr(kind)
    header = f"{{'descr': {kind}, 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + content
