from __future__ import annotations

from pathlib import Path

from tasks.graspgan.stages.report import Report
from tests.support.graspgan.chain import Chain


def test_the_page_has_a_verdict_for_each_claim(chain: Chain) -> None:
    found = chain.run.read(chain.report, Report)
    page = chain.run.fetch(found.files["report.html"]).read_text()
    assert page.count("not testable here") + page.count("reproduced") >= 7
    assert "bullet-structured_adapted" in found.figures
    folder = Path(chain.run.fetch(found.files["report.md"])).read_text()
    assert "| claim | verdict | because |" in folder
