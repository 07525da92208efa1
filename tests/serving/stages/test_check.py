from __future__ import annotations

from tasks.serving.release.manifests import CheckedBundle
from tests.support.serving.released import world


def test_each_network_gives_its_golden_answers_and_is_measured(tmp_path, monkeypatch):
    made = world(tmp_path, monkeypatch)
    found = made.local.read(made.check(), CheckedBundle)
    (network,) = found.networks
    assert (network.item_id, network.runtime, network.num_signatures) == ("only", "faulty", 1)
    assert network.difference == 0
    assert [size for size, _ in network.curve][:2] == [1, 2]
    assert found.reasons == ()


def test_other_golden_answers_are_a_reason_not_to_release(tmp_path, monkeypatch):
    made = world(tmp_path, monkeypatch, factor=3.0, golden_factor=2.0)
    found = made.local.read(made.check(), CheckedBundle)
    assert found.networks == ()
    (reason,) = found.reasons
    assert reason.startswith("check: model faulty: network only")
    assert "got a difference of" in reason


def test_a_network_slower_than_is_allowed_is_told(tmp_path, monkeypatch):
    made = world(tmp_path, monkeypatch)
    (reason,) = made.local.read(made.check(max_us=0.01), CheckedBundle).reasons
    assert "us in network only, expected at most 0; make it smaller, or change" in reason
