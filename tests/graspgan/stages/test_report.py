from __future__ import annotations

from pathlib import Path

from tasks.graspgan.judging.manifests import Evaluation
from tasks.graspgan.report.claims import claims_of, simulation_claim
from tasks.graspgan.stages.report import Report
from tests.support.graspgan.chain import Chain


def test_the_page_has_a_verdict_for_each_claim(chain: Chain) -> None:
    found = chain.run.read(chain.report, Report)
    assert "bullet-structured_adapted" in found.figures
    text = Path(chain.run.fetch(found.files["report.md"])).read_text()
    assert "| claim | verdict | because |" in text
    evaluation = chain.run.read(chain.evaluated, Evaluation)
    claims = [simulation_claim(evaluation)]
    claims += [claim for result in evaluation.targets for claim in claims_of(result)]
    for claim in claims:
        assert f"| {claim.says} | {claim.outcome} |" in text
