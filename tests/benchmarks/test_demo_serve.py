"""The demo of serving, whole."""

from __future__ import annotations

import pytest

from benchmarks import demo_serve
from benchmarks.serving import bundles


@pytest.mark.slow
def test_it_serves_swaps_refuses_and_rolls_back(tmp_path, monkeypatch, capsys):
    for module in (bundles, demo_serve):
        monkeypatch.setattr(module, "FOLDER", tmp_path)
    assert demo_serve.main() == 0
    told = capsys.readouterr().out
    assert "960 requests were answered, 0 failed" in told
    assert "2, then 1" in told
