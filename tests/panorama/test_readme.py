"""What the README of panorama links is there."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from tasks.panorama.archive.catalogue import PUBLISHED, Row, write_catalogue

README = Path(__file__).parents[2] / "tasks" / "panorama" / "README.md"


def test_the_files_that_it_links_exist():
    links = [
        link.partition("#")[0]
        for link in re.findall(r"\]\(([^)#]+)\)", README.read_text("utf-8"))
        if not link.startswith("http")
    ]
    assert len(links) > 5
    assert [link for link in links if not (README.parent / link).exists()] == []


def test_the_catalogue_has_the_columns_that_it_names_and_is_read_as_it_says(tmp_path, capsys):
    text = README.read_text("utf-8")
    table = text.partition("| column | what it says |")[2].partition("\n\n")[0]
    named = re.findall(r"`(\w+)`", "\n".join(row.split("|")[1] for row in table.splitlines()[2:]))
    assert sorted(named) == sorted(field.name for field in fields(Row))
    write_catalogue(tmp_path / "c.parquet", [Row("corner-17", PUBLISHED, quality=0.9)])
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    exec(re.sub(r'"/data/.*?"', repr(str(tmp_path / "c.parquet")), code), {})  # noqa: S102 - our own
    assert "corner-17" in capsys.readouterr().out
