"""The examples of the README run as they stand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tasks.nas.space.genotype_file import parse_genotype

FOLDER = Path(__file__).parents[2] / "tasks/nas"
README = (FOLDER / "README.md").read_text("utf-8")
ALL_EXAMPLES = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
# What asks for a registered model is run in tests/integration/test_registered_models.py.
EXAMPLES = [each for each in ALL_EXAMPLES if "sys.argv" not in each]


@pytest.mark.parametrize("code", EXAMPLES, ids=["space", "networks"])
def test_an_example_runs(code) -> None:
    exec(compile(code, "README.md", "exec"), {})  # noqa: S102 - our own text


def test_the_document_is_a_genotype() -> None:
    (document,) = re.findall(r"```json\n(.*?)```", README, re.DOTALL)
    assert parse_genotype(document).normal.concat == (2,)


def test_every_link_leads_somewhere() -> None:
    links = set(re.findall(r"\]\(([^)#\s]+)\)", README))
    missing = [each for each in links if "://" not in each and not (FOLDER / each).exists()]
    assert not missing
    assert len(links) > 30
