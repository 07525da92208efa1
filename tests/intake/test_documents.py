"""JSON that is none, or none that memory can hold, is refused with the reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks.core.errors import DataError
from tasks.intake.documents import parse_json, read_json
from tests.support.hostile.within import run_within


@pytest.mark.hostile
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "Expecting value"),
        ("[" * 100_000, "nests too deeply"),
        ('{"a":' * 100_000, "nests too deeply"),
        ("[NaN]", "NaN is no number in JSON"),
        ("[-Infinity]", "-Infinity is no number in JSON"),
        ("1" * 5000, "Exceeds the limit"),
        ("{'a': 1}", "Expecting property name"),
    ],
)
def test_what_is_no_json_is_refused(text: str, reason: str) -> None:
    with pytest.raises(DataError, match=reason) as caught:
        parse_json(text, "a.json", "names")
    assert str(caught.value).startswith("a.json: expected names")


def test_json_in_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('{"a": [1, 2.5, null]}')
    assert read_json(path, 100, "names") == {"a": [1, 2.5, None]}
    path.write_bytes(b'"\xff"')
    with pytest.raises(DataError, match=r"a\.json: expected names, got no UTF-8"):
        read_json(path, 100, "names")


@pytest.mark.hostile
def test_many_small_values_are_refused_before_they_are_made() -> None:
    """Nine megabytes of empty lists would take six hundred."""
    found = run_within(
        200_000_000,
        "from tasks.core.errors import ResourceError\n"
        "from tasks.intake.documents import parse_json\n"
        "text = '[' + '[],' * 3_000_000 + '[]]'",
        "try:\n    parse_json(text, 'a.json', 'names')\n"
        "except ResourceError as error:\n    print(error)",
    )
    assert found.startswith("a.json: its 6,000,002 values would take 0.6 GB of memory")
