"""Names, paths and ids of runs are told apart."""

from __future__ import annotations

import pytest

from tasks.core.errors import DataError
from tasks.nas.transfer.cell_source import Source, source_of


@pytest.mark.parametrize(
    ("wanted", "source"),
    [
        ("nasnet_a", Source.PUBLISHED),
        ("amoebanet_a", Source.PUBLISHED),
        ("NASNet-A", Source.PUBLISHED),
        ("PC_DARTS_image", Source.PUBLISHED),
        ("mine.json", Source.FILE),
        ("genotypes.py", Source.FILE),
        ("genotypes.py:DARTS_V2", Source.FILE),
        ("search.log", Source.FILE),
        ("s3://bucket/genotypes.py:SETN", Source.FILE),
        ("/tmp/nasnet_a", Source.FILE),
        ("~/cells/best", Source.FILE),
        ("a" * 32, Source.RUN),
        ("0123456789abcdef0123456789abcdef", Source.RUN),
    ],
)
def test_each_is_what_it_looks_like(wanted: str, source: Source) -> None:
    assert source_of(wanted) == source


@pytest.mark.parametrize("wanted", ["", "a" * 31, "A" * 32, "resnet", "GDAS_F1", "darts_v2:x"])
def test_what_is_none_of_them_is_refused(wanted: str) -> None:
    with pytest.raises(DataError, match=r"expected one of nasnet_a, amoebanet_a, .*, the path"):
        source_of(wanted)
