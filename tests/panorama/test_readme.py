"""What the README of panorama links is there."""

from __future__ import annotations

import re
from pathlib import Path

README = Path(__file__).parents[2] / "tasks" / "panorama" / "README.md"


def test_the_files_that_it_links_exist():
    links = [
        link.partition("#")[0]
        for link in re.findall(r"\]\(([^)#]+)\)", README.read_text("utf-8"))
        if not link.startswith("http")
    ]
    assert len(links) > 5
    assert [link for link in links if not (README.parent / link).exists()] == []
